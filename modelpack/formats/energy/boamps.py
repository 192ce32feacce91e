"""A BoAmps report (Boavizta, format version 0.1) of what one task consumed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.energy.quantities import Emissions, Energy
from modelpack.formats.energy.use import (
    Activity,
    EnergySource,
    EnergyUse,
    Knowledge,
)
from modelpack.formats.names import checked_text
from modelpack.formats.scalars import decimal
from modelpack.formats.small_text import small_text
from modelpack.formats.window import Window
from modelpack.oci.fields import Fields
from modelpack.oci.strict_json import parse_object

__all__ = ["parse_boamps"]

MAX_TEXT: Final = 256
MAX_PARTS: Final = 1000
# report_schema.json, "taskStage": free words, of which these are its examples.
_STAGES: Final[Mapping[str, Activity]] = {
    "datacreation": Activity.DATA_COLLECTION,
    "preprocessing": Activity.DATA_PREPARATION,
    "training": Activity.TRAINING,
    "retraining": Activity.TRAINING,
    "finetuning": Activity.FINE_TUNING,
    "inference": Activity.INFERENCE,
}
_SOURCES: Final[Mapping[str, EnergySource]] = {
    "solar": EnergySource.SOLAR,
    "wind": EnergySource.WIND,
    "nuclear": EnergySource.NUCLEAR,
    "hydroelectric": EnergySource.HYDROPOWER,
    "gas": EnergySource.NATURAL_GAS,
    "coal": EnergySource.COAL,
    "other": EnergySource.OTHER,
}
_MICROHOUR: Final = Decimal("0.000001")


def parse_boamps(window: Window) -> EnergyUse:
    """Read a report; raise ``InvalidInput`` where what it measured cannot be told."""
    raw = small_text(window).encode()
    parse_object(raw, window.name)  # one meaning only, before numbers become exact
    report = Fields(json.loads(raw, parse_float=Decimal), f"{window.name}: ")
    measures = report.array("measures")
    if len(measures) != 1:
        raise InvalidInput(
            f"has {len(measures)} measures, and does not say whether they add up",
            where=window.name,
            hint="give a report of each, with one measure",
        )
    measure = Fields(measures[0], f"{window.name}: measures[0]")
    task = _inner(report, "task")
    place = _inner(report, "environment")
    infrastructure = _inner(report, "infrastructure")
    energy = Energy.of(_number(measure, "powerConsumption"), "kWh")
    seconds = _optional(measure, "measurementDuration")
    intensity = _optional(place, "powerSourceCarbonIntensity")
    source = (_text(measure, "measurementMethod"), _text(measure, "version"))
    return EnergyUse(
        activity=_activity(_text(task, "taskStage")),
        energy=energy,
        emissions=None
        if intensity is None
        else Emissions.of(energy.kwh * intensity, "gCO2eq"),
        known=Knowledge.MEASURED,
        method=_method(measure, report, intensity),
        source=f"BoAmps: {' '.join(filter(None, source))}",
        hours=None if seconds is None else (seconds / 3600).quantize(_MICROHOUR),
        hardware=_hardware(infrastructure),
        region=_text(place, "location") or _text(place, "country"),
        provider=_text(infrastructure, "cloudProvider"),
        energy_source=_SOURCES.get(
            (_text(place, "powerSource") or "").lower(), EnergySource.UNKNOWN
        ),
    )


def _activity(stage: str | None) -> Activity:
    if not stage:
        raise InvalidInput("missing", where="task.taskStage")
    # Several stages measured as one are joined by a plus sign.
    return _STAGES.get(stage.lower().replace("-", "").replace(" ", ""), Activity.OTHER)


def _method(measure: Fields, report: Fields, intensity: Decimal | None) -> str | None:
    told = [
        f"{name} {text}"
        for name, text in (
            ("CPU", _text(measure, "cpuTrackingMode")),
            ("GPU", _text(measure, "gpuTrackingMode")),
            ("quality", _text(report, "quality")),
        )
        if text
    ]
    if intensity is not None:
        told.append(f"emissions from {intensity} gCO2eq/kWh")
    return "; ".join(told) or None


def _hardware(infrastructure: Fields) -> tuple[str, ...]:
    parts = infrastructure.array("components") if "components" in infrastructure else ()
    if len(parts) > MAX_PARTS:
        raise InvalidInput(
            f"more than {MAX_PARTS}", where=infrastructure.path("components")
        )
    names = [
        _text(
            Fields(part, infrastructure.path(f"components[{index}]")), "componentName"
        )
        for index, part in enumerate(parts)
    ]
    return tuple(dict.fromkeys(filter(None, names)))


def _inner(fields: Fields, key: str) -> Fields:
    return Fields(fields.get(key) if fields.has(key) else {}, fields.path(key))


def _text(fields: Fields, key: str) -> str | None:
    text = fields.text(key).strip() if fields.has(key) else ""
    return checked_text(text, fields.path(key), limit=MAX_TEXT) if text else None


def _optional(fields: Fields, key: str) -> Decimal | None:
    return _number(fields, key) if fields.has(key) else None


def _number(fields: Fields, key: str) -> Decimal:
    value = fields.get(key)
    if not isinstance(value, Decimal | int) or isinstance(value, bool):
        raise InvalidInput("expected a number", where=fields.path(key))
    return decimal(str(value), fields.path(key))
