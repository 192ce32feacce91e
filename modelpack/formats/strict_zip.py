"""Zip archives in the one form that every reader reads alike.

Readers differ in which of two entries of one name they take, in whether they
believe the central directory or the local header, and in what they make of bytes
in between; scanners were passed by each of these. So here an archive is its
members, each named once, one behind the other from the first byte, and then its
directory (APPNOTE.TXT 4.3).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.names import checked_text, shown
from modelpack.formats.window import Window
from modelpack.formats.zip import END, END_64, ENTRY, LOCATOR, MAX_DIRECTORY

__all__ = ["Member", "member_window", "parse_zip", "read_member"]

MAX_NAME: Final = 1024

STORED: Final = 0
DEFLATED: Final = 8
_ENCRYPTED: Final = 0x2041  # bits 0, 6 and 13
_DESCRIPTOR: Final = 0x8
_UTF_8: Final = 0x800
_MAX_32: Final = 0xFFFFFFFF

_LOCAL = Struct("<4s5H3L2H")
_EXTRA = Struct("<HH")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file inside: ``stored`` bytes at ``offset``, ``size`` when unpacked."""

    name: str
    offset: int
    stored: int
    size: int
    crc32: int
    method: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """What the central directory says of a member."""

    raw_name: bytes
    flags: int
    method: int
    crc32: int
    stored: int
    size: int
    header: int


def parse_zip(window: Window) -> tuple[Member, ...]:
    """List the members in the order of their bytes, or raise ``InvalidInput``."""
    start, directory, count = _directory(window)
    entries = sorted(_entries(window, directory, count), key=lambda e: e.header)
    members: list[Member] = []
    names: set[str] = set()
    expected = 0
    for entry in entries:
        member, expected = _member(window, entry, expected)
        if member.name.lower() in names:
            raise InvalidInput(
                f"two members named {shown(member.name)}", where=window.name
            )
        names.add(member.name.lower())
        members.append(member)
    if expected != start:
        raise InvalidInput(
            f"{start - expected} bytes before the directory belong to no member",
            where=window.name,
        )
    return tuple(members)


def member_window(window: Window, member: Member, *, limit: int) -> Window:
    """Look into a member: where it lies, if it is stored; else its bytes.

    What is stored is not read for its CRC: who looks at the beginning of an array
    of gigabytes wants no more of it.
    """
    if member.method == STORED and member.stored == member.size:
        offset = member.offset
        return Window(
            member.name,
            member.size,
            lambda at, count: window.read(offset + at, count),
        )
    return Window.of(read_member(window, member, limit=limit), member.name)


def read_member(window: Window, member: Member, *, limit: int) -> bytes:
    """Return a member's bytes; its CRC and size must hold."""
    where = f"{window.name}: {shown(member.name)}"
    if max(member.size, member.stored) > limit:
        raise InvalidInput(f"larger than {limit} bytes", where=where)
    raw = window.read(member.offset, member.stored)
    if member.method == DEFLATED:
        raw = _inflated(raw, member.size, where)
    if len(raw) != member.size or zlib.crc32(raw) != member.crc32:
        raise InvalidInput("its CRC or size does not hold", where=where)
    return raw


def _inflated(raw: bytes, size: int, where: str) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflater.decompress(raw, size + 1)
    except zlib.error as error:
        raise InvalidInput("is not deflated data", where=where) from error
    if not inflater.eof or inflater.unused_data or inflater.unconsumed_tail:
        raise InvalidInput("more, or less, than its size", where=where)
    return content


def _directory(window: Window) -> tuple[int, bytes, int]:
    """Return where the central directory starts, its bytes, and its entries."""
    if window.size < END.size:
        raise InvalidInput("too short for an archive", where=window.name)
    end = window.size - END.size
    record = END.unpack(window.read(end, END.size))
    # A comment could hold a second end record; no writer of models needs one.
    if record[0] != b"PK\x05\x06" or record[7]:
        raise InvalidInput("does not end with its directory", where=window.name)
    if record[1] or record[2] or record[3] != record[4]:
        raise InvalidInput("is one of several volumes", where=window.name)
    count, size, start = int(record[4]), int(record[5]), int(record[6])
    expected_end = end
    found = _zip64(window, end)
    if found is not None:
        short = (count, size, start)
        count, size, start, expected_end = found
        for told, true, unknown in zip(
            short, (count, size, start), (0xFFFF, _MAX_32, _MAX_32), strict=True
        ):
            if told not in {true, unknown}:
                raise InvalidInput("has two directories", where=window.name)
    if size > MAX_DIRECTORY:
        raise InvalidInput("a directory of over 16 MiB", where=window.name)
    if start + size != expected_end:
        raise InvalidInput("its directory is not where its end says", where=window.name)
    return start, window.read(start, size), count


def _zip64(window: Window, end: int) -> tuple[int, int, int, int] | None:
    """Return count, size, start and end of the directory by the zip64 records."""
    at = end - LOCATOR.size
    if at < END_64.size:
        return None
    signature, disk, position, disks = LOCATOR.unpack(window.read(at, LOCATOR.size))
    if signature != b"PK\x06\x07":
        return None
    if disk or disks > 1 or position != at - END_64.size:
        raise InvalidInput("zip64 records out of place", where=window.name)
    record = END_64.unpack(window.read(position, END_64.size))
    if record[0] != b"PK\x06\x06" or record[1] != END_64.size - 12:
        raise InvalidInput("zip64 records that do not hold", where=window.name)
    if record[4] or record[5] or record[6] != record[7]:
        raise InvalidInput("is one of several volumes", where=window.name)
    return int(record[7]), int(record[8]), int(record[9]), int(position)


def _entries(window: Window, raw: bytes, count: int) -> Sequence[_Entry]:
    found: list[_Entry] = []
    at = 0
    while at < len(raw):
        if at + ENTRY.size > len(raw):
            raise InvalidInput("a directory that is cut off", where=window.name)
        fields = ENTRY.unpack_from(raw, at)
        name_size, extra_size, comment_size = fields[10:13]
        name_at = at + ENTRY.size
        extra_at = name_at + name_size
        end = extra_at + extra_size + comment_size
        if fields[0] != b"PK\x01\x02" or end > len(raw) or comment_size or fields[13]:
            raise InvalidInput("an entry that does not hold", where=window.name)
        size, stored, header = _wide(
            (int(fields[9]), int(fields[8]), int(fields[16])),
            raw[extra_at : extra_at + extra_size],
            window.name,
        )
        found.append(
            _Entry(
                raw_name=raw[name_at:extra_at],
                flags=fields[3],
                method=fields[4],
                crc32=fields[7],
                stored=stored,
                size=size,
                header=header,
            )
        )
        at = end
    if len(found) != count:
        raise InvalidInput(
            f"{count} members are promised, {len(found)} are there", where=window.name
        )
    return found


def _wide(
    numbers: tuple[int, int, int], extra: bytes, where: str
) -> tuple[int, int, int]:
    """Take from the zip64 field what does not fit 32 bits (APPNOTE.TXT 4.5.3)."""
    wide = b""
    at = 0
    seen = False
    while at + _EXTRA.size <= len(extra):
        kind, size = _EXTRA.unpack_from(extra, at)
        at += _EXTRA.size
        if at + size > len(extra) or (kind == 1 and seen):
            raise InvalidInput("extra fields that do not hold", where=where)
        if kind == 1:
            seen, wide = True, extra[at : at + size]
        at += size
    taken: list[int] = []
    for number in numbers:
        if number == _MAX_32:
            if len(wide) < 8:  # noqa: PLR2004 - bytes of a 64-bit number
                raise InvalidInput("a zip64 field is missing", where=where)
            number, wide = int.from_bytes(wide[:8], "little"), wide[8:]  # noqa: PLW2901
        taken.append(number)
    size, stored, header = taken
    return size, stored, header


def _member(window: Window, entry: _Entry, expected: int) -> tuple[Member, int]:
    """Check a member against its local header; return it and where it ends."""
    name = _name(entry, window.name)
    where = f"{window.name}: {shown(name)}"
    if entry.header != expected:
        raise InvalidInput("overlaps the one before, or leaves a gap", where=where)
    if entry.flags & _ENCRYPTED:
        raise InvalidInput("is encrypted", where=where)
    if entry.method not in {STORED, DEFLATED}:
        raise InvalidInput(f"compression method {entry.method}", where=where)
    if entry.method == STORED and entry.stored != entry.size:
        raise InvalidInput("is stored in another size", where=where)
    local = _LOCAL.unpack(window.read(entry.header, _LOCAL.size))
    name_size, extra_size = local[9:11]
    raw_name = window.read(entry.header + _LOCAL.size, name_size)
    if (local[0], raw_name, local[2], local[3]) != (
        b"PK\x03\x04",
        entry.raw_name,
        entry.flags,
        entry.method,
    ):
        raise InvalidInput("is another in its own header", where=where)
    extra = window.read(entry.header + _LOCAL.size + name_size, extra_size)
    _check_local(entry, (local[6], local[7], local[8]), extra, where)
    offset = entry.header + _LOCAL.size + name_size + extra_size
    end = offset + entry.stored
    if entry.flags & _DESCRIPTOR:
        end = _after_descriptor(window, entry, end, where)
    member = Member(
        name=name,
        offset=offset,
        stored=entry.stored,
        size=entry.size,
        crc32=entry.crc32,
        method=entry.method,
    )
    return member, end


def _check_local(
    entry: _Entry, told: tuple[int, int, int], extra: bytes, where: str
) -> None:
    crc32, stored, size = told
    if entry.flags & _DESCRIPTOR and not (crc32 or stored or size):
        return  # all three come behind the data
    size, stored, _ = _wide((size, stored, 0), extra, where)
    deferred = bool(entry.flags & _DESCRIPTOR)
    true = (entry.crc32, entry.stored, entry.size)
    for mine, other in zip(true, (crc32, stored, size), strict=True):
        if other != mine and not (deferred and other == 0):
            raise InvalidInput("is another in its own header", where=where)


def _after_descriptor(window: Window, entry: _Entry, at: int, where: str) -> int:
    """Find the end of the data descriptor (APPNOTE.TXT 4.3.9), in its two widths."""
    for form in (Struct("<4sLLL"), Struct("<4sLQQ")):
        if at + form.size > window.size:
            continue
        found = form.unpack(window.read(at, form.size))
        if found == (b"PK\x07\x08", entry.crc32, entry.stored, entry.size):
            follows = at + form.size
            if window.read(follows, 2) == b"PK":
                return follows
    raise InvalidInput("its data descriptor does not hold", where=where)


def _name(entry: _Entry, where: str) -> str:
    try:
        text = entry.raw_name.decode("utf-8" if entry.flags & _UTF_8 else "ascii")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            "a name that two readers read in two ways", where=where
        ) from error
    checked_text(text, where, limit=MAX_NAME)
    parts = text.removesuffix("/").split("/")
    if "\\" in text or any(part in {"", ".", ".."} for part in parts):
        raise InvalidInput(f"a member named {shown(text)}", where=where)
    return text
