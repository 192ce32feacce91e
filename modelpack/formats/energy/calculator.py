r"""The statement that the ML CO2 Impact calculator writes, in LaTeX or as text.

> Experiments were conducted using Azure in region westeurope, which has a carbon
> efficiency of 0.57 kgCO$_2$eq/kWh. A cumulative of 100 hours of computation was
> performed on hardware of type A100 PCIe 40/80GB (TDP of 250W). Total emissions are
> estimated to be 14.25 kgCO$_2$eq of which 100 percents were directly offset by the
> cloud provider.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.energy.quantities import Emissions, Energy
from modelpack.formats.energy.use import EnergyUse, Knowledge
from modelpack.formats.names import checked_text
from modelpack.formats.scalars import decimal
from modelpack.formats.small_text import small_text
from modelpack.formats.window import Window

__all__ = ["looks_like_calculator", "parse_calculator"]

MAX_TEXT: Final = 256
_NUMBER: Final = r"[0-9]{1,12}(?:\.[0-9]{1,12})?"
_GAS: Final = r"kg ?CO(?:\$_2\$|2|₂) ?eq"
_PLACE: Final = re.compile(
    r"conducted using (?P<provider>[^.\n]{1,200}?)"
    r"(?: in region (?P<region>[^,\n]{1,200}))?, which has a carbon efficiency of "
    rf"(?P<intensity>{_NUMBER}) {_GAS}/kWh"
)
_WORK: Final = re.compile(
    rf"cumulative of (?P<hours>{_NUMBER}) hours of computation was performed on "
    rf"hardware of type (?P<hardware>[^\n]{{1,200}}?) "
    rf"\(TDP of (?P<watts>{_NUMBER}) ?W\)"
)
_TOTAL: Final = re.compile(rf"estimated to be (?P<total>{_NUMBER}) {_GAS}")
# The calculator rounds what it prints.
_TOLERANCE: Final = Decimal("0.02")
_PRIVATE: Final = re.compile(r"(?:a )?private infrastructure", re.IGNORECASE)


def looks_like_calculator(text: str) -> bool:
    """Whether it has the calculator's sentences."""
    line = " ".join(text.split())
    return "carbon efficiency of" in line and "hours of computation" in line


def parse_calculator(window: Window) -> EnergyUse:
    """Read the statement; raise ``InvalidInput`` where its numbers do not agree."""
    text = " ".join(small_text(window).split())
    place, work, total = (
        _only(pattern, text, window.name) for pattern in (_PLACE, _WORK, _TOTAL)
    )
    hours = decimal(work["hours"], window.name)
    watts = decimal(work["watts"], window.name)
    intensity = decimal(place["intensity"], window.name)
    stated = Emissions.of(decimal(total["total"], window.name), "kgCO2eq")
    energy = Energy.of(hours * watts, "Wh")
    follows = energy.kwh * intensity
    if abs(follows - stated.kilograms) > max(follows * _TOLERANCE, _TOLERANCE):
        raise InvalidInput(
            f"says {stated}, but its hours, power and intensity come to "
            f"{follows:f} kgCO2eq",
            where=window.name,
        )
    provider = _said(place["provider"], window.name)
    return EnergyUse(
        energy=energy,
        emissions=stated,
        known=Knowledge.ESTIMATED,
        method=f"{hours} hours at {watts} W, and {intensity} kgCO2eq/kWh",
        source="ML CO2 Impact calculator",
        hours=hours,
        hardware=(_said(work["hardware"], window.name),),
        region=_said(place["region"], window.name) if place["region"] else None,
        provider=None if _PRIVATE.fullmatch(provider) else provider,
    )


def _only(pattern: re.Pattern[str], text: str, where: str) -> re.Match[str]:
    found = [*pattern.finditer(text)]
    if len(found) != 1:
        raise InvalidInput(
            f"is no single statement of the ML CO2 Impact calculator: {len(found)} "
            f"times {pattern.pattern[:24]!r}",
            where=where,
        )
    return found[0]


def _said(text: str, where: str) -> str:
    return checked_text(text.strip(), where, limit=MAX_TEXT)
