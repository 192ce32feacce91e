"""ClamAV's clamscan, with the signatures that it has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from modelpack.errors import LocalError
from modelpack.programs.process import Finished, find
from modelpack.programs.setting import Setting
from modelpack.scanning.evidence import Subject
from modelpack.scanning.verdict import Evidence, Remark

__all__ = ["Clamav"]

_NAME: Final = "clamav"
_FOUND: Final = " FOUND"
_OPTIONS: Final = ("--no-summary", "--infected", "--stdout")


class Clamav:
    """Asked for every file; larger ones than its own limits it passes over."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._program = find(
            setting.program or "clamscan",
            setting.environment,
            hint="apt install clamav, or --with clamav=PROGRAM",
        )
        with setting.folder() as folder:
            told = setting.run(self._program, "--version", folder=folder)
        # "ClamAV 1.4.3/27500/Mon Nov  2 10:00:00 2026": with that of its signatures
        self._version = told.output.decode("utf-8", "replace").strip()
        if told.code or not self._version.startswith("ClamAV "):
            raise LocalError(f"says no version: {told.told()}", where=_NAME)
        self._version = self._version.removeprefix("ClamAV ").splitlines()[0]

    def look(self, subjects: Sequence[Subject]) -> Evidence:
        if any("\n" in str(each.place) for each in subjects):
            raise LocalError("takes no name with a line break", where=_NAME)
        with self._setting.folder() as folder:
            listed = folder / "list"
            places = "".join(f"{each.place}\n" for each in subjects)
            listed.write_text(places, encoding="utf-8")
            finished = self._setting.run(
                *(self._program, *_OPTIONS, f"--file-list={listed}"), folder=folder
            )
        return Evidence(
            scanner=_NAME,
            version=self._version,
            examined=len(subjects),
            parameters=_OPTIONS,
            files=tuple(_remarks(finished, subjects)),
        )


def _remarks(finished: Finished, subjects: Sequence[Subject]) -> Sequence[Remark]:
    """Read its lines; 0 and 1 are its answers (clamscan(1), "RETURN CODES")."""
    paths = {str(each.place): each.path for each in subjects}
    remarks: list[Remark] = []
    for line in finished.output.decode("utf-8", "replace").splitlines():
        if line.endswith(_FOUND):
            place, _, signature = line.removesuffix(_FOUND).rpartition(": ")
            remarks.append(Remark(about=paths.get(place, ""), message=signature))
    # Some found and some failed is 2 as well: then what was found is not all.
    if finished.code not in {0, 1} or bool(remarks) != (finished.code == 1):
        raise LocalError(f"failed: {finished.told()}", where=_NAME)
    return remarks
