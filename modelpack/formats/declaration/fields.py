"""The types of a declaration, taken apart: what reading, a schema, a draft follow."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated, Final, Union, get_args, get_origin, get_type_hints

from modelpack.formats.energy.quantities import Emissions, Energy
from modelpack.formats.scalars import SCALARS, Scalar

__all__ = ["Each", "Field", "Form", "Names", "Record", "fields_of"]

_NUMBER_AND_UNIT: Final = r"^\s*[0-9.eE+-]{{1,40}}\s*({})\s*$"
_ALL: Final[Mapping[object, Scalar]] = {
    **SCALARS,
    Energy: Scalar(
        Energy.parse,
        {
            "type": "string",
            "pattern": _NUMBER_AND_UNIT.format("J|kJ|MJ|GJ|Wh|kWh|MWh|GWh"),
        },
    ),
    Emissions: Scalar(
        Emissions.parse,
        {
            "type": "string",
            "pattern": _NUMBER_AND_UNIT.format(
                "(g|kg|t)CO2eq|(g|kg|t)CO2e|g|kg|t",
            ),
        },
    ),
}


@dataclass(frozen=True, slots=True)
class Each:
    """A list."""

    item: Form


@dataclass(frozen=True, slots=True)
class Names:
    """A mapping whose keys are the publisher's own."""

    item: Form


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping whose keys are the fields of a type."""

    made: type


Form = Scalar | type[StrEnum] | Each | Names | Record
"""What a value looks like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a record, with what its schema says of it."""

    name: str
    form: Form
    about: str
    required: bool


@cache
def fields_of(made: type) -> tuple[Field, ...]:
    """Return the fields of a dataclass whose hints are ``Annotated[type, about]``."""
    hints = get_type_hints(made, include_extras=True)
    return tuple(
        Field(
            name=item.name,
            form=_form(hints[item.name]),
            about=str(get_args(hints[item.name])[-1]),
            required=item.default is dataclasses.MISSING
            and item.default_factory is dataclasses.MISSING,
        )
        for item in dataclasses.fields(made)
    )


def _form(hint: object) -> Form:
    if hint in _ALL:
        return _ALL[hint]
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        scalar = next((extra for extra in inner[1:] if isinstance(extra, Scalar)), None)
        return scalar if scalar is not None else _form(inner[0])
    if origin in (Union, types.UnionType):
        return _form(next(part for part in inner if part is not type(None)))
    if origin is tuple:
        return Each(_form(inner[0]))
    if origin is not None and issubclass(origin, Mapping):
        return Names(_form(inner[1]))
    if isinstance(hint, type):
        return hint if issubclass(hint, StrEnum) else Record(hint)
    raise TypeError(hint)
