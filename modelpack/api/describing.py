"""``sbom``: what a model is made of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modelpack.api.command import Command
from modelpack.api.settings import Settings
from modelpack.api.targets import opened
from modelpack.disk.source.parcels import LocalParcel
from modelpack.transfer.progress import Listener, nobody
from modelpack.version import __version__
from modelpack.workflows.describe import read


def sbom(
    target: str | Path,
    *,
    spec_version: str = "1.6",
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> bytes:
    """Return a CycloneDX ML-BOM of a folder or file that exists, or of an artifact.

    The same files give the same bytes; a time is in it only where
    ``SOURCE_DATE_EPOCH`` says one.
    """
    from modelpack.documents.cyclonedx import ml_bom
    from modelpack.documents.described import Described

    command = Command(settings, notify)
    with (
        opened(target, command, include=include, exclude=exclude) as found,
        command.open_cache() as cache,
    ):
        parcels = [LocalParcel(file, cache) for file in found.files]
        model = read(parcels, command.crew)
        for fault in model.facts.faults:
            command.warn(f"says nothing here, for it cannot be read: {fault}")
        described = Described(
            name=found.name,
            facts=model.facts,
            files=model.files,
            digest=found.digest,
            repository=found.repository,
            created=command.settings.created,
        )
    return ml_bom(described, spec_version=spec_version, tool_version=__version__)
