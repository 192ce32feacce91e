"""The member names of a zip archive, from its central directory."""

from __future__ import annotations

from struct import Struct
from typing import Final

from modelpack.formats.window import Window

__all__ = ["END", "END_64", "ENTRY", "LOCATOR", "MAX_DIRECTORY", "zip_names"]

MAX_DIRECTORY: Final = 16 << 20

# The records of APPNOTE.TXT 4.3: of an entry, and at the end of the directory.
END = Struct("<4s4H2LH")
LOCATOR = Struct("<4sLQL")
END_64 = Struct("<4sQ2H2L4Q")
ENTRY = Struct("<4s6H3L5H2L")
_MAX_COMMENT: Final = 65_535


def zip_names(window: Window) -> tuple[str, ...]:
    """List what is inside, or nothing where the directory is damaged or too large.

    Good enough to tell kinds of archives apart; no check of what they hold.
    """
    raw = _directory(window)
    names: list[str] = []
    at = 0
    while at + ENTRY.size <= len(raw):
        entry = ENTRY.unpack_from(raw, at)
        if entry[0] != b"PK\x01\x02":
            break
        name, extra, comment = entry[10:13]
        at += ENTRY.size
        names.append(raw[at : at + name].decode("utf-8", "replace"))
        at += name + extra + comment
    return tuple(names)


def _directory(window: Window) -> bytes:
    """Find the directory by where it ends: before the end records, without a gap.

    Its own offset is no help, for what precedes an archive shifts every offset.
    """
    tail_size = min(window.size, END_64.size + LOCATOR.size + END.size + _MAX_COMMENT)
    tail = window.read(window.size - tail_size, tail_size)
    at = tail.rfind(b"PK\x05\x06", 0, max(0, len(tail) - END.size + 4))
    if at < 0:
        return b""
    size = int(END.unpack_from(tail, at)[5])
    at_64 = at - LOCATOR.size - END_64.size
    # torch writes the records for large archives into small ones too.
    if at_64 >= 0 and tail.startswith(b"PK\x06\x06", at_64):
        size, at = int(END_64.unpack_from(tail, at_64)[8]), at_64
    end = window.size - tail_size + at
    if not 0 < size <= min(MAX_DIRECTORY, end):
        return b""
    return window.read(end - size, size)
