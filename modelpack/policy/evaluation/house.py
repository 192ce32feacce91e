"""The decision about one request: Kyverno's verdicts, and the rule of the house.

A digest that no policy verified is refused; any error refuses; what is not known is
never a yes. The only maker of a ``Verdict``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from datetime import datetime
from typing import Final

from modelpack.errors import InvalidInput, ModelpackError
from modelpack.oci.digest import Digest
from modelpack.policy.cel.errors import CelError
from modelpack.policy.evaluation.autogen import copies
from modelpack.policy.evaluation.checks import Checks
from modelpack.policy.evaluation.entry import Entry, Ready
from modelpack.policy.evaluation.evidence import Evidence
from modelpack.policy.evaluation.image_policy import ImageOutcome, ReadyImagePolicy
from modelpack.policy.evaluation.object_policy import ReadyObjectPolicy
from modelpack.policy.evaluation.results import PolicyResult, Result
from modelpack.policy.evaluation.validations import Broken
from modelpack.policy.kyverno.documents import Documents
from modelpack.policy.kyverno.exception import PolicyException
from modelpack.policy.kyverno.policy import AnyPolicy, ImageValidatingPolicy
from modelpack.policy.objects import model_references
from modelpack.policy.request import Payload, Request

__all__ = ["Policies", "Verdict"]

_NO_SEAL: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of a request.

    ``refusals`` are the reasons to refuse it; none admits it. ``warnings`` are what was
    not met and does not refuse, and exceptions that were made. ``verified`` holds the
    digest of every image that a policy verified, by the reference that named it.
    """

    results: tuple[PolicyResult, ...]
    refusals: tuple[str, ...]
    warnings: tuple[str, ...]
    verified: Mapping[str, Digest]
    # Not kept: dataclasses.replace would pass it on to whatever is said instead.
    seal: InitVar[object] = None

    def __post_init__(self, seal: object) -> None:
        if seal is not _NO_SEAL:
            raise TypeError("only policies come to a verdict; there is no other way in")

    @property
    def admitted(self) -> bool:
        """Whether nothing refuses it."""
        return not self.refusals

    def document(self) -> Mapping[str, object]:
        """Return the JSON form (docs/json.md)."""
        return {
            "admitted": self.admitted,
            "results": [result.document() for result in self.results],
            "refusals": list(self.refusals),
            "warnings": list(self.warnings),
        }


class Policies:
    """All policies that a request has to meet. For many threads."""

    def __init__(self, documents: Documents, now: Callable[[], datetime]) -> None:
        """Compile every policy; one that cannot be used refuses what it is about.

        Its copies for Deployments and their like are compiled when one comes.
        """
        if not documents.policies:
            raise InvalidInput("there is no policy in what was given")
        self._now = now
        self._entries: list[Entry] = []
        self._faults: dict[str, None] = {}
        for policy, source in documents.policies:
            exceptions = tuple(
                each for each in documents.exceptions if each.is_about(policy)
            )
            entry = Entry(policy, exceptions, now)
            self._entries.append(entry)
            if isinstance(entry.ready, str):
                self._faults[entry.ready] = None
            self._entries += [Entry(copy, (), now) for copy in copies(policy, source)]

    @property
    def names(self) -> str:
        """The policies' names, in one line."""
        return ", ".join(dict.fromkeys(e.policy.common.name for e in self._entries))

    @property
    def json_mode(self) -> bool:
        """Whether all of them judge payloads; else some judge objects."""
        return all(entry.policy.common.json_mode for entry in self._entries)

    @property
    def mixed(self) -> bool:
        """Whether some judge payloads and some objects: no question fits them all."""
        return len({entry.policy.common.json_mode for entry in self._entries}) > 1

    @property
    def faults(self) -> tuple[str, ...]:
        """Why some policies cannot be used."""
        return tuple(self._faults)

    def judge(
        self,
        asked: Request | Payload,
        evidence: Evidence,
        *,
        allow_uncovered: bool = False,
    ) -> Verdict:
        """Judge one request by every policy that is about it.

        1. Each policy comes to Kyverno's own verdict.
        2. ``required``: an image that a policy is about has to have been verified by
           some policy, which is known when all have been evaluated.
        3. The rule of the house: errors refuse, whatever a policy says of them, but
           for those of conditions that it ignores; so do failures of a policy that
           denies; so does a request that no policy passed, and an image of a model
           that none that passed has verified, unless ``allow_uncovered``.
        """
        decision = _Decision(asked, Checks(evidence), self._now())
        for entry in self._entries:
            decision.take(entry)
        decision.require()
        return decision.verdict(allow_uncovered=allow_uncovered)


@dataclass(slots=True)
class _Passed:
    """A policy that passed, until ``required`` is asked."""

    policy: ImageValidatingPolicy
    outcome: ImageOutcome
    at: int


@dataclass(slots=True)
class _Decision:
    """One request, while policy after policy is asked."""

    asked: Request | Payload
    checks: Checks
    now: datetime
    results: list[PolicyResult] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    concerned: list[str] = field(default_factory=list)
    excepted: list[str] = field(default_factory=list)
    passed: list[_Passed] = field(default_factory=list)
    denying: dict[int, bool] = field(default_factory=dict)

    def take(self, entry: Entry) -> None:
        """Ask one policy."""
        common = entry.policy.common
        if common.json_mode != isinstance(self.asked, Payload):
            self._applies_not(entry, f"its evaluation mode is {_mode(entry.policy)}")
            return
        if isinstance(self.asked, Request) and not common.match.match(self.asked):
            return
        ready = entry.ready
        if isinstance(ready, str):
            self._say(entry, Result.ERROR, f"failed to compile policy: {ready}")
            return
        try:
            if isinstance(ready, ReadyImagePolicy):
                self._images(entry, ready)
            else:
                self._object(entry, ready)
        except (CelError, ModelpackError) as error:
            self._say(entry, Result.ERROR, f"failed to evaluate policy: {error}")

    def _images(self, entry: Entry, ready: ReadyImagePolicy) -> None:
        if not self._applicable(entry, ready) or self._excepted(entry, ready):
            return
        outcome = ready.evaluate(self.asked, self.checks)
        self.concerned += [*outcome.images, *outcome.named]
        broken = outcome.broken
        if broken is not None:
            self._broken(entry, broken, outcome.image)
            return
        if outcome.disputed:
            self.refusals.append(f"{entry.policy.common.name}: {outcome.disputed}")
        self.passed.append(_Passed(ready.policy, outcome, len(self.results)))
        self._say(entry, Result.PASS, "success")

    def _object(self, entry: Entry, ready: ReadyObjectPolicy) -> None:
        # Kyverno asks about exceptions first here, and about images it asks last.
        partial = self._matching(entry, ready)
        whole = [each for each in partial if not (each.images or each.values)]
        if whole:
            self._except(entry, whole, ())
            return
        self._make(entry, partial)
        if not self._applicable(entry, ready):
            return
        broken = ready.evaluate(self.asked, partial)
        if broken is not None:
            self._broken(entry, broken)
        else:
            self._say(entry, Result.PASS, "success")

    def _applicable(self, entry: Entry, ready: Ready) -> bool:
        try:
            holds = ready.conditions.hold(ready.scope(self.asked))
        except CelError as error:
            if not entry.policy.common.failure_ignored:
                raise
            ignored = f"a condition failed, and is ignored: {error}"
            self.warnings.append(f"{entry.policy.common.name}: {ignored}")
            self._applies_not(entry, ignored)
            return False
        if not holds:
            self._applies_not(entry, "its conditions are not met")
        return holds

    def _matching(self, entry: Entry, ready: Ready) -> list[PolicyException]:
        return [
            exception
            for exception in entry.exceptions
            if ready.compile_conditions(exception.conditions).hold(
                ready.scope(self.asked)
            )
        ]

    def _excepted(self, entry: Entry, ready: ReadyImagePolicy) -> bool:
        matching = self._matching(entry, ready)
        if matching:
            self._except(entry, matching, ready.images_of(self.asked))
        return bool(matching)

    def _except(
        self,
        entry: Entry,
        exceptions: Sequence[PolicyException],
        images: Sequence[str],
    ) -> None:
        """Let an exception count, unless it has expired: Kyverno lets it even then."""
        names = ", ".join(each.shown for each in exceptions)
        message = f"rule is skipped due to policy exception: {names}"
        self._say(entry, Result.SKIP, message, rule="exception")
        if self._make(entry, exceptions):
            self.excepted += images

    def _make(self, entry: Entry, exceptions: Sequence[PolicyException]) -> bool:
        """Say which exceptions are made; refuse for those that have expired."""
        name = entry.policy.common.name
        current = True
        for exception in exceptions:
            if exception.expires is None or self.now < exception.expires:
                self.warnings.append(f"{name}: the exception {exception.shown} is made")
            else:
                current = False
                self.refusals.append(
                    f"{name}: the exception {exception.shown} has expired"
                )
        return current

    def _applies_not(self, entry: Entry, why: str) -> None:
        self._say(entry, Result.SKIP, f"does not apply: {why}")

    def _broken(self, entry: Entry, broken: Broken, image: str = "") -> None:
        result = Result.ERROR if broken.is_error else Result.FAIL
        self._say(entry, result, broken.message, rule=broken.rule, image=image)

    def _say(
        self,
        entry: Entry,
        result: Result,
        message: str,
        *,
        rule: str = "",
        image: str = "",
    ) -> None:
        common = entry.policy.common
        self.denying[len(self.results)] = common.denies
        self.results.append(
            PolicyResult(
                policy=common.name,
                result=result,
                message=message,
                rule=rule,
                image=image,
            )
        )

    def require(self) -> None:
        """Turn a pass into a failure where an image was verified by no policy."""
        for passed in self.passed:
            if not passed.policy.required:
                continue
            for image in passed.outcome.images:
                if self.checks.verified.get(image):
                    continue
                self.results[passed.at] = PolicyResult(
                    policy=passed.policy.common.name,
                    result=Result.FAIL,
                    message=_unverified(image, tried=image in self.checks.verified),
                    rule="required",
                    image=image,
                )
                break

    def verdict(self, *, allow_uncovered: bool) -> Verdict:
        """Decide."""
        for index, result in enumerate(self.results):
            said = _said(result)
            if result.result is Result.ERROR or (
                result.result is Result.FAIL and self.denying[index]
            ):
                self.refusals.append(said)
            elif result.result is Result.FAIL:
                self.warnings.append(said)
        if not self.refusals and not allow_uncovered:
            self.refusals += self._uncovered()
        if self.refusals:
            self.refusals += self._hints()
        return Verdict(
            results=tuple(self.results),
            refusals=tuple(dict.fromkeys(self.refusals)),
            warnings=tuple(dict.fromkeys(self.warnings)),
            verified=self._verified(),
            seal=_NO_SEAL,
        )

    def _verified(self) -> Mapping[str, Digest]:
        """Return what policies verified that pass; others speak for nothing."""
        found = {}
        for passed in self.passed:
            if self.results[passed.at].result is not Result.PASS:
                continue
            for image in passed.outcome.verified:
                digest = self.checks.digest_of(image)
                if digest is not None:
                    found[image] = digest
        return found

    def _uncovered(self) -> list[str]:
        models: tuple[str, ...] = ()
        if isinstance(self.asked, Request):
            models = model_references(self.asked.object)
        verified = self._verified()
        reasons = [
            f"no policy has verified {image}"
            for image in dict.fromkeys([*models, *self.concerned])
            if image not in verified and image not in self.excepted
        ]
        spoken = any(result.result is Result.PASS for result in self.results)
        if not reasons and not spoken and not self.excepted:
            reasons.append(f"no policy covers {self.asked.shown}")
        return reasons

    def _hints(self) -> list[str]:
        return [
            f"{image}: set aside: {reason}"
            for image, reasons in self.checks.reasons.items()
            for reason in reasons
        ]


def _mode(policy: AnyPolicy) -> str:
    return "JSON" if policy.common.json_mode else "Kubernetes"


def _unverified(image: str, *, tried: bool) -> str:
    if tried:
        return f"image {image} failed signature or attestation verification"
    return (
        f"image {image} is not verified: no policy performed a signature or "
        "attestation check on it"
    )


def _said(result: PolicyResult) -> str:
    rule = f" ({result.rule})" if result.rule else ""
    image = f"{result.image}: " if result.image not in result.message else ""
    return f"{result.policy}{rule}: {image}{result.message}"
