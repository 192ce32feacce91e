"""What a trusted root holds, by the times for which it is to be trusted."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from modelpack.errors import VerificationError
from modelpack.signing.log import LogKeys
from modelpack.signing.validity import Validity

if TYPE_CHECKING:
    from sigstore.models import TrustedRoot
    from sigstore.verify import Verifier as SigstoreVerifier

__all__ = ["Trusted"]


class Trusted:
    """sigstore's verifiers for one trusted root, each for what is trusted at a time.

    sigstore-python takes keys and authorities whose time has ended for good ones,
    since they were when older signatures were made; it does not ask whether this one
    is so old.
    """

    def __init__(self, root: TrustedRoot) -> None:
        self._inner = root._inner  # noqa: SLF001 - its own fields are nowhere else
        self._lock = threading.Lock()
        self._verifiers: dict[tuple[tuple[int, ...], ...], SigstoreVerifier] = {}
        self._verifier(tuple(tuple(range(len(of))) for of in self._lists().values()))

    @cached_property
    def logs(self) -> LogKeys:
        """Its transparency logs, each with the times for which it is trusted."""
        return LogKeys.of_document(json.loads(self._inner.to_json()))

    def at(self, times: Sequence[datetime]) -> SigstoreVerifier:
        """Return what believes only those that are trusted at all of ``times``."""
        kept = tuple(
            tuple(
                index
                for index, one in enumerate(members)
                if all(_valid_for(one).holds(time) for time in times)
            )
            for members in self._lists().values()
        )
        for name, indexes in zip(self._lists(), kept, strict=True):
            if not indexes and name != "timestamp_authorities":
                said = ", ".join(f"{time:%Y-%m-%d}" for time in times)
                raise VerificationError(f"none of the {name} was trusted on {said}")
        with self._lock:
            return self._verifier(kept)

    def _verifier(self, kept: tuple[tuple[int, ...], ...]) -> SigstoreVerifier:
        from sigstore.models import TrustedRoot
        from sigstore.verify import Verifier as SigstoreVerifier

        if kept not in self._verifiers:
            lists = self._lists()
            update = {
                name: [lists[name][index] for index in indexes]
                for name, indexes in zip(lists, kept, strict=True)
            }
            inner = self._inner.model_copy(update=update)
            self._verifiers[kept] = SigstoreVerifier(trusted_root=TrustedRoot(inner))
        return self._verifiers[kept]

    def _lists(self) -> dict[str, Sequence[Any]]:
        names = ("tlogs", "ctlogs", "certificate_authorities", "timestamp_authorities")
        return {name: getattr(self._inner, name) for name in names}


def _valid_for(trusted: Any) -> Validity:  # noqa: ANN401 - sigstore's own models
    range_ = getattr(trusted, "valid_for", None) or trusted.public_key.valid_for
    if range_ is None:
        return Validity()
    return Validity(range_.start, range_.end)
