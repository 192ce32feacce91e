"""TFLite files, written by the FlatBuffers library, field by field."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import flatbuffers

ADD, CALL_ONCE, CUSTOM = 0, 129, 32
ADD_OPTIONS, CALL_ONCE_OPTIONS = 11, 103

Field = tuple[int, str, object]
"""Slot, form, value.

``1``, ``4``, ``8`` is a number, ``o`` what is written already, ``t`` a table.
"""

_NUMBERS = {"1": "Int8", "4": "Uint32", "8": "Uint64"}


def table(builder: flatbuffers.Builder, slots: int, *fields: Field) -> int:
    builder.StartObject(slots)
    for slot, form, value in fields:
        if form == "o":
            builder.PrependUOffsetTRelativeSlot(slot, value, 0)
        else:
            add = getattr(builder, f"Prepend{_NUMBERS[form]}Slot")
            add(slot, value, None)
    end: int = builder.EndObject()
    return end


def offsets(builder: flatbuffers.Builder, items: Sequence[int]) -> int:
    builder.StartVector(4, len(items), 4)
    for item in reversed(items):
        builder.PrependUOffsetTRelative(item)
    end: int = builder.EndVector()
    return end


def numbers(builder: flatbuffers.Builder, values: Sequence[int]) -> int:
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependInt32(value)
    end: int = builder.EndVector()
    return end


def _made(builder: flatbuffers.Builder, field: Field) -> Field:
    """Write the table of fields that stands in a field of form ``t``."""
    slot, form, value = field
    if form != "t" or not isinstance(value, tuple):
        return field
    return slot, "o", table(builder, 8, *value)


def tflite(  # noqa: PLR0913 - each is one thing that a test spoils
    *,
    version: int = 3,
    operator: Sequence[Field] = ((3, "4", ADD),),
    custom: str = "",
    operators: Sequence[Field] = (),
    inputs: Sequence[int] = (0, 1),
    shape: Sequence[int] = (4,),
    dtype: int = 0,
    buffer: int = 1,
    data: bytes = struct.pack("<4f", 1, 2, 3, 4),
    large: Sequence[Field] = (),
    more: Sequence[Field] = (),
) -> bytes:
    """Write y = x + w as converters do, with what a test wants to be otherwise."""
    builder = flatbuffers.Builder(1024)
    names = [builder.CreateString(name) for name in ("x", "w", "y")]
    content = builder.CreateByteVector(data)
    buffers = [table(builder, 3), table(builder, 3, *large or [(0, "o", content)])]
    fields = [*operator]
    if custom:
        fields = [(1, "o", builder.CreateString(custom)), (3, "4", CUSTOM)]
    codes = [table(builder, 4, *fields)]
    tensors = [
        table(
            builder,
            10,
            (0, "o", numbers(builder, shape)),
            (1, "1", dtype),
            (2, "4", number),
            (3, "o", name),
        )
        for name, number in zip(names, (0, buffer, 0), strict=True)
    ]
    node = table(
        builder,
        14,
        (1, "o", numbers(builder, inputs)),
        (2, "o", numbers(builder, [2])),
        *[_made(builder, field) for field in operators],
    )
    graph = table(
        builder,
        6,
        (0, "o", offsets(builder, tensors)),
        (1, "o", numbers(builder, [0])),
        (2, "o", numbers(builder, [2])),
        (3, "o", offsets(builder, [node])),
    )
    description = builder.CreateString("made by a test")
    model = table(
        builder,
        10,
        (0, "4", version),
        (1, "o", offsets(builder, codes)),
        (2, "o", offsets(builder, [graph])),
        (3, "o", description),
        (4, "o", offsets(builder, buffers)),
        *more,
    )
    builder.Finish(model, b"TFL3")
    return bytes(builder.Output())
