"""A SentencePiece model (sentencepiece_model.proto), checked from end to end."""

from __future__ import annotations

from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.protobuf import Message, Wire
from modelpack.formats.window import Window

__all__ = ["check_sentencepiece"]

MAX_PIECE: Final = 64 << 10

_PIECES: Final = 1
# ModelProto: pieces, trainer_spec, normalizer_spec, self_test_data, denormalizer_spec.
_FIELDS: Final = frozenset(range(1, 6))
# SentencePiece: piece, score, type.
_PIECE: Final = {1: Wire.BYTES, 2: Wire.FIXED32, 3: Wire.VARINT}


def check_sentencepiece(window: Window) -> int:
    """Return the number of pieces; raise ``InvalidInput`` if it is another file."""
    model = Message.of(window)
    pieces = 0
    for field in model.fields():
        if field.number not in _FIELDS or field.wire is not Wire.BYTES:
            raise InvalidInput(
                f"field {field.number} is none of a SentencePiece model's",
                where=window.name,
            )
        if field.number != _PIECES:
            for _ in model.inner(field, "spec").fields():
                pass
            continue
        piece = model.inner(field, f"pieces[{pieces}]")
        for part in piece.fields():
            if _PIECE.get(part.number) is not part.wire:
                raise InvalidInput("is no piece", where=piece.where)
            if part.number == _PIECES:
                piece.text(part, "piece", limit=MAX_PIECE)
        pieces += 1
    if not pieces:
        raise InvalidInput("holds no piece", where=window.name)
    return pieces
