"""What a model cost, as a card tells it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from modelpack.formats.energy.use import Activity, EnergyUse, Knowledge, total

__all__ = ["cost_rows", "hub_emissions"]

_TRAINING: Final = {Activity.TRAINING, Activity.FINE_TUNING}
# The hub knows these two.
_TYPES: Final = {
    Activity.TRAINING: "pre-training",
    Activity.FINE_TUNING: "fine-tuning",
}


def hub_emissions(costs: tuple[EnergyUse, ...]) -> Mapping[str, object]:
    """Return the hub's ``co2_eq_emissions``, in grams; empty where nobody says it."""
    uses = [use for use in costs if use.activity in _TRAINING]
    spent = total(costs, _TRAINING)
    if spent.emissions is None:
        return {}
    kinds = {use.activity for use in uses}
    places = {use.region for use in uses}
    hardware = dict.fromkeys(name for use in uses for name in use.hardware)
    found: dict[str, object] = {"emissions": float(spent.emissions.grams)}
    if spent.sources:
        found["source"] = "; ".join(spent.sources)
    if len(kinds) == 1:
        found["training_type"] = _TYPES[kinds.pop()]
    place = places.pop() if len(places) == 1 else None
    if place:
        found["geographical_location"] = place
    if hardware:
        found["hardware_used"] = ", ".join(hardware)
    return found


def cost_rows(use: EnergyUse) -> Iterator[tuple[str, str]]:
    """Yield what is known of one activity, as names and values."""
    hours = f"{_plain(use.hours)} h" if use.hours is not None else ""
    runs = f"{use.runs} runs" if use.runs > 1 else ""
    pairs = (
        ("Energy", f"{_plain(use.energy.kwh)} kWh" if use.energy else ""),
        (
            "Emissions",
            f"{_plain(use.emissions.kilograms)} kg CO2eq" if use.emissions else "",
        ),
        ("Time", ", ".join(filter(None, (hours, runs)))),
        ("Hardware", ", ".join(use.hardware)),
        ("Place", use.region or ""),
        ("Power from", use.provider or ""),
        ("PUE", _plain(use.pue) if use.pue is not None else ""),
        ("Known", "" if use.known is Knowledge.UNKNOWN else str(use.known)),
        ("Method", use.method or ""),
        ("Source", use.source or ""),
    )
    yield from ((name, value) for name, value in pairs if value)


def _plain(value: Decimal) -> str:
    """Return a decimal to six digits that count, without an exponent."""
    rounded = f"{value:.6g}"
    return f"{Decimal(rounded):f}" if "e" in rounded.lower() else rounded
