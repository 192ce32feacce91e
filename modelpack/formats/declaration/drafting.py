"""Write a `modelpack.yaml`: what is known filled in, all else for its author to fill.

What it writes, `parse_declaration` reads back as it was.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from modelpack.formats.declaration.declaration import Declaration
from modelpack.formats.declaration.fields import (
    Each,
    Field,
    Form,
    Names,
    Record,
    fields_of,
)
from modelpack.formats.declaration.reading import FORMAT
from modelpack.formats.declaration.schema import SCHEMA_NAME

__all__ = ["draft"]

_HEAD: Final = f"""\
# yaml-language-server: $schema={SCHEMA_NAME}
#
# What no file of this model can tell: it is published with the model, and what
# `modelpack sbom` and others say of it. Take away the # where you know an answer;
# what you do not know, leave out.
modelpack: {FORMAT}
"""
# What every reader of YAML takes for the same text.
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.+-]*(?:[ /][A-Za-z0-9_.+-]+)*")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def draft(declaration: Declaration, sources: Mapping[str, str] | None = None) -> bytes:
    """Return the file; ``sources`` says of a top field which file it was found in."""
    lines = [_HEAD]
    for field in fields_of(Declaration):
        value = getattr(declaration, field.name)
        source = (sources or {}).get(field.name)
        found = f" (found in {source})" if source and value else ""
        lines.append(f"\n# {field.about}{found}\n")
        said = (
            [*_said(field.name, field.form, value)]
            if _says_anything(field.form, value)
            else [f"# {line}" for line in _asked(field.name, field.form)]
        )
        lines += [f"{line}\n" for line in said]
    return "".join(lines).encode()


def _says_anything(form: Form, value: object) -> bool:
    match form:
        case Each() | Names():
            return bool(value)
        case Record():
            return value is not None and bool(_members(form.made, value))
    return value is not None


def _members(made: type, value: object) -> Sequence[tuple[Field, object]]:
    pairs = [(field, getattr(value, field.name)) for field in fields_of(made)]
    return [(field, held) for field, held in pairs if _says_anything(field.form, held)]


def _said(name: str, form: Form, value: object) -> Iterator[str]:
    match form:
        case Each():
            yield f"{name}:"
            for item in value if isinstance(value, tuple) else ():
                yield from _indented(_entry(form.item, item), "- ")
        case Names():
            yield f"{name}:"
            for key, item in value.items() if isinstance(value, Mapping) else ():
                yield from _indented(_said(_scalar(key), form.item, item))
        case Record():
            yield f"{name}:"
            yield from _indented(_entry(form, value))
        case _:
            yield f"{name}: {_scalar(value)}"


def _entry(form: Form, value: object) -> Iterator[str]:
    if not isinstance(form, Record):
        yield _scalar(value)
        return
    for field, held in _members(form.made, value):
        yield from _said(field.name, field.form, held)


def _asked(name: str, form: Form) -> Iterator[str]:
    """Show what could be said, without an answer."""
    match form:
        case Record():
            yield f"{name}:"
            yield from _indented(_asked_fields(form))
        case Each(Record() as inner):
            yield f"{name}:"
            yield from _indented(_asked_fields(inner), "- ")
        case Each(inner):
            yield f"{name}: []{_choices(inner)}"
        case Names():
            yield f"{name}: {{}}"
        case _:
            yield f"{name}:{_choices(form)}"


def _asked_fields(form: Record) -> Iterator[str]:
    for field in fields_of(form.made):
        yield from _asked(field.name, field.form)


def _indented(lines: Iterator[str], mark: str = "") -> Iterator[str]:
    """Move lines to the right; the first after the ``mark`` of a list's entry."""
    for line in lines:
        yield f"  {mark}{line}"
        mark = " " * len(mark)


def _choices(form: Form) -> str:
    if isinstance(form, type):
        return f"  # {', '.join(form)}"
    return ""


def _scalar(value: object) -> str:
    text = str(value)
    if not isinstance(value, str):
        return text
    # An editor takes `no` and 1.0 for something else than the text that is meant.
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return text if plain else _quoted(text)


def _quoted(text: str) -> str:
    # JSON's way of quoting is YAML's too, but for how they escape what is rare.
    return "".join(
        char
        if char.isprintable()
        else json.dumps(char)[1:-1]
        if char.isascii()
        else f"\\U{ord(char):08x}"
        for char in json.dumps(text, ensure_ascii=False)
    )
