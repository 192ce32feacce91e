"""modelaudit: a scanner of many formats, as a program of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from modelpack.errors import LocalError
from modelpack.oci.fields import Fields
from modelpack.programs.process import find
from modelpack.programs.setting import Setting, answered
from modelpack.scanning.evidence import Subject
from modelpack.scanning.verdict import Evidence, Remark

__all__ = ["Modelaudit"]

_NAME: Final = "modelaudit"
_AT_ONCE: Final = 500  # arguments of one process
_OBJECTIONS: Final = frozenset({"warning", "critical"})
_OPTIONS: Final = ("--format", "json", "--no-cache", "--no-whitelist")
# It tells its makers that it scans, unless it is told not to.
_SILENT: Final = {"PROMPTFOO_DISABLE_TELEMETRY": "1", "NO_ANALYTICS": "1"}


class Modelaudit:
    """Asked for every file, with its allow-list of the hub's well-known models off."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._program = find(
            setting.program or _NAME,
            setting.environment,
            hint="pipx install modelaudit, or --with modelaudit=PROGRAM",
        )
        with setting.folder() as folder:
            told = setting.run(
                *(self._program, "--version"),
                folder=folder,
                more={**_SILENT, "HOME": str(folder)},
            )
        # "modelaudit, version 0.2.54"
        self._version = told.output.decode("utf-8", "replace").rpartition(" ")[2]
        if told.code or not self._version.strip():
            raise LocalError(f"says no version: {told.told()}", where=_NAME)
        self._version = self._version.strip()

    def look(self, subjects: Sequence[Subject]) -> Evidence:
        remarks: list[Remark] = []
        failures: list[Remark] = []
        for start in range(0, len(subjects), _AT_ONCE):
            found, failed = self._ask(subjects[start : start + _AT_ONCE])
            remarks += found
            failures += failed
        return Evidence(
            scanner=_NAME,
            version=self._version,
            examined=len(subjects),
            parameters=_OPTIONS,
            files=tuple(remarks),
            failures=tuple(failures),
        )

    def _ask(
        self, subjects: Sequence[Subject]
    ) -> tuple[Sequence[Remark], Sequence[Remark]]:
        with self._setting.folder() as folder:
            finished = self._setting.run(
                *(self._program, "scan", *_OPTIONS),
                *(each.place for each in subjects),
                folder=folder,
                more={**_SILENT, "HOME": str(folder)},
            )
        remarks = answered(finished, _NAME, lambda found: _remarks(found, subjects))
        if finished.code in {0, 1}:
            return remarks, ()
        return remarks, [Remark(about="", message=finished.told())]


def _remarks(found: Fields, subjects: Sequence[Subject]) -> Sequence[Remark]:
    remarks: list[Remark] = []
    for issue in found.array("issues"):
        fields = Fields(issue, "issues")
        severity = fields.text("severity")
        if severity not in _OBJECTIONS:
            continue
        place = fields.text("location") if fields.has("location") else ""
        message = f"{severity}: {fields.text('message')}"
        # It adds to a place where in the file, or which member of the archive.
        about = [each for each in subjects if place.startswith(str(each.place))]
        nearest = max(about, key=lambda each: len(str(each.place)), default=None)
        path = nearest.path if nearest else ""
        remarks.append(Remark(about=path, message=message))
    return remarks
