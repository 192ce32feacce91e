"""What a TFLite model says, without loading it: tensors, operators, parameters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.flatbuffers import Flatbuffer, Span, Table
from modelpack.formats.names import shown
from modelpack.formats.tensor import Tensor, parameters
from modelpack.formats.weights.tflite_schema import (
    CUSTOM,
    LAST_OPERATOR,
    NO_OPERATOR,
    SCHEMA,
    SUBGRAPHS,
    TYPES,
)
from modelpack.formats.window import Window

__all__ = ["TfliteModel", "parse_tflite"]

VERSION: Final = 3
MAX_RANK: Final = 64
MAX_SUBGRAPHS: Final = 1_000

_IDENTIFIER: Final = b"TFL3"
_NO_TENSOR: Final = (1 << 32) - 1  # -1: an optional input that is not there


@dataclass(frozen=True, slots=True, kw_only=True)
class TfliteModel:
    """``tensors`` are those with data in the file; ``custom`` operators are not ours.

    ``producer`` is the description, where converters name themselves.
    """

    producer: str
    tensors: tuple[Tensor, ...]
    operators: tuple[int, ...]
    custom: tuple[str, ...]

    @property
    def parameters(self) -> Mapping[str, int]:
        """The stored elements of each dtype, the largest count first."""
        return parameters(self.tensors)


def parse_tflite(window: Window) -> TfliteModel:
    """Hold the whole file against its schema; what it points at must be there."""
    if window.size < 8 or window.read(4, 4) != _IDENTIFIER:  # noqa: PLR2004 - its head
        raise InvalidInput("does not start as TFLite", where=window.name)
    buffer = Flatbuffer(window, SCHEMA)
    return _Model(window, buffer, buffer.root("Model")).checked()


class _Model:
    """One model, whose indexes are held against what they count."""

    def __init__(self, window: Window, buffer: Flatbuffer, root: Table) -> None:
        self._window = window
        self._buffer = buffer
        self._root = root
        self._codes = root.tables(1)
        self._graphs = root.tables(2)
        self._buffers = root.tables(4)
        self._calls: dict[int, set[int]] = {}

    def checked(self) -> TfliteModel:
        if self._root.number(0) != VERSION:
            raise self._bad(f"version {self._root.number(0)}")
        if not 0 < len(self._graphs) <= MAX_SUBGRAPHS:
            raise self._bad(f"{len(self._graphs)} subgraphs")
        operators = [self._operator_code(code) for code in self._codes]
        tensors = [
            tensor
            for index, graph in enumerate(self._graphs)
            for tensor in self._graph(index, graph)
        ]
        self._check_names()
        self._check_calls()
        custom = [
            shown(code.text(1)) if number == min(CUSTOM) else f"StableHLO {number}"
            for code, number in zip(self._codes, operators, strict=True)
            if number in CUSTOM
        ]
        return TfliteModel(
            producer=self._root.text(3),
            tensors=tuple(tensors),
            operators=tuple(sorted(set(operators))),
            custom=tuple(dict.fromkeys(custom)),
        )

    def _operator_code(self, code: Table) -> int:
        """Return the operator's number, for which readers take the larger of two."""
        number = max(code.number(0), code.number(3))
        if number > LAST_OPERATOR or number in NO_OPERATOR:
            raise self._bad(f"operator {number} is not known")
        if bool(code.text(1)) and number not in CUSTOM:
            raise self._bad(f"operator {number} has the name of a custom one")
        return number

    def _graph(self, index: int, graph: Table) -> Iterator[Tensor]:
        tensors = graph.tables(0)
        for slot in (1, 2):
            self._check_indexes(graph.span(slot), len(tensors))
        for operator in graph.tables(3):
            if operator.number(0) >= len(self._codes):
                raise self._bad("an operator of no code")
            for slot in (1, 2, 8):
                self._check_indexes(operator.span(slot), len(tensors))
            if operator.number(9) or operator.number(10):
                self._check_outside(operator.number(9), operator.number(10))
            for options in (operator.table(4), operator.table(12)):
                self._note_calls(index, options)
        for number, tensor in enumerate(tensors):
            found = self._tensor(tensor, f"subgraph {index}, tensor {number}")
            if found is not None:
                yield found

    def _check_indexes(self, span: Span, count: int) -> None:
        for number in self._buffer.numbers(span, signed=False):
            if number >= count and number != _NO_TENSOR:
                raise self._bad(f"tensor {number} of {count}")

    def _check_outside(self, offset: int, size: int) -> None:
        if offset + size > self._window.size:
            raise self._bad("bytes beyond the file")

    def _tensor(self, tensor: Table, where: str) -> Tensor | None:
        shape = self._buffer.numbers(tensor.span(0))
        if len(shape) > MAX_RANK or min(shape, default=0) < 0:
            raise self._bad(f"{where}: an impossible shape")
        if tensor.number(1) >= len(TYPES):
            raise self._bad(f"{where}: type {tensor.number(1)}")
        dtype, bits = TYPES[tensor.number(1)]
        if tensor.number(2) >= max(len(self._buffers), 1):
            raise self._bad(f"{where}: buffer {tensor.number(2)}")
        if not self._buffers:
            return None
        offset, length = self._place(self._buffers[tensor.number(2)])
        if not length:
            return None
        dense = tensor.table(6) is None
        if dense and bits and -(-math.prod(shape) * bits // 8) != length:
            raise self._bad(f"{where}: {length} bytes for {shape} of {dtype}")
        if dtype in {"RESOURCE", "VARIANT"}:
            raise self._bad(f"{where}: a {dtype} with data")
        return Tensor(
            name=tensor.text(3),
            dtype=dtype,
            shape=shape,
            offset=offset,
            length=length,
        )

    def _place(self, buffer: Table) -> tuple[int, int]:
        """Return where a buffer lies: in itself, or behind all tables of a large file.

        schema.fbs: an offset of 0 or 1 says that it is in itself.
        """
        offset, size = buffer.number(1), buffer.number(2)
        if offset <= 1:
            data = buffer.span(0)
            return data.offset, data.count
        if buffer.span(0).count:
            raise self._bad("a buffer in two places")
        self._check_outside(offset, size)
        return offset, size

    def _check_names(self) -> None:
        """Hold metadata and signatures against what they name."""
        for metadata in self._root.tables(6):
            if metadata.number(1) >= len(self._buffers):
                raise self._bad("metadata of no buffer")
        for signature in self._root.tables(7):
            if signature.number(4) >= len(self._graphs):
                raise self._bad("a signature of no subgraph")
            count = len(self._graphs[signature.number(4)].tables(0))
            for each in (*signature.tables(0), *signature.tables(1)):
                if each.number(1) >= count:
                    raise self._bad("a signature of no tensor")

    def _note_calls(self, index: int, options: Table | None) -> None:
        if options is None:
            return
        called = [options.number(slot) for slot in SUBGRAPHS.get(options.kind, ())]
        if options.kind == "Options2:23":  # the branches of a case
            called += self._buffer.numbers(options.span(0), signed=False)
        if any(number >= len(self._graphs) for number in called):
            raise self._bad("calls a subgraph that is not there")
        self._calls.setdefault(index, set()).update(called)

    def _check_calls(self) -> None:
        """Refuse a subgraph that calls itself: readers would follow without end."""
        done: set[int] = set()
        while len(done) < len(self._graphs):
            ready = [
                index
                for index in range(len(self._graphs))
                if index not in done and self._calls.get(index, set()) <= done
            ]
            if not ready:
                raise self._bad("a subgraph that calls itself")
            done.update(ready)

    def _bad(self, message: str) -> InvalidInput:
        return InvalidInput(message, where=self._window.name)
