"""What is decided about a request, and what judges it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

_REASONS: Final = {
    403: "Forbidden",
    429: "TooManyRequests",
    500: "InternalError",
    504: "Timeout",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What policies came to. ``lifetime`` says for how many seconds it may be kept.

    ``digests`` are those that were verified, by the reference that named each.
    """

    admitted: bool
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    lifetime: float = 0.0


class Judge(Protocol):
    """Policies, made ready; for many threads.

    ``fingerprint`` names all that a judgement depends on beside what is asked:
    policies, exceptions, trust. ``mentions`` says whether a policy may look at a field.
    """

    @property
    def fingerprint(self) -> str: ...

    def mentions(self, field: str, /) -> bool: ...

    def judge(self, request: Mapping[str, object], /) -> Judgement:
        """Judge an ``AdmissionRequest``; raises ``ModelpackError`` where it cannot."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer. ``code`` is 403 where policies refuse; else it is not their word."""

    admitted: bool
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    code: int = 403
    found: str = ""

    @property
    def message(self) -> str:
        """All reasons in one line."""
        return "; ".join(self.reasons) or "refused"

    @property
    def reason(self) -> str:
        """Kubernetes' word for the code."""
        return _REASONS.get(self.code, "Forbidden")

    @property
    def outcome(self) -> str:
        """One word for logs and metrics."""
        if self.admitted:
            return "admitted"
        return "refused" if self.code == 403 else "undecided"  # noqa: PLR2004


def refused(reason: str, code: int = 403) -> Decision:
    """Return a refusal that no policy was asked for."""
    return Decision(admitted=False, reasons=(reason,), code=code)
