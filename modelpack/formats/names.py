"""Names from outside: which may be used, and how an error shows them."""

from __future__ import annotations

import re

from modelpack.errors import InvalidInput

__all__ = ["checked_text", "shown", "suffix_of"]

# Control characters, and surrogates: those are no text and break every encoder.
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SHOWN = 80


def checked_text(text: str, where: str, *, limit: int) -> str:
    """Return a one-line text of 1 to ``limit`` characters, or raise."""
    if not text:
        raise InvalidInput("empty", where=where)
    if len(text) > limit:
        raise InvalidInput(f"longer than {limit} characters", where=where)
    if _FORBIDDEN.search(text):
        raise InvalidInput("has a control character", where=where)
    return text


def shown(text: str) -> str:
    """Shorten and escape a text for an error, which may reach a terminal."""
    short = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return short if short.isprintable() else ascii(short)


def suffix_of(path: str) -> str:
    """Return the suffix of a path's last part, lower case, without its dot.

    A name that is nothing but a dot and a word, such as ``.env``, has none.
    """
    stem, _, suffix = path.rpartition("/")[2].rpartition(".")
    return suffix.lower() if stem else ""
