"""What one value of a text file may be: how it is read, and how a schema says it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Final, TypeAlias
from urllib.parse import urlsplit

from modelpack.errors import InvalidInput
from modelpack.formats.names import checked_text, shown
from modelpack.oci.digest import Digest
from modelpack.oci.reference import Reference, Repository

__all__ = [
    "SCALARS",
    "Commit",
    "Day",
    "Line",
    "Name",
    "Place",
    "Prose",
    "Scalar",
    "Url",
    "decimal",
]

MAX_LINE: Final = 1024
MAX_PROSE: Final = 16_384
_MOST_DIGITS: Final = 40
_NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?")
_COUNT: Final = re.compile(r"[0-9]{1,18}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# Control characters but tab and newline; and surrogates, which are no text.
_LYING: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """``read(text, where)`` gives the value, or raises ``InvalidInput``."""

    read: Callable[[str, str], object]
    schema: Mapping[str, object]


def decimal(text: str, where: str) -> Decimal:
    """Return a number that is finite and not below zero, exactly as written."""
    if len(text) > _MOST_DIGITS or not _NUMBER.fullmatch(text):
        raise InvalidInput(
            f"not a number: {shown(text)}", where=where, hint="such as 0.25 or 1.5e3"
        )
    return Decimal(text)


def _line(text: str, where: str) -> str:
    return checked_text(text.strip(), where, limit=MAX_LINE)


def _prose(text: str, where: str) -> str:
    stripped = text.strip()
    if not stripped:
        raise InvalidInput("empty", where=where)
    if len(stripped) > MAX_PROSE:
        raise InvalidInput(f"longer than {MAX_PROSE} characters", where=where)
    if _LYING.search(stripped):
        raise InvalidInput("has a control character", where=where)
    return stripped


def _url(text: str, where: str) -> str:
    address = checked_text(text.strip(), where, limit=MAX_LINE)
    if not address.startswith(("https://", "http://")) or " " in address:
        raise InvalidInput(
            f"not an address: {shown(address)}", where=where, hint="https://…"
        )
    try:
        login = urlsplit(address).username
    except ValueError as error:
        raise InvalidInput("is no address", where=where) from error
    if login is not None:
        raise InvalidInput("has a login in it, which all would read", where=where)
    return address


def _day(text: str, where: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise InvalidInput(
            f"not a day: {shown(text)}", where=where, hint="such as 2026-11-26"
        ) from error


def _count(text: str, where: str) -> int:
    if not _COUNT.fullmatch(text):
        raise InvalidInput(f"not a whole number: {shown(text)}", where=where)
    return int(text)


def _commit(text: str, where: str) -> str:
    if not _COMMIT.fullmatch(text):
        raise InvalidInput(
            f"not a commit: {shown(text)}",
            where=where,
            hint="all 40 (or 64) hexadecimal digits: a branch moves",
        )
    return text


def _digest(text: str, where: str) -> Digest:
    try:
        return Digest.parse(text)
    except InvalidInput as error:
        raise InvalidInput(error.message, where=where, hint="sha256:…") from error


def _place(text: str, where: str) -> str:
    try:
        parsed = Reference.parse(text)
    except InvalidInput as error:
        raise InvalidInput(error.message, where=where, hint=error.hint) from error
    if not isinstance(parsed.place, Repository):
        raise InvalidInput("is not in a registry", where=where)
    return text


# Editors take `1.0` for a number, and the reader here takes all for text.
_TEXT: Final = {"type": ["string", "number"], "maxLength": MAX_LINE}

Line: TypeAlias = Annotated[
    str, Scalar(_line, {"type": "string", "minLength": 1, "maxLength": MAX_LINE})
]
Name: TypeAlias = Annotated[str, Scalar(_line, _TEXT)]
Prose: TypeAlias = Annotated[
    str, Scalar(_prose, {"type": "string", "minLength": 1, "maxLength": MAX_PROSE})
]
Url: TypeAlias = Annotated[
    str,
    Scalar(
        _url, {"type": "string", "pattern": "^https?://[^ ]+$", "maxLength": MAX_LINE}
    ),
]
Place: TypeAlias = Annotated[
    str, Scalar(_place, {"type": "string", "minLength": 1, "maxLength": MAX_LINE})
]
Day: TypeAlias = Annotated[
    str, Scalar(_day, {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"})
]
Commit: TypeAlias = Annotated[
    str,
    Scalar(_commit, {"type": "string", "pattern": "^([0-9a-f]{40}|[0-9a-f]{64})$"}),
]

SCALARS: Final[Mapping[object, Scalar]] = {
    Decimal: Scalar(
        decimal,
        {
            "type": ["number", "string"],
            "minimum": 0,
            "pattern": f"^{_NUMBER.pattern}$",
        },
    ),
    int: Scalar(
        _count,
        {"type": ["integer", "string"], "minimum": 0, "pattern": "^[0-9]{1,18}$"},
    ),
    Digest: Scalar(
        _digest,
        {
            "type": "string",
            "pattern": "^sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$",
        },
    ),
}
"""How the types are read that need no name of their own."""
