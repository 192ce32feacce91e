"""What an ONNX model says (onnx.proto, IR version 1 to 13), without loading it."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.names import checked_text, shown
from modelpack.formats.protobuf import Field, Message
from modelpack.formats.window import Window

__all__ = ["ExternalData", "OnnxModel", "parse_onnx"]

MAX_TENSORS: Final = 200_000
MAX_RANK: Final = 64
MAX_NAME: Final = 1024

# onnx.TensorProto.DataType: name, and bits of an element where it lies in raw_data.
_DTYPES: Final[Mapping[int, tuple[str, int]]] = {
    1: ("F32", 32),
    2: ("U8", 8),
    3: ("I8", 8),
    4: ("U16", 16),
    5: ("I16", 16),
    6: ("I32", 32),
    7: ("I64", 64),
    8: ("STRING", 0),
    9: ("BOOL", 8),
    10: ("F16", 16),
    11: ("F64", 64),
    12: ("U32", 32),
    13: ("U64", 64),
    14: ("C64", 64),
    15: ("C128", 128),
    16: ("BF16", 16),
    17: ("F8_E4M3", 8),
    18: ("F8_E4M3FNUZ", 8),
    19: ("F8_E5M2", 8),
    20: ("F8_E5M2FNUZ", 8),
    21: ("U4", 4),
    22: ("I4", 4),
    23: ("F4", 4),
    24: ("F8_E8M0", 8),
    25: ("U2", 2),
    26: ("I2", 2),
}
_STANDARD: Final = frozenset(
    {"", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training"}
)
_EXTERNAL: Final = 1
# The fields of each message: onnx.proto, IR version 13. A later one may name files or
# code; it has to be read about first.
_MODEL_FIELDS: Final = frozenset({*range(1, 9), 14, 20, 25, 26})
_GRAPH_FIELDS: Final = frozenset({1, 2, 5, *range(10, 17)})
_NODE_FIELDS: Final = frozenset(range(1, 11))
_ATTRIBUTE_FIELDS: Final = frozenset({*range(1, 12), 13, 14, 15, *range(20, 24)})
_TENSOR_FIELDS: Final = frozenset(range(1, 17))
_SPARSE_FIELDS: Final = frozenset({1, 2, 3})
_FUNCTION_FIELDS: Final = frozenset({1, *range(4, 15)})
_TRAINING_FIELDS: Final = frozenset({1, 2, 3, 4})
_PAIR_FIELDS: Final = frozenset({1, 2})
_NUMBER: Final = re.compile(r"\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalData:
    """A tensor's bytes in a file beside the model."""

    location: str
    offset: int
    length: int

    @property
    def end(self) -> int:
        """The bytes that the file must have at least."""
        return self.offset + self.length


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxModel:
    """What the model says of itself.

    ``operators`` are (domain, type), each once, sorted; those of the model's own
    functions are not among ``custom_domains``. ``parameters`` count the elements of
    initializers and constants by dtype, and there are so many ``tensors``.
    """

    ir_version: int = 0
    producer: str = ""
    opsets: Mapping[str, int] = field(default_factory=dict)
    operators: tuple[tuple[str, str], ...] = ()
    functions: tuple[tuple[str, str], ...] = ()
    parameters: Mapping[str, int] = field(default_factory=dict)
    tensors: int = 0
    external: tuple[ExternalData, ...] = ()

    @property
    def custom_domains(self) -> tuple[str, ...]:
        """Return the domains whose operators only other people's code can run."""
        own = set(self.functions)
        domains = {d for d, name in self.operators if (d, name) not in own}
        return tuple(sorted(domains - _STANDARD))


def parse_onnx(window: Window) -> OnnxModel:
    """Walk the model; raise ``InvalidInput`` for what no ONNX file has."""
    return _Walk().model(Message.of(window))


class _Walk:
    def __init__(self) -> None:
        self._operators: set[tuple[str, str]] = set()
        self._functions: set[tuple[str, str]] = set()
        self._parameters: Counter[str] = Counter()
        self._external: list[ExternalData] = []
        self._opsets: dict[str, int] = {}
        self._tensors = self._graphs = self._ir_version = 0
        self._producer = ""

    def model(self, message: Message) -> OnnxModel:
        for found in message.fields(_MODEL_FIELDS):
            self._top(message, found)
        if not self._graphs:
            raise InvalidInput("holds no graph", where=message.where)
        if not self._opsets:
            raise InvalidInput("imports no operator set", where=message.where)
        counted = sorted(self._parameters.items(), key=lambda item: (-item[1], item[0]))
        return OnnxModel(
            ir_version=self._ir_version,
            producer=self._producer,
            opsets=self._opsets,
            operators=tuple(sorted(self._operators)),
            functions=tuple(sorted(self._functions)),
            parameters=dict(counted),
            tensors=self._tensors,
            external=tuple(self._external),
        )

    def _top(self, message: Message, found: Field) -> None:
        """Take one field of ModelProto."""
        match found.number:
            case 1:
                self._ir_version = message.number(found, "ir_version")
            case 2:
                self._producer = message.text(found, "producer_name")
            case 7:
                self._graphs += 1
                if self._graphs > 1:
                    raise InvalidInput("more than one graph", where=message.where)
                self._graph(message.inner(found, "graph"))
            case 8:
                self._opset(message.inner(found, "opset_import"))
            case 20:
                self._training(message.inner(found, "training_info"))
            case 25:
                self._function(message.inner(found, "functions"))
            case _:
                pass  # versions and texts

    def _graph(self, graph: Message) -> None:
        for found in graph.fields(_GRAPH_FIELDS):
            match found.number:
                case 1:
                    self._node(graph.inner(found, "node"))
                case 5:
                    self._tensor(graph.inner(found, "initializer"))
                case 15:
                    self._sparse(graph.inner(found, "sparse_initializer"))
                case _:
                    pass  # names, inputs, outputs: nothing that is run or read

    def _node(self, node: Message) -> None:
        kind = domain = ""
        for found in node.fields(_NODE_FIELDS):
            match found.number:
                case 4:
                    kind = node.text(found, "op_type", limit=MAX_NAME)
                case 7:
                    domain = node.text(found, "domain", limit=MAX_NAME)
                case 5:
                    self._attribute(node.inner(found, "attribute"))
                case _:
                    pass
        self._operators.add((domain, kind))

    def _attribute(self, attribute: Message) -> None:
        """Look into what can hold tensors and graphs (AttributeProto)."""
        inside: Mapping[int, Callable[[Message], None]] = {
            5: self._tensor,
            6: self._graph,
            10: self._tensor,
            11: self._graph,
            22: self._sparse,
            23: self._sparse,
        }
        for found in attribute.fields(_ATTRIBUTE_FIELDS):
            if found.number in inside:
                inside[found.number](attribute.inner(found, "value"))

    def _sparse(self, sparse: Message) -> None:
        for found in sparse.fields(_SPARSE_FIELDS):
            if found.number in {1, 2}:  # values, indices
                self._tensor(sparse.inner(found, "values"))

    def _function(self, function: Message) -> None:
        name = domain = ""
        for found in function.fields(_FUNCTION_FIELDS):
            match found.number:
                case 1:
                    name = function.text(found, "name", limit=MAX_NAME)
                case 10:
                    domain = function.text(found, "domain", limit=MAX_NAME)
                case 7:
                    self._node(function.inner(found, "node"))
                case 9:
                    self._opset(function.inner(found, "opset_import"))
                case 11:
                    self._attribute(function.inner(found, "attribute_proto"))
                case _:
                    pass
        self._functions.add((domain, name))

    def _training(self, training: Message) -> None:
        for found in training.fields(_TRAINING_FIELDS):
            if found.number in {1, 2}:  # initialization, algorithm
                self._graph(training.inner(found, "graph"))

    def _opset(self, opset: Message) -> None:
        domain, version = "", 0
        for found in opset.fields(_PAIR_FIELDS):
            if found.number == 1:
                domain = opset.text(found, "domain", limit=MAX_NAME)
            elif found.number == 2:  # noqa: PLR2004 - the field's number
                version = opset.number(found, "version")
        self._opsets[domain] = version

    def _tensor(self, tensor: Message) -> None:
        self._tensors += 1
        if self._tensors > MAX_TENSORS:
            raise InvalidInput(f"over {MAX_TENSORS} tensors", where=tensor.where)
        dims: list[int] = []
        dtype, location = 0, 0
        raw: Field | None = None
        pairs: dict[str, str] = {}
        for found in tensor.fields(_TENSOR_FIELDS):
            match found.number:
                case 1:
                    dims += tensor.numbers(found, "dims", limit=MAX_RANK)
                    _check_rank(dims, tensor.where)
                case 2:
                    dtype = tensor.number(found, "data_type")
                case 9:
                    raw = found
                case 13:
                    self._pair(tensor.inner(found, "external_data"), pairs)
                case 14:
                    location = tensor.number(found, "data_location")
                case _:
                    pass
        self._count(tensor, dims, dtype, raw)
        if location == _EXTERNAL or pairs:
            self._external.append(_external(pairs, tensor.where))

    def _count(
        self, tensor: Message, dims: list[int], dtype: int, raw: Field | None
    ) -> None:
        if dtype not in _DTYPES:
            raise InvalidInput(f"data type {dtype}", where=tensor.where)
        name, bits = _DTYPES[dtype]
        elements = math.prod(dims)
        if elements >> 63:
            raise InvalidInput("dimensions that overflow", where=tensor.where)
        if raw is not None and bits and raw.size != (elements * bits + 7) // 8:
            raise InvalidInput(
                f"{raw.size} bytes for {elements} elements of {name}",
                where=tensor.where,
            )
        self._parameters[name] += elements

    @staticmethod
    def _pair(message: Message, pairs: dict[str, str]) -> None:
        key = value = ""
        for found in message.fields(_PAIR_FIELDS):
            if found.number == 1:
                key = message.text(found, "key", limit=MAX_NAME)
            elif found.number == 2:  # noqa: PLR2004 - the field's number
                value = message.text(found, "value")
        if key in pairs:
            raise InvalidInput(f"{shown(key)} twice", where=message.where)
        pairs[key] = value


def _check_rank(dims: list[int], where: str) -> None:
    if len(dims) > MAX_RANK or min(dims, default=0) < 0:
        raise InvalidInput("impossible dimensions", where=where)


def _external(pairs: Mapping[str, str], where: str) -> ExternalData:
    where = f"{where}.external_data"
    location = checked_text(pairs.get("location", ""), where, limit=MAX_NAME)
    numbers = [pairs.get(key, "0") for key in ("offset", "length")]
    if not all(map(_NUMBER.fullmatch, numbers)):
        raise InvalidInput("offset and length are no numbers", where=where)
    offset, length = map(int, numbers)
    return ExternalData(location=location, offset=offset, length=length)
