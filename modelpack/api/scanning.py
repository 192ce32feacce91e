"""``scan``: whether the files of a model are safe to load."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelpack.api.command import Command
from modelpack.api.settings import Settings
from modelpack.api.targets import opened
from modelpack.disk.file import FileContent
from modelpack.errors import InvalidInput
from modelpack.oci.digest import Digest
from modelpack.scanning.rules import Allowance
from modelpack.scanning.verdict import ScanReport
from modelpack.transfer.progress import Listener, nobody
from modelpack.version import __version__
from modelpack.workflows.scan import ask
from modelpack.workflows.scan import scan as judge

if TYPE_CHECKING:
    from modelpack.scanning.evidence import OtherScanner


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


def scan(  # noqa: PLR0913 - one keyword for each choice of the caller
    target: str | Path,
    *,
    allow: Iterable[Allowance] = (),
    with_others: Sequence[str] = (),
    bom: Path | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> ScanResult:
    """Judge a folder or file that exists, or else an artifact by its reference.

    An artifact is fetched into a temporary folder, where its digests are checked
    first: what is judged is what the digest names. ``with_others`` names other
    scanners, as ``NAME`` or ``NAME=PROGRAM``: what they object to fails, too, and
    their absence is an error. ``bom`` is the CycloneDX document of the environment
    that the model was trained in, for those that look up packages.
    """
    command = Command(settings, notify)
    allowed = frozenset(map(Allowance, allow))
    started = command.settings.now()
    others = _others(command, with_others, bom)
    with opened(target, command, include=include, exclude=exclude) as found:
        report = judge(map(FileContent, found.files), command.crew, allow=allowed)
        if others:
            places = {file.path: file.source for file in found.files}
            report = ask(report, places, others)
            for file in found.files:
                with FileContent(file):  # raises where it is another by now
                    pass
    return ScanResult(
        target=found.reference,
        digest=found.digest,
        report=report,
        allow=tuple(sorted(allowed)),
        started=started,
        finished=command.settings.now(),
    )


def _others(
    command: Command, wanted: Sequence[str], bom: Path | None
) -> Sequence[OtherScanner]:
    """Find every scanner that is asked for, before anything is fetched or read."""
    if not wanted:
        if bom is not None:
            raise InvalidInput("is for a scanner that is asked", where="--bom")
        return ()
    if bom is not None and not bom.is_file():
        raise InvalidInput("there is no such file", where=str(bom))
    from modelpack.programs.scanners import scanner
    from modelpack.programs.setting import Setting

    setting = Setting(
        environment=command.settings.environment, check=command.stop.check
    )
    place = bom.resolve() if bom is not None else None
    return [scanner(each, setting, bom=place) for each in wanted]
