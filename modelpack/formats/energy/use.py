"""What one activity cost, and how anybody knows."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from modelpack.formats.energy.quantities import Emissions, Energy
from modelpack.formats.scalars import Line, Prose

__all__ = ["Activity", "EnergySource", "EnergyUse", "Knowledge", "Total", "total"]


class Activity(StrEnum):
    """What the energy was for: CycloneDX 1.6, ``energyConsumption.activity``."""

    DESIGN = "design"
    DATA_COLLECTION = "data-collection"
    DATA_PREPARATION = "data-preparation"
    TRAINING = "training"
    FINE_TUNING = "fine-tuning"
    VALIDATION = "validation"
    DEPLOYMENT = "deployment"
    INFERENCE = "inference"
    OTHER = "other"


class EnergySource(StrEnum):
    """Where it came from: CycloneDX 1.6, ``energyProvider.energySource``."""

    COAL = "coal"
    OIL = "oil"
    NATURAL_GAS = "natural-gas"
    NUCLEAR = "nuclear"
    WIND = "wind"
    SOLAR = "solar"
    GEOTHERMAL = "geothermal"
    HYDROPOWER = "hydropower"
    BIOFUEL = "biofuel"
    UNKNOWN = "unknown"
    OTHER = "other"


class Knowledge(StrEnum):
    """How an amount is known: by a meter, by calculation, or it is not said."""

    MEASURED = "measured"
    ESTIMATED = "estimated"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyUse:
    """The cost of one activity, over all of its runs.

    ``method`` says in the words of whoever measured how that was done.
    """

    activity: Annotated[Activity, "What the energy was for."] = Activity.TRAINING
    energy: Annotated[Energy | None, "With its unit, such as 1.5 kWh."] = None
    emissions: Annotated[Emissions | None, "Such as 0.4 kgCO2eq."] = None
    known: Annotated[Knowledge, "How the amounts are known."] = Knowledge.UNKNOWN
    method: Annotated[Prose | None, "How it was measured or calculated."] = None
    source: Annotated[Line | None, "The program that says so, and its version."] = None
    hours: Annotated[Decimal | None, "How long it took, in hours."] = None
    hardware: Annotated[tuple[Line, ...], "On what it ran."] = ()
    region: Annotated[Line | None, "Country or region of the data centre."] = None
    provider: Annotated[Line | None, "Who supplied the energy, or the cloud."] = None
    energy_source: Annotated[EnergySource, "What the energy was made from."] = (
        EnergySource.UNKNOWN
    )
    pue: Annotated[
        Decimal | None, "Power usage effectiveness, already in the energy."
    ] = None
    runs: Annotated[int, "How many runs this adds up."] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A sum of what is known; None where an activity does not say."""

    energy: Energy | None = None
    emissions: Emissions | None = None
    sources: tuple[str, ...] = ()


def total(uses: Sequence[EnergyUse], activities: Container[Activity]) -> Total:
    """Add up what certain activities cost. A sum with a gap in it is no sum."""
    taken = [use for use in uses if use.activity in activities]
    energies = [use.energy.joules for use in taken if use.energy is not None]
    emissions = [use.emissions.grams for use in taken if use.emissions is not None]
    whole = len(taken)
    return Total(
        energy=Energy(sum(energies, Decimal(0)))
        if len(energies) == whole > 0
        else None,
        emissions=Emissions(sum(emissions, Decimal(0)))
        if len(emissions) == whole > 0
        else None,
        sources=tuple(dict.fromkeys(use.source for use in taken if use.source)),
    )
