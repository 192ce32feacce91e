"""What a model is, without its weights: from the config, and from headers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.tensor import Tensor
from modelpack.formats.window import Window
from modelpack.model.claims import Claims
from modelpack.model.config import MAX_CONFIG, ModelConfig, read_config
from modelpack.model.facts import ModelFacts, combine, examine, glance
from modelpack.model.files import PackedFile
from modelpack.model.read import read_model
from modelpack.model.tensors import tensors_of
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.manifest import Manifest
from modelpack.oci.store import Source, read_whole

_MAX_SMALL: Final = 1 << 20
_DECLARING: Final = frozenset({"readme.md", "config.json", "adapter_config.json"})
_AHEAD: Final = 256 << 10
_MAX_READ: Final = 128 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """A model as its config and its card describe it; every digest is checked.

    ``claims`` are what the card and the configuration files declare. ``facts``
    come from header bytes over ranged reads, whose digests nobody can check:
    they are not verified, and no policy ever sees them.
    """

    manifest: Manifest
    config: ModelConfig
    files: tuple[PackedFile, ...]
    claims: Claims
    facts: ModelFacts | None = None


def inspect(source: Source, manifest: Manifest, *, headers: bool) -> Inspected:
    """Read what a model is; with ``headers`` ask its weight files as well."""
    files = read_model(manifest)
    config = read_config(read_whole(source, manifest.config, limit=MAX_CONFIG))
    declared = [
        examine(Window.of(read_whole(source, layer, limit=_MAX_SMALL), file.path))
        for file in files
        if file.path.lower() in _DECLARING and file.size <= _MAX_SMALL
        for layer in file.layers
        if layer.size == file.size
    ]
    facts = None
    if headers:
        facts = combine([glance(remote_window(source, file)) for file in files])
    return Inspected(
        manifest=manifest,
        config=config,
        files=files,
        claims=combine(declared).claims,
        facts=facts,
    )


def remote_window(source: Source, file: PackedFile) -> Window:
    """Look at a file in a store by ranged reads; what they give is not verified."""
    kept: list[tuple[int, bytes]] = []

    def read_at(offset: int, count: int) -> bytes:
        for start, data in kept:
            if start <= offset and offset + count <= start + len(data):
                return data[offset - start : offset - start + count]
        if count > _MAX_READ:
            raise InvalidInput(f"a header of {count} bytes", where=file.path)
        end = min(file.size, offset + max(count, _AHEAD))
        data = b"".join(
            _read(source, piece.descriptor, a, b)
            for piece in file.pieces
            for a, b in [_overlap(piece.offset, piece.descriptor.size, offset, end)]
            if a < b
        )
        kept[:] = [*kept[-1:], (offset, data)]
        return data[:count]

    return Window(file.path, file.size, read_at)


def _overlap(base: int, size: int, start: int, end: int) -> tuple[int, int]:
    """Return the part of ``start`` to ``end`` that a piece holds, in its own bytes."""
    return max(start - base, 0), min(end - base, size)


def _read(source: Source, blob: Descriptor, start: int, end: int) -> bytes:
    buffer = memoryview(bytearray(end - start))
    filled = 0
    with source.open(blob, start, end) as body:
        skip = start - body.start
        scratch = memoryview(bytearray(min(max(skip, 1), 1 << 20)))
        while skip > 0:
            count = body.read_into(scratch[: min(skip, len(scratch))])
            if not count:
                raise InvalidInput("ends early", where=str(blob.digest))
            skip -= count
        while filled < len(buffer) and (count := body.read_into(buffer[filled:])):
            filled += count
    return bytes(buffer[:filled])


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorChange:
    """A tensor that is not the same on both sides; None where there is none."""

    file: str
    name: str
    before: Tensor | None
    after: Tensor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """A file that is not the same on both sides; None where there is none."""

    path: str
    before: PackedFile | None
    after: PackedFile | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What differs between two models.

    ``tensors`` come from headers by ranged reads, and are not verified: they
    tell whose dtype, shape or place changed. A tensor whose bytes alone changed
    shows in its file's digest.
    """

    files: tuple[FileChange, ...]
    tensors: tuple[TensorChange, ...]


def diff(before: tuple[Source, Manifest], after: tuple[Source, Manifest]) -> Difference:
    """Compare two models file by file, and changed files tensor by tensor."""
    old = {file.path: file for file in read_model(before[1])}
    new = {file.path: file for file in read_model(after[1])}
    changed = tuple(
        FileChange(path=path, before=old.get(path), after=new.get(path))
        for path in sorted(old.keys() | new.keys())
        if _identity(old.get(path)) != _identity(new.get(path))
    )
    tensors = [
        change for file in changed for change in _tensors(before[0], after[0], file)
    ]
    return Difference(files=changed, tensors=tuple(tensors))


def _identity(file: PackedFile | None) -> object:
    return (file.digest, file.executable) if file else None


def _tensors(
    before: Source, after: Source, change: FileChange
) -> Sequence[TensorChange]:
    old = _named(before, change.before)
    new = _named(after, change.after)
    return [
        TensorChange(
            file=change.path, name=name, before=old.get(name), after=new.get(name)
        )
        for name in sorted(old.keys() | new.keys())
        if _shape(old.get(name)) != _shape(new.get(name))
    ]


def _shape(tensor: Tensor | None) -> object:
    return (tensor.dtype, tensor.shape) if tensor else None


def _named(source: Source, file: PackedFile | None) -> Mapping[str, Tensor]:
    if file is None:
        return {}
    return {tensor.name: tensor for tensor in tensors_of(remote_window(source, file))}
