"""Numbers as people read them."""

from __future__ import annotations

from typing import Final

__all__ = ["number", "share", "short", "size"]

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_SHORT: Final = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K"))


def size(count: int) -> str:
    """Return a size in bytes: ``86.7 MiB``."""
    value = float(count)
    for unit in _UNITS:
        if value < 1000 or unit == _UNITS[-1]:  # noqa: PLR2004 - three digits at most
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError


def short(count: int) -> str:
    """Return a count in three digits: ``22.7M``."""
    for unit, letter in _SHORT:
        if count >= unit:
            value = count / unit
            digits = 0 if value >= 100 else 1 if value >= 10 else 2  # noqa: PLR2004
            return f"{value:.{digits}f}{letter}"
    return str(count)


def number(value: float) -> str:
    """Return a measured number, to four digits that count."""
    text = f"{value:.4g}"
    return text if "e" in text else f"{value:,.4g}"


def share(part: float, whole: float) -> str:
    """Return a share as a percentage that is not 0 % unless it is nothing."""
    percent = 100 * part / whole if whole else 0.0
    if 0 < percent < 0.1:  # noqa: PLR2004
        return "< 0.1 %"
    return f"{percent:.1f} %"
