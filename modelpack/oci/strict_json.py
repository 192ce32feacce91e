"""JSON with one meaning only: what two readers could read in two ways is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NoReturn, TypeAlias

from modelpack.errors import InvalidInput

__all__ = ["parse_object", "strict_json"]

_Pairs: TypeAlias = list[tuple[str, object]]

_LONGEST = 80
# Only an escape can bring a surrogate into a document that is valid UTF-8.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class _DuplicateKeyError(Exception):
    """Stops the parser; ``_duplicates`` then finds the place."""


def strict_json(raw: bytes, where: str = "", *, infinities: bool = False) -> object:
    """Parse a UTF-8 document.

    Duplicate keys at any level, lone surrogates, and bytes before or after the
    value are refused: what one reader has judged, another might not see.
    ``infinities`` lets through ``NaN`` and ``Infinity``, which are no JSON, but
    which Python's writers produce.
    """
    try:
        # Bytes would be taken for UTF-16 or UTF-32, too, where they look like it.
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput("not UTF-8", where=where) from error
    try:
        value: object = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=None if infinities else _refuse_constant,
        )
        if _SURROGATE.search(raw):
            json.dumps(value, ensure_ascii=False).encode()
    except _DuplicateKeyError as error:
        raise _duplicate_key(text, where) from error
    except (ValueError, RecursionError) as error:
        raise InvalidInput("not a JSON document", where=where) from error
    return value


def parse_object(
    raw: bytes, where: str, *, infinities: bool = False
) -> dict[str, object]:
    """Parse a document whose top level is an object."""
    value = strict_json(raw, where, infinities=infinities)
    if not isinstance(value, dict):
        raise InvalidInput("expected an object", where=where)
    return value


def _unique(pairs: _Pairs) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _DuplicateKeyError
    return fields


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _duplicate_key(text: str, where: str) -> InvalidInput:
    """Parse once more, slowly, to say which key it is."""
    try:
        value: object = json.loads(text, object_pairs_hook=tuple)
        path = next(_duplicates(value, where), where)
    except (ValueError, RecursionError):
        path = where
    return InvalidInput("duplicate key", where=path)


def _duplicates(value: object, where: str) -> Iterator[str]:
    """Yield the path of each repeated key; here an object is a tuple of pairs."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _duplicates(item, f"{where}[{index}]")
    elif isinstance(value, tuple):
        seen: set[str] = set()
        for key, item in value:
            path = f"{where}.{_shown(key)}" if where else _shown(key)
            if key in seen:
                yield path
            seen.add(key)
            yield from _duplicates(item, path)


def _shown(key: str) -> str:
    """Return a key as it can stand in a message, whoever chose it."""
    return key if key.isidentifier() and len(key) <= _LONGEST else ascii(key[:_LONGEST])
