"""Which tensors a weights-only pickle describes, without running it.

Follows the opcodes that ``weights_only.py`` lets through, with values of its own: what
stands for a global, a storage, a tensor. Nothing is imported, nothing is called.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.names import shown

__all__ = ["SavedTensor", "Storage", "saved_keys", "saved_tensors"]

MAX_OPCODES: Final = 2_000_000
MAX_TENSORS: Final = 200_000
MAX_VISITS: Final = 1_000_000
MAX_DEPTH: Final = 16
MAX_RANK: Final = 64

# torch's storage classes, and the dtypes that newer files name: our word, and bits.
_STORAGES: Final[Mapping[str, tuple[str, int]]] = {
    "DoubleStorage": ("F64", 64),
    "FloatStorage": ("F32", 32),
    "HalfStorage": ("F16", 16),
    "BFloat16Storage": ("BF16", 16),
    "LongStorage": ("I64", 64),
    "IntStorage": ("I32", 32),
    "ShortStorage": ("I16", 16),
    "CharStorage": ("I8", 8),
    "ByteStorage": ("U8", 8),
    "BoolStorage": ("BOOL", 8),
    "ComplexFloatStorage": ("C64", 64),
    "ComplexDoubleStorage": ("C128", 128),
    "QInt8Storage": ("QI8", 8),
    "QUInt8Storage": ("QU8", 8),
    "QInt32Storage": ("QI32", 32),
}
_DTYPES: Final[Mapping[str, tuple[str, int]]] = {
    "float64": ("F64", 64),
    "float32": ("F32", 32),
    "float16": ("F16", 16),
    "bfloat16": ("BF16", 16),
    "int64": ("I64", 64),
    "int32": ("I32", 32),
    "int16": ("I16", 16),
    "int8": ("I8", 8),
    "uint8": ("U8", 8),
    "bool": ("BOOL", 8),
    "complex64": ("C64", 64),
    "complex128": ("C128", 128),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """``key`` names the bytes beside the pickle; ``count`` elements of ``bits``."""

    key: str
    dtype: str
    bits: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedTensor:
    """``offset`` counts the elements of the storage before the first."""

    name: str
    storage: Storage
    offset: int
    shape: tuple[int, ...]
    dtype: str
    bits: int


@dataclass(frozen=True, slots=True)
class _Global:
    name: str


@dataclass(frozen=True, slots=True)
class _View:
    storage: Storage
    offset: int
    shape: tuple[int, ...]
    dtype: str
    bits: int


class _Opaque:
    """What is no tensor and holds none."""


_MARK: Final = _Opaque()


def saved_tensors(raw: bytes, where: str) -> tuple[SavedTensor, ...]:
    """Return each tensor by its path in what was saved, as ``model.weight``.

    Whoever calls this has asked ``beyond_weights`` about the pickle first.
    """
    root = _Machine(raw, where).root()
    return tuple(_named(root, where))


def saved_keys(raw: bytes, where: str) -> tuple[str, ...]:
    """Return a pickled list of texts."""
    root = _Machine(raw, where).root()
    if not isinstance(root, list) or not all(isinstance(key, str) for key in root):
        raise InvalidInput("is no list of keys", where=where)
    return tuple(root)


class _Machine:
    """A stack, a memo, and no way to run anything."""

    def __init__(self, raw: bytes, where: str) -> None:
        self._raw = raw
        self._where = where
        self._stack: list[object] = []
        self._memo: dict[int, object] = {}

    def root(self) -> object:
        count = 0
        try:
            for opcode, argument, _ in pickletools.genops(self._raw):
                count += 1
                if count > MAX_OPCODES:
                    raise InvalidInput("too many opcodes", where=self._where)
                if opcode.name == "STOP":
                    return self._stack.pop()
                self._step(opcode.name, argument)
        except (IndexError, KeyError, TypeError, ValueError) as error:
            raise InvalidInput("is no saved state", where=self._where) from error
        raise InvalidInput("ends without STOP", where=self._where)

    def _step(self, name: str, argument: object) -> None:
        if name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name]())
        elif name in _ARGUMENTS:
            self._stack.append(argument)
        elif name == "GLOBAL":
            self._stack.append(_Global(str(argument)))
        elif name in {"BINPUT", "LONG_BINPUT"}:
            self._memo[_number(argument)] = self._stack[-1]
        elif name in {"BINGET", "LONG_BINGET"}:
            self._stack.append(self._memo[_number(argument)])
        elif name in _TUPLES:
            self._stack[-_TUPLES[name] :] = [tuple(self._stack[-_TUPLES[name] :])]
        elif name in _MOVES:
            _MOVES[name](self)
        elif name != "PROTO":
            raise ValueError(name)

    def mark(self) -> None:
        self._stack.append(_MARK)

    def persistent(self) -> None:
        self._stack.append(_storage(self._stack.pop()))

    def call(self) -> None:
        argument = self._stack.pop()
        self._stack.append(_made(self._stack.pop(), argument))

    def build(self) -> None:
        self._stack.pop()  # a state, which adds no tensor of its own

    def _above(self) -> Sequence[object]:
        """Take what is above the last mark, and the mark."""
        for at in range(len(self._stack) - 1, -1, -1):
            if self._stack[at] is _MARK:
                taken = self._stack[at + 1 :]
                del self._stack[at:]
                return taken
        raise IndexError

    def tuple(self) -> None:
        self._stack.append(tuple(self._above()))

    def append(self) -> None:
        self._extend([self._stack.pop()])

    def appends(self) -> None:
        self._extend(self._above())

    def _extend(self, items: Sequence[object]) -> None:
        if isinstance(self._stack[-1], list):
            self._stack[-1].extend(items)

    def set_item(self) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._set([key, value])

    def set_items(self) -> None:
        self._set(self._above())

    def _set(self, pairs: Sequence[object]) -> None:
        into = self._stack[-1]
        if isinstance(into, dict):
            for key, value in zip(pairs[::2], pairs[1::2], strict=True):
                if isinstance(key, str | int):
                    into[key] = value


_CONSTANTS: Final[Mapping[str, Callable[[], object]]] = {
    "NONE": _Opaque,
    "NEWTRUE": _Opaque,
    "NEWFALSE": _Opaque,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_SET": _Opaque,
}
_ARGUMENTS: Final = frozenset(
    {"BININT", "BININT1", "BININT2", "BINFLOAT", "LONG1", "BINUNICODE"}
    | {"SHORT_BINSTRING"}
)
_TUPLES: Final = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_MOVES: Final[Mapping[str, Callable[[_Machine], None]]] = {
    "MARK": _Machine.mark,
    "BINPERSID": _Machine.persistent,
    "REDUCE": _Machine.call,
    "NEWOBJ": _Machine.call,
    "BUILD": _Machine.build,
    "TUPLE": _Machine.tuple,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.appends,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
}


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError
    return value


def _storage(named: object) -> object:
    """Read ``("storage", class, key, device, count)``, as torch names a storage."""
    match named:
        case ("storage", _Global(name), str(key), str(), int(count), *_):
            plain = name.rpartition(" ")[2]
            dtype, bits = _STORAGES.get(plain, ("U8", 8))
            return Storage(key=key, dtype=dtype, bits=bits, count=count)
        case _:
            raise ValueError


def _made(by: object, arguments: object) -> object:
    """Return what a call would make, where that is a tensor or holds some."""
    if not isinstance(by, _Global) or not isinstance(arguments, tuple):
        return _Opaque()
    match by.name, arguments:
        case "collections OrderedDict" | "collections Counter", _:
            return {}
        case (
            "torch._utils _rebuild_tensor" | "torch._utils _rebuild_tensor_v2",
            (Storage() as storage, int(offset), tuple(shape), *_),
        ):
            return _view(storage, offset, shape, (storage.dtype, storage.bits))
        case (
            "torch._utils _rebuild_tensor_v3",
            (
                Storage() as storage,
                int(offset),
                tuple(shape),
                _,
                _,
                _,
                _Global(name),
                *_,
            ),
        ):
            dtype = _DTYPES[name.rpartition(" ")[2]]
            return _view(storage, offset, shape, dtype)
        case (
            "torch._utils _rebuild_parameter"
            | "torch._utils _rebuild_parameter_with_state",
            (_View() as view, *_),
        ):
            return view
        case _:
            return _Opaque()


def _view(
    storage: Storage, offset: int, shape: tuple[object, ...], dtype: tuple[str, int]
) -> _View:
    sizes = tuple(map(_number, shape))
    if len(sizes) > MAX_RANK or min(sizes, default=0) < 0 or offset < 0:
        raise ValueError
    return _View(storage, offset, sizes, *dtype)


def _named(root: object, where: str) -> Iterator[SavedTensor]:
    """Walk dicts and lists; what is in many places is named at each."""
    waiting: list[tuple[str, object, int]] = [("", root, 0)]
    visits = found = 0
    while waiting:
        path, value, depth = waiting.pop()
        visits += 1
        if visits > MAX_VISITS or found > MAX_TENSORS or depth > MAX_DEPTH:
            raise InvalidInput("holds too much", where=where)
        if isinstance(value, _View):
            found += 1
            yield SavedTensor(
                name=path or "tensor",
                storage=value.storage,
                offset=value.offset,
                shape=value.shape,
                dtype=value.dtype,
                bits=value.bits,
            )
        elif isinstance(value, dict | list | tuple):
            pairs = value.items() if isinstance(value, dict) else enumerate(value)
            waiting.extend(
                (f"{path}.{shown(str(key))}" if path else str(key), inner, depth + 1)
                for key, inner in reversed(list(pairs))
                if isinstance(inner, dict | list | tuple | _View)
            )
