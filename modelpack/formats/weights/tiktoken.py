"""A vocabulary of tiktoken: `base64 rank` on each line (tiktoken/load.py)."""

from __future__ import annotations

import re
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.window import Window

__all__ = ["TIKTOKEN_LINE", "check_tiktoken"]

MAX_SIZE: Final = 16 << 20

TIKTOKEN_LINE: Final = re.compile(rb"[A-Za-z0-9+/]{1,4096}={0,2} \d{1,9}(?:\r?\n|\Z)")


def check_tiktoken(window: Window) -> int:
    """Return the number of its tokens; raise ``InvalidInput`` if a line is none."""
    if window.size > MAX_SIZE:
        raise InvalidInput(f"a vocabulary of over {MAX_SIZE} bytes", where=window.name)
    raw = window.read(0, window.size)
    at = tokens = 0
    while at < len(raw):
        line = TIKTOKEN_LINE.match(raw, at)
        tokens += 1
        if line is None:
            raise InvalidInput(
                "no token and its rank", where=f"{window.name}: line {tokens}"
            )
        at = line.end()
    return tokens
