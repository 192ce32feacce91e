"""The member names of a zip archive, from its central directory."""

from __future__ import annotations

from struct import Struct
from typing import Final

from modelpack.formats.window import Window

__all__ = ["END", "END_64", "ENTRY", "LOCATOR", "MAX_DIRECTORY", "zip_names"]

MAX_DIRECTORY: Final = 16 << 20
MAX_ENDS: Final = 64

# The records of APPNOTE.TXT 4.3: of an entry, and at the end of the directory.
END = Struct("<4s4H2LH")
LOCATOR = Struct("<4sLQL")
END_64 = Struct("<4sQ2H2L4Q")
ENTRY = Struct("<4s6H3L5H2L")
_END_MAGIC: Final = b"PK\x05\x06"
_MAX_COMMENT: Final = 65_535


def zip_names(window: Window) -> tuple[str, ...]:
    """List what is inside, or nothing where no directory is found that could be read.

    Good enough to tell kinds of archives apart; no check of what they hold. Readers
    differ in which end record they take where there are several: whichever names
    anything is taken here.
    """
    tail_size = min(window.size, END_64.size + LOCATOR.size + END.size + _MAX_COMMENT)
    tail = window.read(window.size - tail_size, tail_size)
    at = len(tail) - END.size + len(_END_MAGIC)
    for _ in range(MAX_ENDS):
        at = tail.rfind(_END_MAGIC, 0, max(0, at))
        if at < 0:
            break
        names = _names(_directory(window, tail, at))
        if names:
            return names
        at += len(_END_MAGIC) - 1
    return ()


def _names(directory: bytes) -> tuple[str, ...]:
    names: list[str] = []
    at = 0
    while at + ENTRY.size <= len(directory):
        entry = ENTRY.unpack_from(directory, at)
        if entry[0] != b"PK\x01\x02":
            break
        name, extra, comment = entry[10:13]
        at += ENTRY.size
        names.append(directory[at : at + name].decode("utf-8", "replace"))
        at += name + extra + comment
    return tuple(names)


def _directory(window: Window, tail: bytes, at: int) -> bytes:
    """Find the directory by where it ends: before the end records, without a gap.

    Its own offset is no help, for what precedes an archive shifts every offset.
    """
    size = int(END.unpack_from(tail, at)[5])
    at_64 = at - LOCATOR.size - END_64.size
    # torch writes the records for large archives into small ones too.
    if at_64 >= 0 and tail.startswith(b"PK\x06\x06", at_64):
        size, at = int(END_64.unpack_from(tail, at_64)[8]), at_64
    end = window.size - len(tail) + at
    if not 0 < size <= min(MAX_DIRECTORY, end):
        return b""
    return window.read(end - size, size)
