"""Read fields of a policy: known ones, of the right type, or a refusal by name.

Kyverno's command line drops a document that breaks its schema without a word (1.19.0);
here that refuses, and so does what is not supported: a rule that is passed over would
admit what it was written to refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from modelpack.errors import InvalidInput
from modelpack.oci.fields import Fields

T = TypeVar("T")

_MOST: Final = 1_000
_LONGEST: Final = 64 << 10


@dataclass(frozen=True, slots=True)
class Expression:
    """A CEL expression, and where it stands."""

    source: str
    where: str


def section(
    value: object, where: str, *known: str, unsupported: Sequence[str] = ()
) -> Fields:
    """Return an object that has no other fields than the known ones."""
    fields = Fields(value, where)
    for key in fields:
        if key in unsupported and fields.has(key):
            raise InvalidInput("is not supported by modelpack", where=fields.path(key))
        if key not in known and key not in unsupported:
            raise InvalidInput("is not a field of it", where=fields.path(key[:80]))
    return fields


def child(
    fields: Fields, key: str, *known: str, unsupported: Sequence[str] = ()
) -> Fields:
    """Return an inner object; an empty one where it is left out."""
    value = fields.get(key) if fields.has(key) else {}
    return section(value, fields.path(key), *known, unsupported=unsupported)


def items(fields: Fields, key: str) -> Iterator[tuple[object, str]]:
    """Yield each item of a list with where it stands; none where it is left out."""
    values = fields.array(key) if fields.has(key) else ()
    if len(values) > _MOST:
        raise InvalidInput(
            f"has {len(values)} items; {_MOST} are read", where=fields.path(key)
        )
    for index, value in enumerate(values):
        yield value, f"{fields.path(key)}[{index}]"


def each(fields: Fields, key: str, parse: Callable[[object, str], T]) -> tuple[T, ...]:
    """Parse every item of a list."""
    return tuple(parse(value, where) for value, where in items(fields, key))


def unique(fields: Fields, key: str, names: Sequence[str]) -> None:
    """Refuse two items of one name: one of them would count for nothing."""
    for name in names:
        if names.count(name) > 1:
            raise InvalidInput(f"two are named {name!r}", where=fields.path(key))


def text(fields: Fields, key: str, default: str = "") -> str:
    """Return a string; ``default`` where it is left out."""
    if not fields.has(key):
        return default
    value = fields.text(key)
    if len(value) > _LONGEST:
        raise InvalidInput(
            f"is longer than {_LONGEST >> 10} KiB", where=fields.path(key)
        )
    return value


def required(fields: Fields, key: str) -> str:
    """Return a string that is not empty."""
    value = text(fields, key)
    if not value.strip():
        raise InvalidInput("is missing or empty", where=fields.path(key))
    return value


def flag(fields: Fields, key: str, *, default: bool) -> bool:
    """Return true or false; ``default`` where it is left out."""
    if not fields.has(key):
        return default
    value = fields.get(key)
    if not isinstance(value, bool):
        raise InvalidInput("expected true or false", where=fields.path(key))
    return value


def texts(fields: Fields, key: str) -> tuple[str, ...]:
    """Return a list of strings; an empty one where it is left out."""

    def one(value: object, where: str) -> str:
        if not isinstance(value, str):
            raise InvalidInput("expected a string", where=where)
        return value

    return each(fields, key, one)


def one_of(fields: Fields, key: str, allowed: Sequence[str], default: str) -> str:
    """Return one of the allowed words."""
    value = text(fields, key, default)
    if value not in allowed:
        raise InvalidInput(
            f"{value[:80]!r} is none of {', '.join(allowed)}", where=fields.path(key)
        )
    return value


def expression(fields: Fields, key: str = "expression") -> Expression:
    """Return a CEL expression, which must be there."""
    return Expression(required(fields, key), fields.path(key))


def optional_expression(fields: Fields, key: str) -> Expression | None:
    """Return a CEL expression; None where it is left out or empty."""
    source = text(fields, key)
    return Expression(source, fields.path(key)) if source.strip() else None
