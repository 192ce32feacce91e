"""Read a small text file whole."""

from __future__ import annotations

from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.window import Window

__all__ = ["small_text"]

MAX_SIZE: Final = 1 << 20


def small_text(window: Window, *, limit: int = MAX_SIZE) -> str:
    """Return a UTF-8 text of at most ``limit`` bytes, without its byte order mark."""
    if window.size > limit:
        raise InvalidInput(f"larger than {limit} bytes", where=window.name)
    try:
        return window.read(0, window.size).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("not UTF-8", where=window.name) from error
