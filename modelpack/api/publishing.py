"""``push``: publish a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from modelpack.api.command import Command
from modelpack.api.settings import Settings
from modelpack.api.stores import habits_at, open_store
from modelpack.disk.sessions import SavedSessions
from modelpack.disk.source.parcels import LocalParcel
from modelpack.disk.source.tree import list_model
from modelpack.errors import InvalidInput
from modelpack.model.files import PackedFile
from modelpack.oci.digest import Digest
from modelpack.oci.reference import Reference
from modelpack.transfer.progress import Listener, nobody
from modelpack.transfer.send import Sender
from modelpack.transfer.upload import NoSessions, Sending, Sessions
from modelpack.workflows.push import Packing, sizes_known
from modelpack.workflows.push import push as publish

if TYPE_CHECKING:
    from modelpack.api.signing import SignWith


@dataclass(frozen=True, slots=True, kw_only=True)
class PushResult:
    """What was published. ``reference`` is pinned; sizes are in bytes."""

    reference: str
    digest: Digest
    size: int
    files: tuple[PackedFile, ...]

    def document(self) -> Mapping[str, object]:
        """Return the JSON form (docs/json.md)."""
        return {
            "reference": self.reference,
            "digest": str(self.digest),
            "size": self.size,
            "files": [
                {"path": file.path, "size": file.size, "digest": str(file.digest)}
                for file in self.files
            ],
        }


def push(  # noqa: PLR0913 - one keyword for each choice of the caller
    source: str | Path,
    reference: str,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    annotations: Mapping[str, str] | None = None,
    split: int = 0,
    mount_from: Sequence[str] = (),
    rehash: bool = False,
    signer: SignWith | None = None,
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> PushResult:
    """Publish a directory or a file; return where it is, pinned by digest.

    ``split`` stores files above that many bytes in parts. Raises
    ``InvalidInput`` for what cannot be packed, ``RegistryError`` and
    ``AuthenticationError`` for what the registry refuses; a second call goes on
    where a first one ended. With a ``signer`` it is signed before its tag moves:
    whoever sees the tag sees the signature.
    """
    target = Reference.parse(reference)
    if target.digest is not None:
        raise InvalidInput(
            f"{reference!r}: a push names a tag; the digest follows from the files"
        )
    command = Command(settings, notify)
    files = list_model(Path(source), include=include, exclude=exclude)
    habits = habits_at(target.place)
    packing = Packing(
        annotations=annotations or {},
        created=command.settings.created,
        split=split,
        largest_layer=habits.largest_layer,
        registry=habits.name,
    )
    tag = target.tag or "latest"
    with (
        open_store(target.place, command.settings, command.patience) as store,
        command.open_cache() as cache,
    ):
        sender = Sender(
            store=store,
            sending=_sending(command, target, Path(source), habits.largest_chunk),
            notify=notify,
            width_moved=command.crew.width.moved,
            chunked=habits.chunked,
            may_exist=sizes_known(store, tag).__contains__,
            mount_from=tuple(mount_from),
        )
        sealing = None
        if signer is not None:
            from modelpack.api.signing import seal

            sealing = partial(seal, store, target, signer=signer, command=command)
        parcels = [LocalParcel(file, cache, rehash) for file in files]
        published = publish(
            parcels, packing, sender, command.crew, tag=tag, seal=sealing
        )
    digest = published.manifest.descriptor.digest
    return PushResult(
        reference=str(target.at(digest)),
        digest=digest,
        size=sum(file.size for file in published.files),
        files=published.files,
    )


def _sending(
    command: Command, target: Reference, source: Path, largest_chunk: int
) -> Sending:
    settings = command.settings
    sessions: Sessions = NoSessions()
    if settings.state is not None:
        sessions = SavedSessions(
            settings.state / "uploads",
            place=str(target.place),
            source=str(source.resolve()),
        )
    return Sending(
        patience=command.patience,
        check=command.stop.check,
        sessions=sessions,
        chunk=min(settings.chunk_size, largest_chunk or settings.chunk_size),
    )
