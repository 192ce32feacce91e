"""Pictures of a model card: walked to their end, never decoded.

A picture that goes on behind its end can be a second file as well, such as a zip,
which is read from its end.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.kind import Kind
from modelpack.formats.window import Window

__all__ = ["IMAGES", "check_image"]

MAX_SIZE: Final = 64 << 20

# Markers of JPEG that stand alone (ITU T.81, table B.1): TEM and RST0 to RST7.
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B


def check_image(window: Window, kind: Kind) -> bytes:
    """Return the file, or raise ``InvalidInput`` unless one picture fills it."""
    if window.size > MAX_SIZE:
        raise InvalidInput(f"a picture of over {MAX_SIZE} bytes", where=window.name)
    raw = window.read(0, window.size)
    try:
        end = IMAGES[kind](raw)
    except (IndexError, ValueError) as error:
        reason = str(error) if isinstance(error, ValueError) else "is cut short"
        raise InvalidInput(reason, where=window.name) from error
    if end != len(raw):
        raise InvalidInput(
            f"{len(raw) - end} bytes follow the picture", where=window.name
        )
    return raw


def _png(raw: bytes) -> int:
    """Return where IEND ends (PNG, 5.3); every CRC must hold."""
    at = 8
    while True:
        size, name = int.from_bytes(_part(raw, at, 4), "big"), raw[at + 4 : at + 8]
        body = _part(raw, at + 4, 4 + size)
        crc = int.from_bytes(_part(raw, at + 8 + size, 4), "big")
        if zlib.crc32(body) != crc:
            raise ValueError(f"the CRC of {name!r} does not hold")
        at += 12 + size
        if name == b"IEND":
            return at


def _jpeg(raw: bytes) -> int:
    """Return where EOI ends (ITU T.81, B.1)."""
    at = 2
    while True:
        if raw[at] != 0xFF:  # noqa: PLR2004 - begins every marker
            raise ValueError("something between two segments")
        marker = raw[at + 1]
        at += 2
        if marker == 0xFF:  # noqa: PLR2004 - fill bytes may stand before a marker
            at -= 1
        elif marker == _EOI:
            return at
        elif marker == _SOI or not marker:
            raise ValueError("a marker out of place")
        elif marker not in _ALONE:
            size = int.from_bytes(_part(raw, at, 2), "big")
            _part(raw, at, max(size, 2))
            at += size
            if marker == _SOS:
                at = _after_scan(raw, at)


def _after_scan(raw: bytes, at: int) -> int:
    """Pass over coded data, in which FF is followed by 00 or a restart marker."""
    while True:
        at = raw.find(b"\xff", at)
        if at < 0:
            raise ValueError("is cut short")
        if raw[at + 1] and raw[at + 1] not in _ALONE:
            return at
        at += 2


def _gif(raw: bytes) -> int:
    """Return where the trailer ends (GIF89a, appendix B)."""
    at = 13 + _table(raw[10])
    while True:
        block = raw[at]
        if block == _TRAILER:
            return at + 1
        if block == _EXTENSION:
            at += 2
        elif block == _IMAGE:
            at += 10 + _table(raw[at + 9]) + 1
        else:
            raise ValueError(f"an unknown block {block:#04x}")
        while raw[at]:
            at += 1 + raw[at]
        at += 1


def _table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _webp(raw: bytes) -> int:
    """Return where the RIFF file ends; its chunks must fill it."""
    end = 8 + int.from_bytes(_part(raw, 4, 4), "little")
    _part(raw, 0, end)
    at = 12
    while at < end:
        size = int.from_bytes(_part(raw, at, 8)[4:], "little")
        at += 8 + size + size % 2
    if at != end:
        raise ValueError("its chunks do not fill it")
    return end


def _part(raw: bytes, at: int, size: int) -> bytes:
    part = raw[at : at + size]
    if len(part) != size:
        raise ValueError("is cut short")
    return part


IMAGES: Final[Mapping[Kind, Callable[[bytes], int]]] = {
    Kind.PNG: _png,
    Kind.JPEG: _jpeg,
    Kind.GIF: _gif,
    Kind.WEBP: _webp,
}
