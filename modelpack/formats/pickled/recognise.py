"""Whether bytes can be a pickle, without running it."""

from __future__ import annotations

import io
import pickletools
import re
from collections.abc import Iterator
from typing import Final

__all__ = ["LEGACY_TORCH_MAGIC", "has_pickle_magic", "looks_like_bare_pickle"]

# torch.save before version 1.6 begins with this number, pickled by protocol 2.
LEGACY_TORCH_MAGIC: Final = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."

_MAGIC_SIZE: Final = 3
_PROTO: Final = 0x80
_PROTOCOLS: Final = range(2, 6)
_OPCODES: Final = frozenset(ord(op.code) for op in pickletools.opcodes)
_LINES: Final = {"STRING": 1, "PERSID": 1, "GLOBAL": 2, "INST": 2}
_BY_CODE: Final = {op.code.encode("latin-1"): op for op in pickletools.opcodes}
_EXTENDED: Final = frozenset({"STACK_GLOBAL", "EXT1", "EXT2", "EXT4"})
_CALLS: Final = frozenset({"REDUCE", "BUILD", "OBJ", "NEWOBJ", "NEWOBJ_EX"})
# Module and name; without this, many a list of file names would import something.
_GLOBAL = re.compile(r"[\w.]+ [\w.]+")


def has_pickle_magic(head: bytes) -> bool:
    """Tell whether it begins as protocols 2 to 5 do."""
    if len(head) < _MAGIC_SIZE:
        return False
    proto, protocol, opcode = head[:_MAGIC_SIZE]
    return proto == _PROTO and protocol in _PROTOCOLS and opcode in _OPCODES


def looks_like_bare_pickle(head: bytes, *, complete: bool) -> bool:
    """Tell whether it is a pickle that names no protocol, as unpicklers accept.

    Protocols 0 and 1 have no magic, and are close to text. So either ``head`` is
    exactly one pickle, or its opcodes import something, call it, and go on to
    STOP or, unless it is ``complete``, to the end of the head.
    """
    stream = io.BytesIO(head)
    seen: set[str] = set()
    try:
        for opcode, argument, at in _steps(stream):
            if opcode == "STOP":
                return "call" in seen or (complete and len(head) - 1 == at != 0)
            seen.update(_deeds(opcode, argument, seen))
    except (ValueError, IndexError, OverflowError):
        return "call" in seen and not complete and stream.tell() == len(head)
    return False


def _steps(stream: io.BytesIO) -> Iterator[tuple[str, object, int]]:
    """Yield opcode, argument and place, as ``pickletools.genops`` would.

    That undoes the escapes of texts, and warns of those it does not know: any file
    can have them where a pickle has a text.
    """
    while code := stream.read(1):
        at = stream.tell() - 1
        opcode = _BY_CODE.get(code)
        if opcode is None:
            raise ValueError(code)
        yield opcode.name, _argument(opcode, stream), at
    raise ValueError("no STOP")


def _argument(opcode: pickletools.OpcodeInfo, stream: io.BytesIO) -> object:
    lines = _LINES.get(opcode.name)
    if lines is None:
        return opcode.arg.reader(stream) if opcode.arg is not None else None
    quoted = opcode.name == "STRING"
    texts = [
        pickletools.read_stringnl(stream, decode=False, stripquotes=quoted)
        for _ in range(lines)
    ]
    return b" ".join(text for text in texts if isinstance(text, bytes)).decode()


def _deeds(opcode: str, argument: object, seen: set[str]) -> tuple[str, ...]:
    """Say what an opcode does, given what those before it did."""
    if opcode == "MARK":
        return ("mark",)
    if opcode in _EXTENDED or (opcode == "GLOBAL" and _GLOBAL.fullmatch(str(argument))):
        return ("import",)
    if opcode == "INST" and "mark" in seen and _GLOBAL.fullmatch(str(argument)):
        return ("import", "call")
    return ("call",) if opcode in _CALLS and "import" in seen else ()
