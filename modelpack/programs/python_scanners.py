"""Scanners of pickles that are Python packages, in a process of their own Python.

picklescan (MIT), fickling (LGPL) and modelaudit-picklescan (MIT) are asked through
``ask_scanner.py``, by what their packages offer; none is imported here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from modelpack.errors import LocalError
from modelpack.formats.kind import Kind
from modelpack.oci.fields import Fields
from modelpack.programs.process import Finished, find
from modelpack.programs.setting import Setting, answered
from modelpack.scanning.evidence import Subject
from modelpack.scanning.verdict import Evidence, Remark

__all__ = ["PythonScanner"]

_ASK: Final = Path(__file__).with_name("ask_scanner.py")
_PICKLED: Final = frozenset({Kind.PICKLE, Kind.TORCH_LEGACY, Kind.TORCH_ZIP})
# Read by its own knowledge of archives and arrays, too; and what nobody knows may be
# a pickle that only it sees.
_WIDER: Final = frozenset(
    {Kind.NPY, Kind.NPZ, Kind.ZIP, Kind.SEVEN_ZIP, Kind.UNKNOWN, Kind.KERAS}
)


class PythonScanner:
    """One package; ``program`` of its setting is a Python, else the one we run in."""

    def __init__(self, name: str, setting: Setting) -> None:
        self._name = name
        self._setting = setting
        self._kinds = _PICKLED | (_WIDER if name == "picklescan" else frozenset())
        self._python = find(
            setting.program or sys.executable,
            setting.environment,
            hint=f"--with {name}=PYTHON, where PYTHON has the package",
        )
        self._ask([])  # whether it is there

    def look(self, subjects: Sequence[Subject]) -> Evidence:
        chosen = [each for each in subjects if each.kind in self._kinds]
        finished = self._ask([str(each.place) for each in chosen])
        return answered(
            finished, self._name, lambda fields: self._evidence(fields, chosen)
        )

    def _ask(self, places: Sequence[str]) -> Finished:
        with self._setting.folder() as folder:
            listed = folder / "list.json"
            listed.write_text(json.dumps(places), encoding="utf-8")
            finished = self._setting.run(
                *(self._python, "-I", _ASK, self._name, listed),
                folder=folder,
                more={"HOME": str(folder)},
            )
        if finished.code:
            raise LocalError(
                f"cannot be asked: {finished.told()}",
                where=self._name,
                hint=f"pip install {self._name}, "
                f"or --with {self._name}=PYTHON for another Python that has it",
            )
        return finished

    def _evidence(self, answer: Fields, chosen: Sequence[Subject]) -> Evidence:
        answers = [Fields(each, "files") for each in answer.array("files")]
        if len(answers) != len(chosen):
            raise LocalError("has answered for other files", where=self._name)
        files: list[Remark] = []
        failures: list[Remark] = []
        for subject, each in zip(chosen, answers, strict=True):
            files += [
                Remark(about=subject.path, message=str(finding))
                for finding in each.array("findings")
            ]
            if error := each.text("error"):
                failures.append(Remark(about=subject.path, message=error))
        return Evidence(
            scanner=self._name,
            version=answer.text("version"),
            examined=len(chosen),
            files=tuple(files),
            failures=tuple(failures),
        )
