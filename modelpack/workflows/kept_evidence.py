"""Evidence that is kept for minutes: what is known of one digest in one repository.

A digest's manifest never changes, and what is signed about it seldom does: what was
found is kept longest, that nothing was found only for seconds, and so is an error. What
a tag means is asked each time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from modelpack.errors import InvalidInput, ModelpackError
from modelpack.oci.digest import Digest
from modelpack.policy.evaluation.evidence import Evidence, Image, Signed
from modelpack.policy.image_reference import ImageReference
from modelpack.policy.kyverno.attestor import Attestor

__all__ = ["AskedEvidence", "KeptEvidence"]

SECONDS: Final = 300.0
NOTHING_SECONDS: Final = 10.0
ERROR_SECONDS: Final = 5.0
MOST_DIGESTS: Final = 2_000
MOST_IMAGES: Final = 64

T = TypeVar("T", Image, Signed)
_Answer = Image | Signed | ModelpackError


@dataclass(slots=True)
class _Entry:
    """What is known of one digest; ``lock`` lets one thread ask for all."""

    evidence: Evidence
    until: float
    answers: dict[Attestor | None, _Answer] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class KeptEvidence:
    """Implements ``Evidence`` for many threads and decisions.

    ``fresh`` gives evidence that knows nothing yet; ``clock`` counts seconds.
    """

    def __init__(
        self, fresh: Callable[[], Evidence], clock: Callable[[], float]
    ) -> None:
        self._fresh = fresh
        self._clock = clock
        self._entries: OrderedDict[tuple[str, Digest], _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def image(self, reference: ImageReference) -> Image:
        """Look at an artifact: anew where a tag names it."""
        if reference.digest is None:
            return self._fresh().image(reference)
        entry = self._entry(reference, reference.digest)
        with entry.lock:
            return self._answered(
                entry, None, lambda: entry.evidence.image(reference), Image
            )

    def signed(self, reference: ImageReference, attestor: Attestor) -> Signed:
        """Gather what an attestor has signed."""
        if reference.digest is None:
            raise InvalidInput("names no digest", where=reference.text)
        entry = self._entry(reference, reference.digest)
        with entry.lock:
            return self._answered(
                entry,
                attestor,
                lambda: entry.evidence.signed(reference, attestor),
                Signed,
            )

    def _answered(
        self,
        entry: _Entry,
        about: Attestor | None,
        find: Callable[[], T],
        kind: type[T],
    ) -> T:
        if about not in entry.answers:
            entry.answers[about] = self._found(entry, find)
        answer = entry.answers[about]
        if isinstance(answer, kind):
            return answer
        if isinstance(answer, ModelpackError):
            raise answer.with_traceback(None)
        raise AssertionError

    def _found(self, entry: _Entry, find: Callable[[], T]) -> T | ModelpackError:
        seconds = SECONDS
        answer: T | ModelpackError
        try:
            answer = find()
        except ModelpackError as error:
            answer, seconds = error, ERROR_SECONDS
        else:
            if not getattr(answer, "statements", True):
                seconds = NOTHING_SECONDS
        # The weakest answer says when all is asked again.
        entry.until = min(entry.until, self._clock() + seconds)
        return answer

    def _entry(self, reference: ImageReference, digest: Digest) -> _Entry:
        key = reference.name, digest
        with self._lock:
            entry = self._entries.get(key)
            now = self._clock()
            if entry is None or entry.until <= now:
                entry = _Entry(self._fresh(), now + SECONDS)
                self._entries[key] = entry
            self._entries.move_to_end(key)
            while len(self._entries) > MOST_DIGESTS:
                self._entries.popitem(last=False)
            return entry


@dataclass(slots=True)
class AskedEvidence:
    """Implements ``Evidence`` for one decision, and notes what it was asked about."""

    evidence: Evidence
    by_tag: bool = False
    _seen: set[str] = field(default_factory=set)

    def image(self, reference: ImageReference) -> Image:
        """Look at an artifact, if there are not too many."""
        self._seen.add(reference.text)
        if len(self._seen) > MOST_IMAGES:
            raise InvalidInput(f"names more than {MOST_IMAGES} images")
        self.by_tag = self.by_tag or reference.digest is None
        return self.evidence.image(reference)

    def signed(self, reference: ImageReference, attestor: Attestor) -> Signed:
        """Gather what an attestor has signed."""
        return self.evidence.signed(reference, attestor)
