"""Protocol buffers as JSON, as Go and Python programs write them.

Zero values may be left out, 64-bit numbers may be strings, bytes are base64.
"""

from __future__ import annotations

import base64
import binascii

from modelpack.errors import InvalidInput
from modelpack.oci.fields import Fields

_MOST_DIGITS = 19


def known(value: object, where: str, *keys: str) -> Fields:
    """Return an object that has no field but these; what nobody knows may matter."""
    fields = Fields(value, where)
    for key in fields:
        if key not in keys:
            raise InvalidInput("is not known here", where=fields.path(key[:80]))
    return fields


def decoded(fields: Fields, key: str) -> bytes:
    """Return bytes that are written as base64."""
    try:
        return base64.b64decode(fields.text(key), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("not base64", where=fields.path(key)) from error


def encoded(content: bytes) -> str:
    """Write bytes as base64."""
    return base64.b64encode(content).decode()


def number(fields: Fields, key: str) -> int:
    """Return a whole number, written as such or as a string; 0 if it is left out."""
    if not fields.has(key):
        return 0
    value = fields.get(key)
    if not isinstance(value, str):
        return fields.count(key)
    if not (value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS):
        raise InvalidInput("expected a whole number", where=fields.path(key))
    return int(value)
