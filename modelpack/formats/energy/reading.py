"""Read what an activity cost, from whichever tool's file it is."""

from __future__ import annotations

from modelpack.errors import InvalidInput
from modelpack.formats.energy.boamps import parse_boamps
from modelpack.formats.energy.calculator import looks_like_calculator, parse_calculator
from modelpack.formats.energy.codecarbon import (
    MAX_SIZE,
    looks_like_codecarbon,
    parse_codecarbon,
)
from modelpack.formats.energy.use import EnergyUse
from modelpack.formats.small_text import small_text
from modelpack.formats.window import Window

__all__ = ["parse_energy"]


def parse_energy(window: Window) -> EnergyUse:
    """Tell by its content whose file it is, and read it."""
    text = small_text(window, limit=MAX_SIZE)
    if looks_like_codecarbon(text):
        return parse_codecarbon(window)
    if text.lstrip().startswith("{"):
        return parse_boamps(window)
    if looks_like_calculator(text):
        return parse_calculator(window)
    raise InvalidInput(
        "is no file that says what something cost",
        where=window.name,
        hint="codecarbon's CSV, a BoAmps report, or the ML CO2 calculator's statement",
    )
