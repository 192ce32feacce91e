"""How things are written for people: in one safe line, in units they read."""

from __future__ import annotations

from typing import Final

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")


def plain(text: str) -> str:
    """Return text in one line that steers no terminal, whoever wrote it."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def human(size: float) -> str:
    """Return a size in bytes as people read it: ``86.7 MiB``."""
    for unit in _UNITS:
        if size < 1000 or unit == _UNITS[-1]:  # noqa: PLR2004 - three digits at most
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError
