"""From a manifest to the files of a model. Nothing in it is believed.

1. It is a ModelPack model, by artifact type or else by config type.
2. Each layer is one raw file, of a type of the model-spec, old or new.
3. Each has a path that stays inside: filepath, else title, else metadata name.
4. Parts of one file add up: they start at 0, leave no gap, do not overlap, and
   agree on path, size and digest of the whole.
5. No two files, and no file and part, have one name.
6. What has one digest has one size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from modelpack.errors import InvalidInput, UnusableArtifact
from modelpack.model.config import CONFIGS, MODELS
from modelpack.model.files import (
    FILEPATH,
    METADATA,
    PART_DIGEST,
    PART_OFFSET,
    PART_PATH,
    PART_SIZE,
    TITLE,
    PackedFile,
    Piece,
    part_title,
)
from modelpack.model.foreign import foreign_kind
from modelpack.model.layer_types import layer_kind
from modelpack.model.paths import parse_path, refuse_collisions, shown
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.fields import Fields
from modelpack.oci.manifest import Manifest

_OLD_FILEPATH: Final = "org.cnai.model.filepath"
_OLD_METADATA: Final = "org.cnai.model.file.metadata+json"
_PART_KEYS: Final = (PART_PATH, PART_DIGEST, PART_SIZE, PART_OFFSET)
_PATH_KEYS: Final = (FILEPATH, _OLD_FILEPATH, TITLE)
_REGULAR: Final = (0, ord("0"))  # RamaLama writes the character of the tar header
_OWNER_EXECUTES: Final = 0o100
_MAX_NUMBER: Final = 19  # digits of a 63-bit number


def read_model(manifest: Manifest) -> tuple[PackedFile, ...]:
    """Return the files of a model by path, or raise ``UnusableArtifact``."""
    _require_model(manifest)
    try:
        return _files(manifest.layers)
    except UnusableArtifact:
        raise
    except InvalidInput as error:
        raise UnusableArtifact(error.message, where=error.where) from error


def _require_model(manifest: Manifest) -> None:
    by_artifact = manifest.artifact_type in MODELS
    by_config = manifest.config.media_type in CONFIGS
    if not by_artifact and (manifest.artifact_type or not by_config):
        raise UnusableArtifact(
            f"this is {foreign_kind(manifest)}; modelpack cannot read it yet"
        )
    if not manifest.layers:
        raise UnusableArtifact("a model without files", where="layers")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """One layer, read on its own."""

    descriptor: Descriptor
    path: str
    executable: bool
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A layer that is part of a file."""

    layer: _Layer
    path: str
    digest: Digest
    size: int
    offset: int


def _files(layers: Sequence[Descriptor]) -> tuple[PackedFile, ...]:
    files: list[PackedFile] = []
    parts: dict[str, list[_Part]] = {}
    names: list[str] = []
    for index, descriptor in enumerate(layers):
        layer = _layer(descriptor, f"layers[{index}]")
        names.append(layer.path)
        part = _part(layer)
        if part is None:
            files.append(_whole(layer))
        else:
            parts.setdefault(part.path, []).append(part)
    files += map(_joined, parts.values())
    refuse_collisions([*names, *parts])
    files.sort(key=lambda file: file.path)
    _check_sizes(files)
    return tuple(files)


def _layer(descriptor: Descriptor, where: str) -> _Layer:
    kind = layer_kind(descriptor.media_type)
    if kind is None or kind[1] != "raw":
        raise UnusableArtifact(
            f"modelpack cannot read layers of {descriptor.media_type[:160]!r} yet",
            where=f"{where}.mediaType",
        )
    metadata = _metadata(descriptor.annotations, f"{where}.annotations")
    name = "" if metadata is None else metadata.text("name", default="")
    return _Layer(
        descriptor=descriptor,
        path=_path(descriptor.annotations, name, f"{where}.annotations"),
        executable=metadata is not None and _executable(metadata),
        where=where,
    )


def _path(annotations: Mapping[str, str], name: str, where: str) -> str:
    for key in _PATH_KEYS:
        if key in annotations:
            return parse_path(annotations[key], f"{where}.{key}")
    if not name:
        raise UnusableArtifact("the layer has no path", where=where)
    return parse_path(name, f"{where}.{METADATA}")


def _metadata(annotations: Mapping[str, str], where: str) -> Fields | None:
    for key in (METADATA, _OLD_METADATA):
        if key in annotations:
            raw = annotations[key].encode("utf-8", "surrogatepass")
            return Fields.of_json(raw, where=f"{where}.{key}")
    return None


def _executable(metadata: Fields) -> bool:
    if "typeflag" in metadata and metadata.count("typeflag") not in _REGULAR:
        raise UnusableArtifact("not a regular file", where=metadata.path("typeflag"))
    return "mode" in metadata and bool(metadata.count("mode") & _OWNER_EXECUTES)


def _whole(layer: _Layer) -> PackedFile:
    return PackedFile(
        path=layer.path,
        size=layer.descriptor.size,
        digest=layer.descriptor.digest,
        executable=layer.executable,
        media_type=layer.descriptor.media_type,
        pieces=(Piece(descriptor=layer.descriptor),),
    )


def _part(layer: _Layer) -> _Part | None:
    annotations = layer.descriptor.annotations
    present = [key for key in _PART_KEYS if key in annotations]
    if not present:
        return None
    where = f"{layer.where}.annotations"
    for key in _PART_KEYS:
        if key not in annotations:
            raise UnusableArtifact("missing", where=f"{where}.{key}")
    fields = Fields(dict(annotations), where)
    return _Part(
        layer=layer,
        path=parse_path(annotations[PART_PATH], f"{where}.{PART_PATH}"),
        digest=fields.parsed(PART_DIGEST, Digest.parse),
        size=fields.parsed(PART_SIZE, _number),
        offset=fields.parsed(PART_OFFSET, _number),
    )


def _number(text: str) -> int:
    # One spelling for one number: str.isdigit takes digits of every script.
    if not (text.isascii() and text.isdigit()) or len(text) > _MAX_NUMBER:
        raise InvalidInput(f"not a whole number: {shown(text)}")
    if text != str(int(text)) or int(text) >= 1 << 63:
        raise InvalidInput(f"not a whole number: {shown(text)}")
    return int(text)


def _joined(parts: Sequence[_Part]) -> PackedFile:
    """Join the parts of one file; each rule that they break has its error."""
    ordered = sorted(parts, key=lambda part: (part.offset, part.layer.where))
    first = ordered[0]
    at = 0
    for number, part in enumerate(ordered, 1):
        fault = _fault(part, first, at, part_title(first.path, number, len(ordered)))
        if fault:
            raise UnusableArtifact(
                f"{fault} in the parts of {shown(part.path)}", where=part.layer.where
            )
        at += part.layer.descriptor.size
    if at != first.size:
        raise UnusableArtifact(
            f"the parts of {shown(first.path)} are {at} bytes of {first.size}",
            where=ordered[-1].layer.where,
        )
    return PackedFile(
        path=first.path,
        size=first.size,
        digest=first.digest,
        executable=first.layer.executable,
        media_type=first.layer.descriptor.media_type,
        pieces=tuple(
            Piece(descriptor=part.layer.descriptor, offset=part.offset)
            for part in ordered
        ),
    )


def _fault(part: _Part, first: _Part, at: int, title: str) -> str:
    layer = part.layer
    rules = (
        (part.size != first.size, "two sizes of the whole"),
        (part.digest != first.digest, "two digests of the whole"),
        (layer.executable != first.layer.executable, "two modes"),
        (
            layer.descriptor.media_type != first.layer.descriptor.media_type,
            "two media types",
        ),
        (layer.descriptor.size == 0, "an empty part"),
        (part.offset > at, f"a gap before byte {part.offset}"),
        (part.offset < at, f"an overlap at byte {part.offset}"),
        (layer.path != title, f"the name {shown(layer.path)} for {shown(title)}"),
    )
    return next((fault for broken, fault in rules if broken), "")


def _check_sizes(files: Sequence[PackedFile]) -> None:
    sizes: dict[Digest, int] = {}
    for path, digest, size in _contents(files):
        if sizes.setdefault(digest, size) != size:
            raise UnusableArtifact(
                f"{digest} is {sizes[digest]} bytes elsewhere, {size} here",
                where=shown(path),
            )


def _contents(files: Sequence[PackedFile]) -> Iterator[tuple[str, Digest, int]]:
    for file in files:
        yield file.path, file.digest, file.size
        for layer in file.layers:
            yield file.path, layer.digest, layer.size
