"""Judge every file of a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Protocol

from modelpack.errors import InvalidInput
from modelpack.formats.window import Window
from modelpack.scanning.evidence import OtherScanner, Subject, weigh
from modelpack.scanning.file import Judged, judge
from modelpack.scanning.model import conclude
from modelpack.scanning.rules import Allowance
from modelpack.scanning.verdict import ScanReport
from modelpack.transfer.crew import Crew


class Opened(Protocol):
    """A file that does not change while it is open."""

    def window(self) -> Window: ...

    def check_unchanged(self) -> None:
        """Raise ``InvalidInput`` if it is not what it was when listed."""
        ...


def scan(
    files: Iterable[AbstractContextManager[Opened]],
    crew: Crew,
    *,
    allow: AbstractSet[Allowance] = frozenset(),
) -> ScanReport:
    """Judge each file, and then what they say of each other."""
    judged: list[Judged] = []

    def look(file: AbstractContextManager[Opened]) -> None:
        with file as opened:
            judged.append(judge(opened.window(), allow=allow))
            opened.check_unchanged()

    crew.run(partial(look, file) for file in files)
    if not judged:
        raise InvalidInput("no file to scan")
    return conclude(judged)


def ask(
    report: ScanReport, places: Mapping[str, Path], others: Sequence[OtherScanner]
) -> ScanReport:
    """Add what other scanners say of the same files, where they lie on this disk.

    Whoever calls this answers for that the files are still what was judged.
    """
    subjects = [
        Subject(path=file.path, place=places[file.path], kind=file.kind)
        for file in report.files
    ]
    return weigh(report, [other.look(subjects) for other in others])
