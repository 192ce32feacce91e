"""Base64, in place of the library's own.

Bytes with a zero among them, which the library would cut on their way into a function,
must not come about.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.functions import Function, function
from modelpack.policy.cel.types import BYTES, STRING

__all__ = ["FUNCTIONS"]


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _decode(text: str) -> bytes:
    """Decode as cel-go does: also what lacks the padding at its end."""
    try:
        padded = text if "=" in text else text + "=" * (-len(text) % 4)
        return base64.b64decode(padded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise CelError("illegal base64 data") from error


FUNCTIONS: Final[tuple[Function, ...]] = (
    function("base64.encode", (BYTES,), STRING, _encode),
    function("base64.decode", (STRING,), BYTES, _decode),
)
