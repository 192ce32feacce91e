"""Other people's libraries: what they say when they fail, and where they come from."""

from __future__ import annotations

from typing import Final

__all__ = ["INSTALL", "said"]

INSTALL: Final = "pip install 'modelpack[kms]'"
_LONGEST: Final = 300


def said(error: Exception) -> str:
    """Return an error's own words, or the name of its kind where it has none."""
    words = " ".join(str(error).split())[:_LONGEST]
    return words or type(error).__name__
