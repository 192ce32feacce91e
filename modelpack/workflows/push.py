"""Publish a model: every file as a blob, then the config, then the manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

from modelpack.errors import AuthenticationError, InvalidInput, NotFound
from modelpack.formats.window import Window
from modelpack.model.build import build_config, build_manifest
from modelpack.model.facts import FileFacts, combine, examine
from modelpack.model.files import PackedFile, pack, part_title, split_points
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Manifest, parse_any
from modelpack.oci.store import Source, blocks_of
from modelpack.transfer.crew import Crew, Task
from modelpack.transfer.progress import Planned
from modelpack.transfer.send import Outgoing, Sender
from modelpack.transfer.upload import digest_of

_TAGS_LOOKED_AT: Final = 3


class Opened(Protocol):
    """A file while it is open."""

    def blocks(self, start: int, end: int) -> Iterator[memoryview]: ...
    def window(self) -> Window: ...
    def check_unchanged(self) -> None: ...


class Parcel(Protocol):
    """A file to be packed."""

    @property
    def path(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def executable(self) -> bool: ...
    @property
    def key(self) -> str: ...

    def open(self) -> AbstractContextManager[Opened]: ...
    def known(self, split: int) -> tuple[Digest, tuple[Digest, ...]] | None: ...
    def started(self) -> int: ...

    def remember(
        self, whole: Digest, split: int, parts: Sequence[Digest], started: int
    ) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """How files become layers. Sizes are in bytes; 0 means no limit.

    ``registry`` names whoever sets ``largest_layer``, for the message.
    """

    annotations: Mapping[str, str] = field(default_factory=dict)
    created: str = ""
    split: int = 0
    largest_layer: int = 0
    registry: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a push did."""

    manifest: Manifest
    files: tuple[PackedFile, ...]


@dataclass(slots=True)
class _File:
    """One file on its way: its facts, and its digests as they become known."""

    parcel: Parcel
    facts: FileFacts
    points: tuple[tuple[int, int], ...]
    started: int
    whole: Digest | None = None
    parts: list[Digest | None] = field(default_factory=list)


def push(
    parcels: Sequence[Parcel],
    packing: Packing,
    sender: Sender,
    crew: Crew,
    *,
    tag: str,
    before: Callable[[Manifest], None] | None = None,
) -> Published:
    """Send every file, describe them, and let ``tag`` point to the result.

    The tag moves last: whoever can see it can see all that it stands for. ``before``
    lays beside the manifest what belongs to it, such as signatures; what it raises
    leaves the tag where it was.
    """
    files = [_examined(parcel, packing) for parcel in parcels]
    _require_fit(files, packing)
    total = sum(file.parcel.size for file in files)
    sender.notify(Planned(verb="push", files=len(files), size=total))
    crew.run(task for file in files for task in _tasks(file, sender))
    packed = tuple(_packed(file, packing.split) for file in files)
    facts = combine([file.facts for file in files])
    config = build_config(facts, packed, created=packing.created)
    manifest = build_manifest(packed, config, annotations=packing.annotations)
    sender.store.put_blob(manifest.config, blocks_of(config))
    if before is not None:
        sender.store.put_manifest(manifest.document)
        before(manifest)
    sender.store.put_manifest(manifest.document, tag)
    sender.sending.sessions.clear()
    return Published(manifest=manifest, files=packed)


def sizes_known(source: Source, names: Sequence[str]) -> frozenset[int]:
    """Return the sizes of the layers under these tags of a repository, and a few more.

    A file of one of these sizes may be there already, so that it is worth
    hashing before it is sent.
    """
    sizes: set[int] = set()
    try:
        tags = [*names, *list(source.tags())[-_TAGS_LOOKED_AT:]]
    except (NotFound, AuthenticationError):
        # There is no such repository yet, and some registries say so with 403.
        # Whether we may write, the push itself will show.
        return frozenset()
    for name in dict.fromkeys(tags):
        try:
            parsed = parse_any(source.get_manifest(name))
        except (NotFound, InvalidInput):
            continue
        if isinstance(parsed, Manifest):
            sizes.update(layer.size for layer in parsed.layers)
    return frozenset(sizes)


def _examined(parcel: Parcel, packing: Packing) -> _File:
    points = split_points(parcel.size, packing.split)
    largest = max(end - start for start, end in points)
    if packing.largest_layer and largest > packing.largest_layer:
        raise InvalidInput(
            f"a layer of {largest} bytes; {packing.registry} takes "
            f"{packing.largest_layer}",
            where=parcel.path,
            hint="--split 4GiB stores it in parts",
        )
    started = parcel.started()
    with parcel.open() as opened:
        facts = examine(opened.window())
    known = parcel.known(packing.split if len(points) > 1 else 0)
    whole, parts = known or (None, ())
    return _File(
        parcel=parcel,
        facts=facts,
        points=points,
        started=started,
        whole=whole,
        parts=list(parts) or [None] * len(points),
    )


def _require_fit(files: Sequence[_File], packing: Packing) -> None:
    """Raise before anything is sent if the manifest will be too large.

    Every digest has the same length, so that this one is as long as the real one.
    """
    any_digest = Digest.of(b"")
    packed = [
        _pack(file, packing.split, any_digest, [any_digest] * len(file.points))
        for file in files
    ]
    build_manifest(packed, b"", annotations=packing.annotations)


def _tasks(file: _File, sender: Sender) -> Iterator[Task]:
    if len(file.points) == 1:
        file.parts = [file.whole]
    elif file.whole is None:
        # Its parts travel meanwhile, each hashed by itself.
        yield partial(_hash_whole, file, sender.sending.check)
    for index in range(len(file.points)):
        yield partial(_send, file, index, sender)


def _hash_whole(file: _File, check: Callable[[], None]) -> None:
    with file.parcel.open() as opened:
        file.whole = digest_of(opened.blocks, file.parcel.size, check)
        opened.check_unchanged()


def _send(file: _File, index: int, sender: Sender) -> None:
    start, end = file.points[index]
    count = len(file.points)
    path = file.parcel.path
    with file.parcel.open() as opened:
        file.parts[index] = sender.send(
            Outgoing(
                name=path if count == 1 else part_title(path, index + 1, count),
                key=f"{file.parcel.key}:{start}-{end}",
                size=end - start,
                blocks=lambda a, b: opened.blocks(start + a, start + b),
                digest=file.parts[index],
            )
        )
        opened.check_unchanged()


def _packed(file: _File, split: int) -> PackedFile:
    parts = [digest for digest in file.parts if digest is not None]
    whole = parts[0] if len(file.points) == 1 else file.whole
    if whole is None or len(parts) != len(file.points):
        raise AssertionError("a task ended without its digest")
    parcel = file.parcel
    kept_split = split if len(parts) > 1 else 0
    parcel.remember(whole, kept_split, parts if kept_split else (), file.started)
    return _pack(file, split, whole, parts)


def _pack(
    file: _File, split: int, whole: Digest, parts: Sequence[Digest]
) -> PackedFile:
    return pack(
        file.parcel.path,
        size=file.parcel.size,
        digest=whole,
        executable=file.parcel.executable,
        category=file.facts.category,
        split=split,
        parts=parts,
    )
