"""From when to when a key or a service is to be trusted (``TimeRange``)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from modelpack.errors import InvalidInput
from modelpack.oci.fields import Fields

__all__ = ["Validity"]


@dataclass(frozen=True, slots=True)
class Validity:
    """``validFor`` of a trusted root or a signing config; None is no limit."""

    start: datetime | None = None
    end: datetime | None = None

    @classmethod
    def of(cls, fields: Fields) -> Self:
        """Read what an object's ``validFor`` says; without one there is no limit."""
        if not fields.has("validFor"):
            return cls()
        valid = Fields(fields.get("validFor"), fields.path("validFor"))
        return cls(*(_time(valid, key) for key in ("start", "end")))

    def holds(self, when: datetime) -> bool:
        """Whether ``when`` is within it."""
        return (self.start is None or self.start <= when) and (
            self.end is None or when <= self.end
        )


def _time(fields: Fields, key: str) -> datetime | None:
    if not fields.has(key):
        return None
    try:
        found = datetime.fromisoformat(fields.text(key))
    except ValueError as error:
        raise InvalidInput("not a time", where=fields.path(key)) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
