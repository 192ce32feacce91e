"""``push``: publish a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from modelpack.api.command import Command
from modelpack.api.settings import Settings
from modelpack.api.stores import habits_at, open_store
from modelpack.disk.file import LocalFile
from modelpack.disk.sessions import SavedSessions
from modelpack.disk.source.parcels import LocalParcel
from modelpack.disk.source.tree import list_model
from modelpack.errors import InvalidInput
from modelpack.model.car import SUFFIX
from modelpack.model.files import PackedFile
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Document, Manifest
from modelpack.oci.reference import Reference, parse_tag
from modelpack.oci.store import Store
from modelpack.transfer.progress import Listener, nobody
from modelpack.transfer.send import Sender
from modelpack.transfer.upload import NoSessions, Sending, Sessions
from modelpack.workflows.car import require_fitting, send_car
from modelpack.workflows.push import Packing, Published, sizes_known
from modelpack.workflows.push import push as push_files

if TYPE_CHECKING:
    from modelpack.api.material import Scan
    from modelpack.api.signing import SignWith
    from modelpack.scanning.rules import Allowance


@dataclass(frozen=True, slots=True, kw_only=True)
class PushResult:
    """What was published. ``reference`` is pinned; sizes are in bytes.

    ``car`` is the image of the same files, pinned, if there is one.
    """

    reference: str
    digest: Digest
    size: int
    files: tuple[PackedFile, ...]
    car: str = ""

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
            **({"car": self.car} if self.car else {}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The files to be published, each as it was when it was listed."""

    path: Path
    files: tuple[LocalFile, ...]

    @classmethod
    def listed(
        cls, path: str | Path, *, include: Sequence[str], exclude: Sequence[str]
    ) -> Self:
        """List a directory or a file."""
        files = list_model(Path(path), include=include, exclude=exclude)
        return cls(path=Path(path), files=tuple(files))


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """How files are published."""

    annotations: Mapping[str, str] = field(default_factory=dict)
    split: int = 0
    mount_from: Sequence[str] = ()
    rehash: bool = False
    modelcar: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Untagged:
    """A model that is in its place, complete, and has no tag yet.

    ``car`` is the image of the same files, if there is to be one: without a tag, too.
    """

    reference: Reference
    model: Manifest
    car: Manifest | None
    store: Store
    command: Command

    @property
    def artifacts(self) -> tuple[Document, ...]:
        """What is to be signed."""
        return (*([self.car.document] if self.car else []), self.model.document)


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
    modelcar: bool = False,
    signer: SignWith | None = None,
    describe: bool = False,
    allow: Iterable[Allowance] = (),
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> PushResult:
    """Publish a directory or a file; return where it is, pinned by digest.

    ``split`` stores files above that many bytes in parts. Raises
    ``InvalidInput`` for what cannot be packed, ``RegistryError`` and
    ``AuthenticationError`` for what the registry refuses; a second call goes on
    where a first one ended. ``modelcar`` also publishes an image of the files, under
    the tag with ``-car`` behind it. With a ``signer`` both are signed before a tag
    moves: whoever sees the tag sees the signature. ``describe`` scans the files first,
    and signs all documents about the model, too, whatever the scan says.
    """
    target = parse_target(reference)
    command = Command(settings, notify)
    sources = Sources.listed(source, include=include, exclude=exclude)
    scan = _scanned(sources, command, signer, allow) if describe else None

    def sign(untagged: Untagged) -> None:
        if signer is not None:
            from modelpack.api.documents import attach_documents, published_target
            from modelpack.api.signing import seal, signing_at

            store = untagged.store
            signing = signing_at(store, target, signer, command)
            for artifact in untagged.artifacts:
                digest = artifact.descriptor.digest
                if scan is not None:
                    found = published_target(target, digest, sources.files)
                    attach_documents(artifact, found, scan, signing, command)
                seal(store, target, artifact, signer, command)

    published, car = publish(
        sources,
        target,
        Choices(
            annotations=annotations or {},
            split=split,
            mount_from=mount_from,
            rehash=rehash,
            modelcar=modelcar,
        ),
        command,
        finish=sign if signer is not None else None,
    )
    digest = published.manifest.descriptor.digest
    return PushResult(
        reference=str(target.at(digest)),
        digest=digest,
        size=sum(file.size for file in published.files),
        files=published.files,
        car=str(target.at(car.descriptor.digest)) if car is not None else "",
    )


def _scanned(
    sources: Sources,
    command: Command,
    signer: SignWith | None,
    allow: Iterable[Allowance],
) -> Scan:
    from modelpack.api.material import scan_of

    if signer is None:
        raise InvalidInput("documents are signed, or worth nothing: who signs them?")
    scan = scan_of(sources.files, command, allow=allow)
    if not scan.passes:
        command.warn("not every file passes the scan: what is signed says so")
    return scan


def parse_target(reference: str) -> Reference:
    """Return where to publish; ``latest`` where no tag is named."""
    target = Reference.parse(reference)
    if target.digest is not None:
        raise InvalidInput(
            f"{reference!r}: a push names a tag; the digest follows from the files"
        )
    return target if target.tag else replace(target, tag="latest")


def car_tag(target: Reference) -> str:
    """Return the tag of the image beside a model."""
    return parse_tag(f"{target.tag}{SUFFIX}")


def publish(
    source: Sources,
    target: Reference,
    choices: Choices,
    command: Command,
    *,
    finish: Callable[[Untagged], None] | None = None,
) -> tuple[Published, Manifest | None]:
    """Send a model, and the image of it that was chosen; the tags move last.

    ``finish`` does what is to be done before: what it raises leaves them where they
    were.
    """
    habits = habits_at(target.place)
    packing = Packing(
        annotations=choices.annotations,
        created=command.settings.created,
        split=choices.split,
        largest_layer=habits.largest_layer,
        registry=habits.name,
    )
    tags = (target.tag, *([car_tag(target)] if choices.modelcar else []))
    cars: list[Manifest] = []
    with (
        open_store(target.place, command.settings, command.patience) as store,
        command.open_cache() as cache,
    ):
        sender = Sender(
            store=store,
            sending=_sending(command, target, source.path, habits.largest_chunk),
            notify=command.notify,
            width_moved=command.crew.width.moved,
            chunked=habits.chunked,
            may_exist=sizes_known(store, tags).__contains__,
            mount_from=tuple(choices.mount_from),
        )
        parcels = [LocalParcel(file, cache, choices.rehash) for file in source.files]

        if choices.modelcar:
            require_fitting(parcels, packing)

        def before(model: Manifest) -> None:
            if choices.modelcar:
                digest = model.descriptor.digest
                cars.append(send_car(parcels, digest, sender, command.crew))
            car = cars[0] if cars else None
            if finish is not None:
                finish(
                    Untagged(
                        reference=target,
                        model=model,
                        car=car,
                        store=store,
                        command=command,
                    )
                )
            if car is not None:
                store.put_manifest(car.document, car_tag(target))

        published = push_files(
            parcels,
            packing,
            sender,
            command.crew,
            tag=target.tag,
            before=before if finish is not None or choices.modelcar else None,
        )
    return published, cars[0] if cars else None


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
