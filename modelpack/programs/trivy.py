"""Trivy: secrets in readable files, and known faults of what a BOM names."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from modelpack.errors import LocalError
from modelpack.formats.kind import Kind
from modelpack.oci.fields import Fields
from modelpack.programs.process import find
from modelpack.programs.setting import Setting, answered
from modelpack.scanning.evidence import Subject
from modelpack.scanning.verdict import Evidence, Remark

__all__ = ["Trivy"]

T = TypeVar("T")

_NAME: Final = "trivy"
_READABLE: Final = frozenset(
    {Kind.JSON, Kind.MARKDOWN, Kind.TEXT, Kind.PYTHON, Kind.SCRIPT}
)
_LARGEST: Final = 10 << 20  # its own limit warns beyond that
# It looks nothing up: its database is the one that is there, and it must be.
_OFFLINE: Final = ("--offline-scan", "--skip-version-check", "--no-progress")
_JSON: Final = ("--format", "json")


class Trivy:
    """``bom`` is a CycloneDX document; without one, it is asked for secrets alone."""

    def __init__(self, setting: Setting, bom: Path | None) -> None:
        self._setting = setting
        self._bom = bom
        self._program = find(
            setting.program or _NAME,
            setting.environment,
            hint="see https://trivy.dev, or --with trivy=PROGRAM",
        )
        self._version = self._ask(_version, "version", "--format", "json")

    def look(self, subjects: Sequence[Subject]) -> Evidence:
        readable = [
            each
            for each in subjects
            if each.kind in _READABLE and each.place.stat().st_size <= _LARGEST
        ]
        packages, examined = self._packages()
        return Evidence(
            scanner=_NAME,
            version=self._version,
            examined=len(readable) + examined,
            parameters=("secret", *(("vuln",) if self._bom else ())),
            files=tuple(self._secrets(readable)),
            packages=packages,
        )

    def _secrets(self, subjects: Sequence[Subject]) -> Sequence[Remark]:
        """Look at copies under their own names: it follows no links."""
        if not subjects:
            return ()
        with self._setting.folder() as folder:
            for each in subjects:
                copy = folder / each.path
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(each.place, copy)
            options = ("--scanners", "secret", "--skip-db-update", *_OFFLINE)
            return self._ask(_secrets, "filesystem", *options, *_JSON, str(folder))

    def _packages(self) -> tuple[tuple[Remark, ...], int]:
        if self._bom is None:
            return (), 0
        options = ("--scanners", "vuln", "--skip-db-update", "--list-all-pkgs")
        return self._ask(_faults, "sbom", *options, *_OFFLINE, *_JSON, str(self._bom))

    def _ask(self, read: Callable[[Fields], T], *words: str) -> T:
        with self._setting.folder() as folder:
            finished = self._setting.run(self._program, *words, folder=folder)
        if finished.code:
            raise LocalError(f"failed: {finished.told()}", where=_NAME)
        return answered(finished, _NAME, read)


def _version(told: Fields) -> str:
    return told.text("Version")


def _secrets(found: Fields) -> Sequence[Remark]:
    # `Match` is the secret itself, and told to nobody.
    return [
        Remark(
            about=result.text("Target"),
            message=f"{secret.text('RuleID')}: {secret.text('Title')}",
            line=secret.count("StartLine"),
        )
        for result in _results(found)
        for secret in _listed(result, "Secrets")
    ]


def _faults(found: Fields) -> tuple[tuple[Remark, ...], int]:
    remarks: list[Remark] = []
    examined = 0
    for result in _results(found):
        examined += len(_listed(result, "Packages"))
        remarks += [_fault(each) for each in _listed(result, "Vulnerabilities")]
    return tuple(remarks), examined


def _results(found: Fields) -> Sequence[Fields]:
    """Return the parts of a report: none is said by no field, in a report."""
    found.count("SchemaVersion")
    return _listed(found, "Results")


def _listed(fields: Fields, key: str) -> Sequence[Fields]:
    values = fields.array(key) if key in fields else ()
    return [Fields(value, key) for value in values]


def _fault(found: Fields) -> Remark:
    version = found.text("InstalledVersion", default="")
    name = f"{found.text('PkgName')}@{version}"
    if "PkgIdentifier" in found:
        identifier = Fields(found.get("PkgIdentifier"), "PkgIdentifier")
        name = identifier.text("PURL", default=name)
    severity = found.text("Severity", default="UNKNOWN").lower()
    return Remark(about=name, message=f"{found.text('VulnerabilityID')} ({severity})")
