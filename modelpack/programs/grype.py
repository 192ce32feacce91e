"""Grype: known faults of what a BOM names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from modelpack.errors import InvalidInput, LocalError
from modelpack.oci.fields import Fields
from modelpack.programs.process import find
from modelpack.programs.setting import Setting, answered
from modelpack.scanning.evidence import Subject
from modelpack.scanning.verdict import Evidence, Remark

__all__ = ["Grype"]

T = TypeVar("T")

_NAME: Final = "grype"
# It looks nothing up: its database is the one that is there, and it must be.
_OFFLINE: Final = {
    "GRYPE_DB_AUTO_UPDATE": "false",
    "GRYPE_CHECK_FOR_APP_UPDATE": "false",
}


class Grype:
    """Asked about the packages of a BOM, and about no file."""

    def __init__(self, setting: Setting, bom: Path | None) -> None:
        if bom is None:
            raise InvalidInput(
                "reads a bill of materials", where=_NAME, hint="give one with --bom"
            )
        self._setting = setting
        self._bom = bom
        self._program = find(
            setting.program or _NAME,
            setting.environment,
            hint="see https://github.com/anchore/grype, or --with grype=PROGRAM",
        )
        self._version = self._ask(_version, "version", "-o", "json")

    def look(self, subjects: Sequence[Subject]) -> Evidence:
        del subjects
        remarks = self._ask(_remarks, f"sbom:{self._bom}", "-o", "json")
        return Evidence(
            scanner=_NAME,
            version=self._version,
            examined=1,
            parameters=("vuln",),
            packages=tuple(remarks),
        )

    def _ask(self, read: Callable[[Fields], T], *words: str) -> T:
        with self._setting.folder() as folder:
            finished = self._setting.run(
                self._program, *words, folder=folder, more=_OFFLINE
            )
        if finished.code:
            raise LocalError(f"failed: {finished.told()}", where=_NAME)
        return answered(finished, _NAME, read)


def _version(told: Fields) -> str:
    return told.text("version")


def _remarks(found: Fields) -> Sequence[Remark]:
    """Read grype's own JSON: ``matches``, each of a package and what it has."""
    remarks: list[Remark] = []
    matches = [Fields(each, "matches") for each in found.array("matches")]
    for match in matches:
        fault = Fields(match.get("vulnerability"), "vulnerability")
        package = Fields(match.get("artifact"), "artifact")
        name = package.text("purl", default="") or package.text("name")
        severity = fault.text("severity", default="unknown").lower()
        remarks.append(Remark(about=name, message=f"{fault.text('id')} ({severity})"))
    return remarks
