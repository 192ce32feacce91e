"""The other scanners that a scan can ask, by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.programs.clamav import Clamav
from modelpack.programs.grype import Grype
from modelpack.programs.modelaudit import Modelaudit
from modelpack.programs.python_scanners import PythonScanner
from modelpack.programs.setting import Setting
from modelpack.programs.trivy import Trivy
from modelpack.scanning.evidence import OtherScanner

__all__ = ["NAMES", "scanner"]

_PYTHON: Final = ("picklescan", "fickling", "modelaudit-picklescan")
NAMES: Final = (*_PYTHON, "modelaudit", "clamav", "trivy", "grype")


def scanner(wanted: str, setting: Setting, *, bom: Path | None = None) -> OtherScanner:
    """Find ``NAME`` or ``NAME=PROGRAM``; absence is an error, now and not later."""
    name, _, program = wanted.partition("=")
    given = replace(setting, program=program)
    if name in _PYTHON:
        return PythonScanner(name, given)
    match name:
        case "modelaudit":
            return Modelaudit(given)
        case "clamav":
            return Clamav(given)
        case "trivy":
            return Trivy(given, bom)
        case "grype":
            return Grype(given, bom)
        case _:
            raise InvalidInput(
                f"{name[:40]!r} is no scanner that can be asked",
                where="--with",
                hint=f"one of {', '.join(NAMES)}",
            )
