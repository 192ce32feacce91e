"""What a model cost, as a caller gives it: a tool's file, or words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from modelpack.api.files import content_of
from modelpack.documents.described import Origin
from modelpack.errors import InvalidInput
from modelpack.formats.declaration.reading import read_record
from modelpack.formats.energy.reading import parse_energy
from modelpack.formats.energy.use import EnergyUse
from modelpack.formats.names import shown
from modelpack.formats.window import Window

_FLAG: Final = "--energy"


def read_energy(
    given: Sequence[str | Path],
) -> tuple[tuple[EnergyUse, ...], Origin | None]:
    """Return what was used, and where that comes from; None where nothing is given.

    Each is a file of codecarbon, BoAmps or the ML CO2 calculator, or fields of a
    ``modelpack.yaml``: ``energy=1.5 kWh,emissions=400 g,hours=3``.
    """
    uses = []
    files = []
    for text in given:
        if isinstance(text, Path) or Path(text).is_file():
            name = Path(text).name
            uses.append(parse_energy(Window.of(content_of(text), name)))
            files.append(name)
        else:
            uses.append(_declared(text))
    if not uses:
        return (), None
    declared = len(files) < len(uses)
    named = [*files, *([_FLAG] if declared else [])]
    how = "declared" if declared else "derived"
    return tuple(uses), Origin(how=how, file=", ".join(named))


def _declared(text: str) -> EnergyUse:
    fields: dict[str, str] = {}
    for pair in text.split(","):
        name, equals, value = pair.partition("=")
        if not equals or name.strip() in fields:
            raise InvalidInput(
                f"{shown(text)} is no file, nor NAME=VALUE,… with each name once",
                where=_FLAG,
                hint="such as: energy=1.5 kWh,emissions=400 gCO2eq,known=estimated",
            )
        fields[name.strip()] = value.strip()
    lists = {
        name: [value] if name == "hardware" else value for name, value in fields.items()
    }
    return read_record(EnergyUse, lists, f"{_FLAG}: ")
