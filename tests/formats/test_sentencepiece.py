"""A SentencePiece model is checked to its end."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.formats.weights.sentencepiece import check_sentencepiece
from modelpack.formats.window import Window


def piece(text: bytes) -> bytes:
    body = b"\x0a" + bytes((len(text),)) + text + b"\x15" + struct.pack("<f", -1.5)
    return b"\x0a" + bytes((len(body),)) + body


MODEL = piece(b"<unk>") + piece("▁the".encode()) + b"\x12\4\x0a\2ab"


def test_pieces_are_counted() -> None:
    assert check_sentencepiece(Window.of(MODEL)) == 2


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x12\0",
        MODEL + b"\x32\0",
        MODEL + b"\x08\1",
        MODEL + b"cos\nsystem\n",
        piece(b"\xff"),
        b"\x0a\4\x20\1\x0a\0",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\1",
        b"\x0a" + b"\xff" * 11,
    ],
)
def test_another_file_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        check_sentencepiece(Window.of(raw))


@given(st.binary(min_size=1, max_size=60))
def test_what_follows_a_model_is_part_of_it_or_refused(raw: bytes) -> None:
    try:
        assert check_sentencepiece(Window.of(MODEL + raw)) >= 2
    except InvalidInput as error:
        assert error.message  # noqa: PT017 - either way is right
