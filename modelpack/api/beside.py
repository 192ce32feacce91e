"""What is known of a model beside its files: cost, training environment, author."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from modelpack.api.files import content_of
from modelpack.formats.environment.bill import parse_bill
from modelpack.formats.environment.lock_files import (
    parse_requirements,
    parse_toml_lock,
)
from modelpack.formats.environment.packages import Environment
from modelpack.formats.window import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What a caller knows.

    ``environment`` is a virtual environment, a lock file or a CycloneDX document,
    ``author`` who makes the documents, ``energy`` as `read_energy` takes it.
    """

    energy: Sequence[str | Path] = ()
    environment: str | Path | None = None
    author: str = ""


NOTHING: Final = Beside()
"""Only the files speak."""


def read_environment(place: str | Path | None) -> Environment | None:
    """Return the packages of an environment; None where none is given."""
    if place is None:
        return None
    path = Path(place)
    if path.is_dir():
        from modelpack.disk.environment import read_environment as read

        return read(path)
    content = content_of(path)
    window = Window.of(content, path.name)
    if content.lstrip().startswith(b"{"):
        return parse_bill(window)
    if path.suffix in {".toml", ".lock"}:
        return parse_toml_lock(window)
    return parse_requirements(window)
