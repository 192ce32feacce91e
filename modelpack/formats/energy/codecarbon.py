"""The `emissions.csv` of codecarbon, of any version: read by the names of its columns.

Rows of one run are totals since it began, each later one greater: the last counts. Runs
that went on after a stop have ids of their own, and add up.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.energy.quantities import Emissions, Energy
from modelpack.formats.energy.use import Activity, EnergyUse, Knowledge
from modelpack.formats.names import checked_text
from modelpack.formats.scalars import decimal
from modelpack.formats.small_text import small_text
from modelpack.formats.window import Window

__all__ = ["looks_like_codecarbon", "parse_codecarbon"]

MAX_SIZE: Final = 8 << 20
MAX_COLUMNS: Final = 100
MAX_TEXT: Final = 256
_NEEDED: Final = ("duration", "emissions", "energy_consumed")
# Columns that codecarbon never leaves empty, and that stand before those it may.
_ALWAYS_THERE: Final = frozenset(
    {"timestamp", "project_name", "run_id", "experiment_id", "task_name"}
    | {"duration", "emissions", "emissions_rate", "energy_consumed", "water_consumed"}
    | {
        f"{part}_{unit}"
        for part in ("cpu", "gpu", "ram")
        for unit in ("power", "energy")
    }
)
_EMPTY: Final = frozenset({"", "nan", "none"})
_MICROHOUR: Final = Decimal("0.000001")
_TOLERANCE: Final = Decimal("0.001")


def looks_like_codecarbon(text: str) -> bool:
    """Whether the first line names the columns that every version has."""
    return set(_NEEDED) <= set(text[:4096].splitlines()[0].split(",") if text else ())


def parse_codecarbon(window: Window) -> EnergyUse:
    """Return the sum over all runs; raise ``InvalidInput`` where it cannot be told."""
    text = small_text(window, limit=MAX_SIZE)
    last: dict[tuple[str, ...], _Row] = {}
    for number, row in enumerate(_rows(text, window.name)):
        run = row.run or (str(number),)
        before = last.get(run)
        if before is not None and (
            row.seconds < before.seconds or row.energy < before.energy
        ):
            raise InvalidInput(
                "is less than an earlier row of the same run, of which each is a total",
                where=row.where,
            )
        last[run] = row
    if not last:
        raise InvalidInput("has no run", where=window.name)
    return _sum([*last.values()])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One line: what one run, or one task of it, took until then."""

    where: str
    run: tuple[str, ...]
    seconds: Decimal
    energy: Energy
    emissions: Emissions | None
    texts: Mapping[str, str]

    def text(self, name: str) -> str:
        return self.texts.get(name, "")


def _rows(text: str, where: str) -> Iterator[_Row]:
    reader = csv.reader(text.splitlines(), strict=True)
    try:
        header = next(reader, [])
        if len(set(header)) != len(header) or not set(_NEEDED) <= set(header):
            raise InvalidInput(
                f"is no emissions file: codecarbon's has {', '.join(_NEEDED)}, once",
                where=where,
            )
        if len(header) > MAX_COLUMNS:
            raise InvalidInput(f"more than {MAX_COLUMNS} columns", where=where)
        for values in reader:
            if values:
                yield _row(header, values, f"{where}, line {reader.line_num}")
    except csv.Error as error:
        raise InvalidInput(f"is no CSV: {error}", where=where) from error


def _row(header: Sequence[str], values: Sequence[str], where: str) -> _Row:
    texts: Mapping[str, str] = dict(zip(header, values, strict=False))
    if len(values) != len(header):
        texts = _aligned(header, values, where)
    emissions = texts["emissions"]
    return _Row(
        where=where,
        run=_run(texts),
        seconds=decimal(texts["duration"], f"{where}: duration"),
        energy=_kwh(texts, "energy_consumed", where),
        emissions=None
        if emissions.lower() in _EMPTY
        else Emissions.of(decimal(emissions, f"{where}: emissions"), "kgCO2eq"),
        texts={
            name: checked_text(value, f"{where}: {name}", limit=MAX_TEXT)
            for name, value in texts.items()
            if value.lower() not in _EMPTY and name not in _ALWAYS_THERE
        },
    )


def _aligned(
    header: Sequence[str], values: Sequence[str], where: str
) -> Mapping[str, str]:
    """Return what can be told of a row from which codecarbon left out empty columns.

    It does so when it adds to a file, and what follows the first one it left out
    stands under another's name. The sum of the parts proves that the amounts do not.
    """
    certain = 0
    while certain < len(header) and header[certain] in _ALWAYS_THERE:
        certain += 1
    texts = dict(zip(header[:certain], values, strict=False))
    parts = [f"{part}_energy" for part in ("cpu", "gpu", "ram")]
    if len(values) > len(header) or not {*_NEEDED, *parts} <= texts.keys():
        raise InvalidInput(
            f"has {len(values)} values for {len(header)} columns", where=where
        )
    total = _kwh(texts, "energy_consumed", where)
    added = sum((_kwh(texts, part, where).joules for part in parts), Decimal(0))
    if abs(added - total.joules) > total.joules * _TOLERANCE:
        raise InvalidInput(
            f"has {len(values)} values for {len(header)} columns, and its parts do not "
            "add up",
            where=where,
        )
    return texts


def _run(texts: Mapping[str, str]) -> tuple[str, ...]:
    """Return what tells one run from another; a task of one is measured by itself."""
    # Version 1 had no run_id, but a new experiment_id for each run.
    run = texts.get("run_id", texts.get("experiment_id", ""))
    return (run, texts.get("task_name", "")) if run else ()


def _kwh(texts: Mapping[str, str], name: str, where: str) -> Energy:
    return Energy.of(decimal(texts[name], f"{where}: {name}"), "kWh")


def _sum(rows: Sequence[_Row]) -> EnergyUse:
    energy = Energy(sum((row.energy.joules for row in rows), Decimal(0)))
    emitted = [row.emissions.grams for row in rows if row.emissions is not None]
    seconds = sum((row.seconds for row in rows), Decimal(0))
    versions = " and ".join(_each(rows, "codecarbon_version"))
    modes = _each(rows, "tracking_mode")
    loads = _each(rows, "pue")
    return EnergyUse(
        activity=Activity.TRAINING,
        energy=energy,
        # Where one run does not say, the sum is not known either.
        emissions=Emissions(sum(emitted, Decimal(0)))
        if len(emitted) == len(rows)
        else None,
        known=Knowledge.MEASURED,
        method=f"tracking mode {', '.join(modes)}" if modes else None,
        source=f"codecarbon {versions}".strip(),
        hours=(seconds / 3600).quantize(_MICROHOUR),
        hardware=(*_each(rows, "gpu_model"), *_each(rows, "cpu_model")),
        region=", ".join(_places(rows)) or None,
        provider=", ".join(_each(rows, "cloud_provider")) or None,
        pue=decimal(loads[0], "pue") if len(loads) == 1 else None,
        runs=len({row.run[0] if row.run else row.where for row in rows}),
    )


def _each(rows: Sequence[_Row], name: str) -> tuple[str, ...]:
    """Return what the runs say in a column, each once."""
    return tuple(dict.fromkeys(text for row in rows if (text := row.text(name))))


def _places(rows: Sequence[_Row]) -> tuple[str, ...]:
    """Return where the runs were: the country's code, or its name, and the region."""
    found = []
    for row in rows:
        country = row.text("country_iso_code") or row.text("country_name")
        region = row.text("cloud_region") or row.text("region")
        found.append(" ".join(filter(None, (country, region))))
    return tuple(dict.fromkeys(filter(None, found)))
