"""What policies found out about images while they judged one request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import Final

from modelpack.attestation.evidence import VerifiedStatement
from modelpack.attestation.predicates import TYPES
from modelpack.errors import InvalidInput, ModelpackError
from modelpack.oci.digest import Digest
from modelpack.oci.strict_json import strict_json
from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.kyverno.documents import as_go
from modelpack.policy.cel.values import Prepared, prepare
from modelpack.policy.evaluation.evidence import Evidence, Image, Signed
from modelpack.policy.image_reference import ImageReference
from modelpack.policy.kyverno.attestor import Attestor

__all__ = ["Attested", "Checks"]

_MOST_IMAGES: Final = 100


@dataclass(slots=True)
class Checks:
    """Which images were verified, shared by all policies of one request.

    ``verified`` holds every image that was checked: whether a signature or a
    statement about it held. Only verification writes there. ``fault`` is the first
    thing that could not be looked at: no expression may pass over it, as ``||`` would.
    """

    evidence: Evidence
    verified: dict[str, bool] = field(default_factory=dict)
    fault: ModelpackError | None = None
    reasons: dict[str, list[str]] = field(default_factory=dict)
    _images: dict[str, Image] = field(default_factory=dict)

    def image(self, text: str) -> Image:
        """Return an artifact; ``ModelpackError`` where it cannot be looked at."""
        if text not in self._images:
            with self._noted():
                if len(self._images) >= _MOST_IMAGES:
                    raise InvalidInput(f"more than {_MOST_IMAGES} images in a request")
                self._images[text] = self.evidence.image(ImageReference.parse(text))
        return self._images[text]

    def digest_of(self, text: str) -> Digest | None:
        """Return an image's digest, where it was looked at."""
        return self._images[text].digest if text in self._images else None

    def signed(self, text: str, attestor: Attestor) -> Signed:
        """Return what an attestor signed about the very digest that was looked at."""
        reference = ImageReference.parse(text)
        digest = self.image(text).digest
        with self._noted():
            signed = self.evidence.signed(reference.at(digest), attestor)
        reasons = self.reasons.setdefault(text, [])
        reasons += [each for each in signed.set_aside if each not in reasons]
        return signed

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except ModelpackError as error:
            self.fault = self.fault or error
            raise
        except Exception as error:
            # Whatever it is, `||` would pass over it.
            said = f"cannot be looked at: {type(error).__name__}: {error}"
            self.fault = self.fault or ModelpackError(said)
            raise

    def record(self, text: str, *, held: bool) -> None:
        """Remember a check; one that held is not undone by one that does not."""
        self.verified[text] = self.verified.get(text, False) or held


@dataclass(slots=True)
class Attested:
    """Statements that one policy has had verified: what ``extractPayload`` reads.

    Kyverno keeps one payload of each type, the last that the registry lists. All are
    kept here; ``instead`` says for which image and type another one is looked at.
    """

    found: dict[tuple[str, str], list[VerifiedStatement]] = field(default_factory=dict)
    instead: Mapping[tuple[str, str], VerifiedStatement] = field(default_factory=dict)

    def add(self, text: str, statements: Sequence[VerifiedStatement]) -> None:
        """Keep statements about an image, in the order in which they are listed."""
        for statement in statements:
            key = text, statement.statement.predicate_type
            known = self.found.setdefault(key, [])
            # The last that was verified counts, also when it was before.
            if statement in known:
                known.remove(statement)
            known.append(statement)

    def payload(self, text: str, kind: str) -> Prepared:
        """Return a whole statement, as Kyverno gives it to an expression."""
        statements = self.found.get((text, kind), [])
        if not statements:
            short = " (short names do not work there)" if kind in TYPES else ""
            raise CelError(
                f"no statement {kind} about {text} has been verified before{short}"
            )
        wanted = self.instead.get((text, kind))
        # Where it has not been verified yet, the last that was counts.
        chosen = wanted if wanted in statements else statements[-1]
        return _prepared(chosen.statement.raw)

    def others(self) -> Sequence[tuple[tuple[str, str], VerifiedStatement]]:
        """Return which statements there are besides the last of each type."""
        return [
            (key, statement)
            for key, statements in sorted(self.found.items(), key=itemgetter(0))
            for statement in statements[:-1]
        ]


# Several rules look at one statement, and several requests.
@lru_cache(maxsize=16)
def _prepared(raw: bytes) -> Prepared:
    document = strict_json(raw, where="statement")
    if not isinstance(document, dict):
        raise CelError("the statement is no object")
    members = ("_type", "subject", "predicateType", "predicate")
    return prepare(
        {key: as_go(document[key]) for key in members if document.get(key) is not None}
    )
