"""Fetch a model, if the policy admits it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from modelpack.errors import UnusableArtifact
from modelpack.model.files import PackedFile
from modelpack.model.read import read_model
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Index, Manifest, parse_any
from modelpack.oci.patience import Patience
from modelpack.oci.store import Source
from modelpack.policy.admission import Admitted, Policy
from modelpack.transfer.arrival import Arrival, Slot
from modelpack.transfer.crew import Crew
from modelpack.transfer.download import Download
from modelpack.transfer.progress import Done, Listener, Planned


class Staged(Protocol):
    """A place of delivery, open: nothing shows before ``finish``."""

    def slots(self, file: PackedFile) -> Sequence[Slot]:
        """Return a slot for each piece of a file, in order."""
        ...

    def check(self, file: PackedFile) -> None:
        """Raise ``ContentError`` unless the joined file has the digest it must."""
        ...

    def finish(self) -> None:
        """Show all files at once, each under its name."""
        ...


class Destination(Protocol):
    """Where a model is delivered."""

    def needed(self, files: Sequence[PackedFile]) -> Sequence[PackedFile]:
        """Return what is not there yet; raise if it may not be put there."""
        ...

    def stage(self, files: Sequence[PackedFile]) -> AbstractContextManager[Staged]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """What a pull did. Sizes are in bytes."""

    digest: Digest
    policy: str
    files: tuple[PackedFile, ...]
    moved: int
    kept: int


def resolve(source: Source, selector: str | Digest) -> Manifest:
    """Fetch the one manifest that a reference means. Done once for each command."""
    document = source.get_manifest(selector)
    parsed = parse_any(document)
    if isinstance(parsed, Index):
        raise UnusableArtifact(
            f"{document.descriptor.digest} is an index of {len(parsed.manifests)} "
            "manifests, not a model",
            hint="name one of its manifests by digest",
        )
    return parsed


def pull(
    source: Source,
    selector: str | Digest,
    policy: Policy,
    deliver: Callable[[Admitted], Pulled],
) -> Pulled:
    """Resolve once, ask the policy, and only then hand out bytes.

    A tag that moves meanwhile changes nothing: all that follows the first
    request names the digest.
    """
    return deliver(policy.admit(resolve(source, selector)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Delivers an admitted model from a source to a destination."""

    source: Source
    destination: Destination
    choose: Callable[[str], bool]
    crew: Crew
    patience: Patience
    notify: Listener

    def __call__(self, admitted: Admitted) -> Pulled:
        """Fetch, check and show every file that was chosen."""
        chosen = tuple(f for f in read_model(admitted.manifest) if self.choose(f.path))
        if not chosen:
            raise UnusableArtifact("no file of the model was chosen")
        needed = tuple(self.destination.needed(chosen))
        self._announce(chosen, needed)
        if needed:
            self._fetch(needed)
        moved = sum(file.size for file in needed)
        return Pulled(
            digest=admitted.digest,
            policy=admitted.policy,
            files=chosen,
            moved=moved,
            kept=sum(file.size for file in chosen) - moved,
        )

    def _announce(
        self, chosen: Sequence[PackedFile], needed: Sequence[PackedFile]
    ) -> None:
        size = sum(file.size for file in needed)
        self.notify(Planned(verb="pull", files=len(needed), size=size))
        wanted = {file.path for file in needed}
        for file in chosen:
            if file.path not in wanted:
                self.notify(
                    Done(name=file.path, size=file.size, digest=file.digest, how="kept")
                )

    def _fetch(self, needed: Sequence[PackedFile]) -> None:
        # Two files of the same bytes travel once.
        unique = {file.digest: file for file in needed}
        with self.destination.stage(needed) as staged:
            arrivals = [
                Arrival(self._name(file, index), piece.descriptor, slot)
                for file in unique.values()
                for index, (piece, slot) in enumerate(
                    zip(file.pieces, staged.slots(file), strict=True), 1
                )
            ]
            Download(self.source, self.crew, self.patience, self.notify).fetch(arrivals)
            for file in unique.values():
                if len(file.pieces) > 1:
                    staged.check(file)
            staged.finish()

    @staticmethod
    def _name(file: PackedFile, index: int) -> str:
        if len(file.pieces) == 1:
            return file.path
        return f"{file.path} ({index} of {len(file.pieces)})"
