"""Whether bytes can be a pickle, without running it."""

from __future__ import annotations

import pickletools
import re
from collections.abc import Mapping
from typing import Final

from modelpack.formats.window import Window

__all__ = ["LEGACY_TORCH_MAGIC", "has_pickle_magic", "looks_like_bare_pickle"]

# torch.save before version 1.6 begins with this number, pickled by protocol 2.
LEGACY_TORCH_MAGIC: Final = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."

MAX_OPCODES: Final = 1_000_000
MAX_READ: Final = 16 << 20  # the file may lie in a registry

_MAGIC_SIZE: Final = 3
_PROTO: Final = 0x80
_PROTOCOLS: Final = range(2, 6)
_FIRST_BLOCK: Final = 4096
_BLOCK: Final = 256 << 10
_LONGEST_LINE: Final = 4096
_OPCODES: Final = {ord(op.code): op for op in pickletools.opcodes}
# Module and name; without this, many a list of file names would import something.
_NAME_LINE: Final = re.compile(rb"[\w.\x80-\xff]+\r?\Z")
_TWO_NAMES: Final = frozenset({"GLOBAL", "INST"})
_NUMBER: Final = re.compile(rb"\s*[+-]?\d")
# What the C unpickler makes of a line is up to `strtol` and its like, which take more
# than Python's own reader does: how the line begins is all that is asked.
_LINES: Final[Mapping[str, re.Pattern[bytes]]] = {
    "INT": _NUMBER,
    "LONG": _NUMBER,
    "FLOAT": re.compile(rb"\s*[+-]?(?:\d|\.\d|inf|nan)", re.IGNORECASE),
    "GET": _NUMBER,
    "PUT": _NUMBER,
    "STRING": re.compile(rb"['\"]"),
    "PERSID": re.compile(rb""),
    "UNICODE": re.compile(rb""),
}
_COUNTS: Final = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}
# What an opcode takes from the stack above the last mark, and what it puts there.
# `PUT` and its like look at the last item, which is as good as both.
_MOVES: Final[Mapping[str, tuple[int, int]]] = {
    **dict.fromkeys(("PROTO", "FRAME"), (0, 0)),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), (1, 1)),
    **dict.fromkeys(("BINPERSID", "READONLY_BUFFER", "TUPLE1"), (1, 1)),
    **dict.fromkeys(("REDUCE", "NEWOBJ", "STACK_GLOBAL", "TUPLE2"), (2, 1)),
    **dict.fromkeys(("BUILD", "APPEND"), (2, 1)),
    **dict.fromkeys(("SETITEM", "NEWOBJ_EX", "TUPLE3"), (3, 1)),
    "DUP": (1, 2),
    "STOP": (1, 0),
}
_OTHERS: Final = (0, 1)  # all others put one item there
# Those that take what is above the last mark; the number is what must be below it.
_TO_MARK: Final = {
    **dict.fromkeys(("POP_MARK",), (0, 0)),
    **dict.fromkeys(("TUPLE", "LIST", "DICT", "FROZENSET", "INST", "OBJ"), (0, 1)),
    **dict.fromkeys(("APPENDS", "SETITEMS", "ADDITEMS"), (1, 1)),
}
_IMPORTS: Final = frozenset({"GLOBAL", "INST", "STACK_GLOBAL", "EXT1", "EXT2", "EXT4"})
# With something imported, each of these runs it, or changes it for others.
_ACTS: Final = frozenset(
    {"REDUCE", "BUILD", "OBJ", "INST", "NEWOBJ", "NEWOBJ_EX", "APPEND", "APPENDS"}
    | {"SETITEM", "SETITEMS", "ADDITEMS"}
)


def has_pickle_magic(head: bytes) -> bool:
    """Tell whether it begins as protocols 2 to 5 do."""
    if len(head) < _MAGIC_SIZE:
        return False
    proto, protocol, opcode = head[:_MAGIC_SIZE]
    return proto == _PROTO and protocol in _PROTOCOLS and opcode in _OPCODES


def looks_like_bare_pickle(window: Window, head: bytes = b"") -> bool:
    """Tell whether an unpickler that takes it for one would import and run something.

    Protocols 0 and 1 have no magic, and are close to text. So each opcode is
    followed, with the height of the stack, as the C unpickler would, and in doubt
    more kindly than it: until one runs what another has imported, or until no
    unpickler would go on. Whatever follows is of no help then. A file that is one
    pickle after the other to its last byte is one, too, even if nothing is run, and
    so is one that does not end within ``MAX_OPCODES`` and ``MAX_READ`` bytes.

    ``head`` are the bytes that the caller has read already, from the first one on.
    """
    return _Machine(window, head).runs()


class _Machine:
    """The unpickler's stack, by its height alone."""

    def __init__(self, window: Window, head: bytes) -> None:
        self._window = window
        self._at = 0
        self._block = head
        self._start = 0
        self._ahead = _FIRST_BLOCK
        self._read = 0
        self._heights = [0]  # of the stack's parts between two marks
        self._memo = self._imported = False

    def runs(self) -> bool:
        ended = 0
        for _ in range(MAX_OPCODES):
            if self._at == self._window.size:
                return 0 < ended == self._at
            opcode = _OPCODES.get(self._bytes(1)[0])
            if opcode is None or not self._step(opcode):
                return self._read > MAX_READ
            if self._imported and opcode.name in _ACTS:
                return True
            if opcode.name == "STOP":
                ended = self._at
                self._heights = [0]
        return True

    def _step(self, opcode: pickletools.OpcodeInfo) -> bool:
        """Follow one opcode; false where every unpickler gives up."""
        name = opcode.name
        if not self._argument(opcode) or not self._moved(name):
            return False
        if name in _IMPORTS:
            self._imported = True
        if "PUT" in name or name == "MEMOIZE":
            self._memo = True
        return self._memo or "GET" not in name

    def _moved(self, name: str) -> bool:
        heights = self._heights
        if name == "MARK":
            heights.append(0)
            return True
        if name == "POP" and not heights[-1] and len(heights) > 1:
            heights.pop()
            return True
        if name in _TO_MARK:
            if len(heights) == 1 or (name == "OBJ" and not heights[-1]):
                return False
            heights.pop()
            takes, puts = _TO_MARK[name]
        else:
            takes, puts = (1, 0) if name == "POP" else _MOVES.get(name, _OTHERS)
        if heights[-1] < takes:
            return False
        heights[-1] += puts - takes
        return True

    def _argument(self, opcode: pickletools.OpcodeInfo) -> bool:
        if opcode.arg is None:
            return True
        if opcode.name in _TWO_NAMES:
            return all(_begins(_NAME_LINE, self._line()) for _ in range(2))
        if opcode.name in _LINES:
            return _begins(_LINES[opcode.name], self._line())
        if opcode.arg.n >= 0:
            return self._pass(opcode.arg.n)
        count = self._bytes(_COUNTS[opcode.arg.n])
        return bool(count) and self._pass(int.from_bytes(count, "little"))

    def _pass(self, count: int) -> bool:
        self._at += count
        return self._at <= self._window.size

    def _bytes(self, count: int) -> bytes:
        """Return the next bytes, or none where the file ends before."""
        begin = self._at - self._start
        if not 0 <= begin <= len(self._block) - count:
            begin = self._load()
        found = self._block[begin : begin + count]
        self._at += count
        return found if len(found) == count else b""

    def _line(self) -> bytes | None:
        """Pass over a line, and return how it begins; nothing where it has no end."""
        begin = self._at - self._start
        end = self._block.find(b"\n", begin) if begin >= 0 else -1
        if end < 0:
            begin = self._load()
            end = self._block.find(b"\n")
        first = self._block[begin : begin + _LONGEST_LINE].partition(b"\n")[0]
        while end < 0:
            self._at += len(self._block)
            if self._at >= self._window.size or self._read > MAX_READ:
                return None
            self._load()
            end = self._block.find(b"\n")
        self._at = self._start + end + 1
        return first

    def _load(self) -> int:
        """Read a block from here on, and return where in the block that is."""
        self._start = self._at
        size = min(self._ahead, max(0, self._window.size - self._at))
        self._block = self._window.read(self._at, size) if size else b""
        self._read += size
        self._ahead = min(2 * self._ahead, _BLOCK)  # hardly a file gets that far
        return 0


def _begins(pattern: re.Pattern[bytes], line: bytes | None) -> bool:
    return line is not None and pattern.match(line) is not None
