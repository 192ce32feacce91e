"""``scan``: whether the files of a model are safe to load."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelpack.api.command import Command
from modelpack.api.settings import Settings
from modelpack.api.targets import opened
from modelpack.disk.file import FileContent
from modelpack.oci.digest import Digest
from modelpack.scanning.rules import Allowance
from modelpack.scanning.verdict import ScanReport
from modelpack.transfer.progress import Listener, nobody
from modelpack.version import __version__
from modelpack.workflows.scan import scan as judge


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanResult:
    """What a scan found. ``digest`` is that of the artifact; None for a folder."""

    target: str
    digest: Digest | None
    report: ScanReport
    allow: tuple[Allowance, ...]
    started: str
    finished: str

    def document(self) -> Mapping[str, object]:
        """Return the JSON form (docs/scan.md)."""
        from modelpack.scanning.report import scan_document

        return scan_document(self.report, allow=self.allow, version=__version__)

    def predicate(self) -> Mapping[str, object]:
        """Return what ``attest --type vuln`` signs."""
        from modelpack.scanning.report import vuln_predicate

        return vuln_predicate(
            self.document(),
            version=__version__,
            started=self.started,
            finished=self.finished,
        )

    def sarif(self) -> Mapping[str, object]:
        """Return the form of code-scanning pages."""
        from modelpack.scanning.sarif import sarif

        return sarif(self.report, version=__version__)


def scan(
    target: str | Path,
    *,
    allow: Iterable[Allowance] = (),
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> ScanResult:
    """Judge a folder or file that exists, or else an artifact by its reference.

    An artifact is fetched into a temporary folder, where its digests are checked
    first: what is judged is what the digest names.
    """
    command = Command(settings, notify)
    allowed = frozenset(map(Allowance, allow))
    started = command.settings.now()
    with opened(target, command, include=include, exclude=exclude) as found:
        report = judge(map(FileContent, found.files), command.crew, allow=allowed)
    return ScanResult(
        target=found.reference,
        digest=found.digest,
        report=report,
        allow=tuple(sorted(allowed)),
        started=started,
        finished=command.settings.now(),
    )
