"""Energy and emissions, exact, whatever unit they are written in.

Every tool has its own: codecarbon writes kWh and kg, the hub wants grams, CycloneDX
kWh and tonnes, SPDX kWh or MJ. What is kept is joules and grams: each unit is a whole
number of them, or a finite decimal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Final, Self

from modelpack.errors import InvalidInput
from modelpack.formats.names import shown
from modelpack.formats.scalars import decimal

__all__ = ["Emissions", "Energy"]

_QUANTITY: Final = re.compile(r"\s*([0-9.eE+-]{1,40})\s*([A-Za-z0-9]{1,12})\s*")
# Enough for what 18 digits of one unit come to in another.
_EXACT: Final = Context(prec=60)
_MOST_DIGITS: Final = 36
_JOULES: Final[Mapping[str, Decimal]] = {
    "J": Decimal(1),
    "kJ": Decimal(1000),
    "MJ": Decimal(1_000_000),
    "GJ": Decimal(1_000_000_000),
    "Wh": Decimal(3600),
    "kWh": Decimal(3_600_000),
    "MWh": Decimal(3_600_000_000),
    "GWh": Decimal(3_600_000_000_000),
}
_GRAMS: Final[Mapping[str, Decimal]] = {
    "gCO2eq": Decimal(1),
    "kgCO2eq": Decimal(1000),
    "tCO2eq": Decimal(1_000_000),
}
_ALIASES: Final[Mapping[str, str]] = {
    "g": "gCO2eq",
    "kg": "kgCO2eq",
    "t": "tCO2eq",
    "gCO2e": "gCO2eq",
    "kgCO2e": "kgCO2eq",
    "tCO2e": "tCO2eq",
}


@dataclass(frozen=True, slots=True, order=True)
class Energy:
    """An amount of energy."""

    joules: Decimal

    @classmethod
    def of(cls, value: Decimal, unit: str) -> Self:
        """Return ``value`` of a unit such as ``kWh``."""
        return cls(_EXACT.multiply(value, _JOULES[unit]))

    @classmethod
    def parse(cls, text: str, where: str = "") -> Self:
        """Read ``1.5 kWh``, ``5.4 MJ``, …: a bare number is refused."""
        return cls(_read(text, _JOULES, {}, where))

    @property
    def kwh(self) -> Decimal:
        return _plain(_EXACT.divide(self.joules, _JOULES["kWh"]))

    def __add__(self, other: Self) -> Self:
        return type(self)(_EXACT.add(self.joules, other.joules))

    def __str__(self) -> str:
        # A joule is no finite number of kilowatt hours: its digits would not end.
        kwh = f"{self.kwh:f}"
        if len(kwh) <= _MOST_DIGITS:
            return f"{kwh} kWh"
        return f"{_plain(_EXACT.divide(self.joules, _JOULES['MJ'])):f} MJ"


@dataclass(frozen=True, slots=True, order=True)
class Emissions:
    """An amount of greenhouse gas, as the carbon dioxide that warms as much."""

    grams: Decimal

    @classmethod
    def of(cls, value: Decimal, unit: str) -> Self:
        """Return ``value`` of a unit such as ``kgCO2eq``."""
        return cls(_EXACT.multiply(value, _GRAMS[unit]))

    @classmethod
    def parse(cls, text: str, where: str = "") -> Self:
        """Read ``0.4 kgCO2eq``, ``400 g``, …: a bare number is refused."""
        return cls(_read(text, _GRAMS, _ALIASES, where))

    @property
    def kilograms(self) -> Decimal:
        return _plain(_EXACT.divide(self.grams, _GRAMS["kgCO2eq"]))

    @property
    def tonnes(self) -> Decimal:
        return _plain(_EXACT.divide(self.grams, _GRAMS["tCO2eq"]))

    def __add__(self, other: Self) -> Self:
        return type(self)(_EXACT.add(self.grams, other.grams))

    def __str__(self) -> str:
        return f"{self.kilograms:f} kgCO2eq"


def _read(
    text: str, units: Mapping[str, Decimal], aliases: Mapping[str, str], where: str
) -> Decimal:
    match = _QUANTITY.fullmatch(text)
    unit = aliases.get(match[2], match[2]) if match else ""
    if match is None or unit not in units:
        raise InvalidInput(
            f"{shown(text)} is not a number and a unit",
            where=where,
            hint=f"units are {', '.join(units)}",
        )
    return _EXACT.multiply(decimal(match[1], where), units[unit])


def _plain(value: Decimal) -> Decimal:
    """Return a value without trailing zeros and without an exponent."""
    return Decimal(f"{value.normalize(_EXACT):f}")
