"""One stream of events: what the terminal, logs, traces and metrics attach to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from modelpack.oci.digest import Digest

__all__ = [
    "Began",
    "Done",
    "Event",
    "Listener",
    "Moved",
    "Planned",
    "Restarted",
    "Waiting",
    "Warned",
    "nobody",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The whole job is known: ``files`` files of ``size`` bytes together."""

    verb: Literal["push", "pull", "copy"]
    files: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """Work on one file or part began; ``size`` bytes have to move for it."""

    name: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """``count`` more bytes of a file went over the wire (or were resumed)."""

    name: str
    count: int
    resumed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarted:
    """What was counted for a file does not count: it begins from ``offset``."""

    name: str
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One file or part is where it belongs, and its digest holds."""

    name: str
    size: int
    digest: Digest
    how: Literal["moved", "exists", "mounted", "kept"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Something failed that passes by waiting ``seconds``; then it goes on."""

    reason: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something the user should know, that stops nothing."""

    message: str


Event = Planned | Began | Moved | Restarted | Done | Waiting | Warned
Listener = Callable[[Event], None]
"""Hears every event; it need not be safe between threads (``api.Command``)."""


def nobody(_: Event) -> None:
    """Tell nobody."""
