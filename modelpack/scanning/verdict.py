"""What a scan says: a verdict for each file, and one for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from modelpack.formats.kind import Kind
from modelpack.scanning.rules import Rule

__all__ = [
    "Evidence",
    "FileVerdict",
    "Finding",
    "Outcome",
    "Remark",
    "ScanReport",
    "worst",
]


class Outcome(StrEnum):
    """``pass``, or why not; ``error`` is no pass either."""

    PASS = "pass"  # noqa: S105 - a word, no password
    FAIL = "fail"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One broken rule. ``line`` counts from 1; 0 where there are none."""

    rule: Rule
    message: str
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileVerdict:
    """What is wrong with one file; nothing, if it passes.

    ``allowed`` says by whose word a file passes that would not by itself.
    """

    path: str
    size: int
    kind: Kind
    findings: tuple[Finding, ...] = ()
    allowed: str = ""

    @property
    def outcome(self) -> Outcome:
        if not self.findings:
            return Outcome.PASS
        if all(finding.rule is Rule.NOT_JUDGED for finding in self.findings):
            return Outcome.ERROR
        return Outcome.FAIL


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What another scanner says ``about`` a file (its path) or a package (its purl)."""

    about: str
    message: str
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What another scanner, at one version, says of ``examined`` files or packages.

    ``failures`` are files that it could not finish: those are judged by nobody else's
    word. ``parameters`` say with what it was run.
    """

    scanner: str
    version: str
    examined: int
    parameters: tuple[str, ...] = ()
    files: tuple[Remark, ...] = ()
    packages: tuple[Remark, ...] = ()
    failures: tuple[Remark, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """``pass`` says that it has found nothing, and no more."""
        if self.files or self.packages:
            return Outcome.FAIL
        return Outcome.ERROR if self.failures else Outcome.PASS


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanReport:
    """A verdict for every file, sorted by path, and what other scanners say."""

    files: tuple[FileVerdict, ...]
    evidence: tuple[Evidence, ...] = ()

    @property
    def outcome(self) -> Outcome:
        if not self.files:
            return Outcome.ERROR
        outcomes = [file.outcome for file in self.files]
        return worst([*outcomes, *(each.outcome for each in self.evidence)])


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return one outcome for many; nothing judged is no pass."""
    found = set(outcomes)
    if found == {Outcome.PASS}:
        return Outcome.PASS
    return Outcome.FAIL if Outcome.FAIL in found else Outcome.ERROR
