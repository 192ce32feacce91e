"""A picture is walked to its end, and nothing may follow it."""

import struct
import zlib
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.formats.images import check_image
from modelpack.formats.kind import Kind, kind_of
from modelpack.formats.window import Window


def chunk(name: bytes, body: bytes) -> bytes:
    crc = zlib.crc32(name + body).to_bytes(4, "big")
    return len(body).to_bytes(4, "big") + name + body + crc


PNG: Final = (
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(b"\0\0"))
    + chunk(b"IEND", b"")
)
JPEG: Final = (
    b"\xff\xd8\xff\xe0\x00\x04JF\xff\xff\xdb\x00\x03\x00"
    b"\xff\xda\x00\x02coded\xff\x00more\xff\xd0rest\xff\xd9"
)
GIF: Final = (
    b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff"
    b"\x21\xf9\4\0\0\0\0\0"
    b"\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0\x3b"
)
_BODY: Final = b"WEBPVP8 " + (5).to_bytes(4, "little") + b"12345\0"
WEBP: Final = b"RIFF" + len(_BODY).to_bytes(4, "little") + _BODY
PICTURES: Final = {Kind.PNG: PNG, Kind.JPEG: JPEG, Kind.GIF: GIF, Kind.WEBP: WEBP}


def check(raw: bytes, kind: Kind) -> None:
    check_image(Window.of(raw, "picture"), kind)


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_holds_alone_and_with_nothing_behind_it(kind: Kind) -> None:
    raw = PICTURES[kind]
    assert kind_of(Window.of(raw, "picture")) is kind
    check(raw, kind)
    for tail in (b"\0", b"PK\3\4", b"\x80\2cos\nsystem\n.", raw):
        with pytest.raises(InvalidInput, match="bytes follow the picture"):
            check(raw + tail, kind)


@pytest.mark.parametrize("kind", PICTURES)
@given(data=st.data())
def test_a_picture_that_is_cut_short_is_refused(
    kind: Kind, data: st.DataObject
) -> None:
    raw = PICTURES[kind]
    end = data.draw(st.integers(12, len(raw) - 1))
    with pytest.raises(InvalidInput):
        check(raw[:end], kind)


@pytest.mark.parametrize("kind", PICTURES)
@given(raw=st.binary(max_size=100))
def test_any_bytes_are_a_picture_or_refused(kind: Kind, raw: bytes) -> None:
    try:
        check(PICTURES[kind][:12] + raw, kind)
    except InvalidInput as error:
        assert error.where == "picture"  # noqa: PT017 - either way is right


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (Kind.PNG, PNG.replace(b"IDAT", b"JDAT")),
        (Kind.PNG, PNG[:8] + b"\xff\xff\xff\xffIHDR" + PNG[16:]),
        (Kind.JPEG, JPEG.replace(b"\xff\xdb", b"\x00\xdb")),
        (Kind.JPEG, b"\xff\xd8\xff\xd8\xff\xd9"),
        (Kind.JPEG, b"\xff\xd8\xff\xe0\0\0\xff\xd9"),
        (Kind.GIF, GIF.replace(b"\x21\xf9", b"\x99\xf9")),
        (Kind.WEBP, WEBP.replace((5).to_bytes(4, "little"), (3).to_bytes(4, "little"))),
    ],
)
def test_a_structure_that_does_not_hold(kind: Kind, raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        check(raw, kind)
