"""Read a `modelpack.yaml`: each value of its type, or an error that names the field."""

from __future__ import annotations

from difflib import get_close_matches
from enum import StrEnum
from typing import Final, TypeVar

from modelpack.errors import InvalidInput
from modelpack.formats.declaration.declaration import Declaration
from modelpack.formats.declaration.fields import (
    Each,
    Field,
    Form,
    Names,
    Record,
    fields_of,
)
from modelpack.formats.declaration.mapping import one_mapping
from modelpack.formats.names import checked_text, shown
from modelpack.formats.prose.plain_yaml import Node
from modelpack.formats.scalars import Scalar
from modelpack.formats.window import Window

T = TypeVar("T")

__all__ = ["FORMAT", "parse_declaration", "read_record"]

FORMAT: Final = "1"
"""The version of the format, which the field `modelpack` names."""
MAX_ITEMS: Final = 1000
MAX_NAME: Final = 256


def parse_declaration(window: Window) -> Declaration:
    """Read a declaration; raise ``InvalidInput`` for anything that it may not have.

    Unknown and repeated fields, aliases, tags and merge keys are refused: none may
    read in it what another does not.
    """
    top = one_mapping(window)
    version = top.pop("modelpack", None)
    if version != FORMAT:
        raise InvalidInput(
            "missing" if version is None else "not a version that is known here",
            where=f"{window.name}: modelpack",
            hint=f"the file begins with: modelpack: {FORMAT}",
        )
    return read_record(Declaration, top, f"{window.name}: ")


def read_record(made: type[T], node: object, where: str) -> T:
    """Read the fields of ``made``; ``where`` ends so that a name can follow."""
    if not isinstance(node, dict):
        raise InvalidInput("expected fields", where=where.rstrip(": ."))
    kind: type = made
    known = {field.name: field for field in fields_of(kind)}
    for name in node:
        if name not in known:
            raise _unknown(name, known, where)
    for field in known.values():
        if field.required and field.name not in node:
            raise InvalidInput("missing", where=f"{where}{field.name}")
    return made(
        **{
            name: _value(known[name].form, value, f"{where}{name}")
            for name, value in node.items()
        }
    )


def _value(form: Form, node: Node, where: str) -> object:
    if node is None:
        raise InvalidInput(
            "says nothing", where=where, hint="leave out what is not known"
        )
    match form:
        case Each():
            return tuple(
                _value(form.item, item, f"{where}[{index}]")
                for index, item in enumerate(_items(node, where))
            )
        case Names():
            if not isinstance(node, dict) or len(node) > MAX_ITEMS:
                raise InvalidInput("expected names and values", where=where)
            return {
                checked_text(name, where, limit=MAX_NAME): _value(
                    form.item, value, f"{where}.{shown(name)}"
                )
                for name, value in node.items()
            }
        case Record():
            return read_record(form.made, node, f"{where}.")
        case Scalar():
            return form.read(_text(node, where), where)
    return _choice(form, _text(node, where), where)


def _items(node: Node, where: str) -> list[Node]:
    if not isinstance(node, list):
        raise InvalidInput("expected a list", where=where, hint="one line each: - …")
    if len(node) > MAX_ITEMS:
        raise InvalidInput(f"more than {MAX_ITEMS} entries", where=where)
    return node


def _text(node: Node, where: str) -> str:
    if not isinstance(node, str):
        raise InvalidInput("expected a text or a number", where=where)
    return node


def _choice(form: type[StrEnum], text: str, where: str) -> StrEnum:
    try:
        return form(text)
    except ValueError as error:
        raise InvalidInput(
            f"{shown(text)} is none of {', '.join(form)}", where=where
        ) from error


def _unknown(name: str, known: dict[str, Field], where: str) -> InvalidInput:
    near = get_close_matches(name, known, n=1)
    return InvalidInput(
        "unknown field",
        where=f"{where}{shown(name)}",
        hint=f"did you mean {near[0]}?"
        if near
        else f"known are {', '.join(sorted(known))}",
    )
