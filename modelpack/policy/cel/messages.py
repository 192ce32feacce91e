"""What the library says, in words for whoever wrote the expression."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["faults", "place", "reason"]

_STATUS: Final = re.compile(r"^[A-Z_]+: | \[[A-Z_]+\]$")
_FAULT: Final = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_CONTAINER: Final = " (in container '')"
_CALLBACK: Final = re.compile("'Python function '<function .* at 0x[0-9a-f]+>''")
_UNBOUND: Final = re.compile(r'No value with name "(.*)" found in Activation')
_NO_MEMORY: Final = "the result does not fit into memory"
_UNCONVERTED: Final = "Unable to convert function return value"


def faults(text: str) -> str:
    """Return faults of a check in one line: `1:7: undeclared reference to 'x'`."""
    found = [
        fault if line.startswith("-") else f"{line}:{column}: {fault}"
        for line, column, fault in _FAULT.findall(_STATUS.sub("", text))
    ]
    said = list(dict.fromkeys(f.replace(_CONTAINER, "") for f in found))
    return "; ".join(said) if said else reason(text)


def reason(text: str) -> str:
    """Return an error of an evaluation, without its status."""
    text = _CALLBACK.sub("the result of a function", _STATUS.sub("", text))
    unbound = _UNBOUND.fullmatch(text)
    if unbound:
        return f"{unbound[1]} has no value"
    if text.startswith(_UNCONVERTED):
        return "the result holds a value that has no form outside of CEL"
    return _NO_MEMORY if text == "std::bad_alloc" else text


def place(source: str, position: int) -> str:
    """Return line and column of a character, as the library counts them."""
    before = source[:position]
    return f"{before.count(chr(10)) + 1}:{position - before.rfind(chr(10))}"
