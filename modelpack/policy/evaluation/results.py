"""What comes out of a policy, in Kyverno's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["PolicyResult", "Result"]


class Result(StrEnum):
    """Kyverno's own verdict."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    WARN = "warn"
    ERROR = "error"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyResult:
    """One policy's verdict on one request.

    ``rule`` says which part of it spoke: ``validations[2]``, ``verifyDigest``, …;
    ``image`` is what it spoke about, where that is one image.
    """

    policy: str
    result: Result
    message: str
    rule: str = ""
    image: str = ""

    def document(self) -> Mapping[str, str]:
        """Return the JSON form (docs/json.md)."""
        return {
            "policy": self.policy,
            "rule": self.rule,
            "image": self.image,
            "result": str(self.result),
            "message": self.message,
        }
