"""``policy test``: declared cases, and what policies say of them here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from modelpack.api.files import content_of
from modelpack.api.policies import apply_policies, load_policies, read_resources
from modelpack.errors import InvalidInput
from modelpack.policy.kyverno.declared_test import FILE, DeclaredTest, Expected
from modelpack.policy.kyverno.documents import objects_of
from modelpack.transfer.progress import Listener, nobody

if TYPE_CHECKING:
    from modelpack.api.settings import Settings
    from modelpack.policy.evaluation.house import Verdict

__all__ = ["Tested", "run_policy_tests"]

_LETS_PASS: Final = ("pass", "skip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """One expectation about one object, and what came out."""

    test: str
    policy: str
    about: str
    expected: str
    result: str
    admitted: bool
    reason: str

    @property
    def holds(self) -> bool:
        """Whether the policy says what it should, and the house decides likewise."""
        return self.result == self.expected and (
            self.admitted == (self.expected in _LETS_PASS)
        )


def run_policy_tests(
    folder: str | Path,
    *,
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> Sequence[Tested]:
    """Run every ``kyverno-test.yaml`` in and below a folder.

    Raises ``InvalidInput`` where a test is not of the form that ``kyverno test`` reads,
    or there is none.
    """
    files = sorted(Path(folder).rglob(FILE))
    if not files:
        raise InvalidInput(f"holds no {FILE}", where=str(folder))
    return [
        tested
        for file in files
        for value, where in objects_of(content_of(file), str(file))
        for tested in _run(
            DeclaredTest.parse(value, where), file.parent, settings, notify
        )
    ]


def _run(
    test: DeclaredTest, folder: Path, settings: Settings | None, notify: Listener
) -> Iterator[Tested]:
    policies = load_policies(
        [folder / path for path in test.policies],
        exceptions=[folder / path for path in test.exceptions],
        settings=settings,
    )
    objects = [
        request
        for path in test.resources
        for request in read_resources(folder / path, "default")
    ]
    wanted = {(each.kind, name) for each in test.expected for name in each.objects}
    asked = [one for one in objects if (one.kind, one.name) in wanted]
    verdicts = apply_policies(policies, asked, settings=settings, notify=notify)
    judged = dict(zip(((o.kind, o.name) for o in asked), verdicts, strict=True))
    for expected in test.expected:
        for name in expected.objects:
            verdict = judged.get((expected.kind, name))
            if verdict is None:
                raise InvalidInput(
                    f"there is no {expected.kind} {name[:80]!r} among the resources",
                    where=expected.where,
                )
            yield _tested(test.name, expected, name, verdict)


def _tested(test: str, expected: Expected, name: str, verdict: Verdict) -> Tested:
    said = [each for each in verdict.results if each.policy == expected.policy]
    return Tested(
        test=test,
        policy=expected.policy,
        about=f"{expected.kind}/{name}",
        expected=expected.result,
        # A policy that does not apply is skipped, in the words of `kyverno test`.
        result=str(said[0].result) if said else "skip",
        admitted=verdict.admitted,
        reason=verdict.refusals[0] if verdict.refusals else "",
    )
