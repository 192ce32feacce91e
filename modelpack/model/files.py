"""The files of a model as an artifact holds them: each whole, or in parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.model.layer_types import Category, raw_type
from modelpack.model.paths import parse_path, shown
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import MAX_LAYERS, compact

TITLE: Final = "org.opencontainers.image.title"
FILEPATH: Final = "org.cncf.model.filepath"
METADATA: Final = "org.cncf.model.file.metadata+json"

# Ours, and fixed in docs/format.md. They stand under no domain, because we have
# none: modelpack.org and cncf.io belong to the specification's project.
PART_PATH: Final = "modelpack.part.path"
PART_DIGEST: Final = "modelpack.part.digest"
PART_SIZE: Final = "modelpack.part.size"
PART_OFFSET: Final = "modelpack.part.offset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One layer, and where its bytes begin in the file."""

    descriptor: Descriptor
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedFile:
    """One file of a model: a single piece, or the parts that add up to it."""

    path: str
    size: int
    digest: Digest
    executable: bool
    media_type: str
    pieces: tuple[Piece, ...]

    @property
    def layers(self) -> Iterator[Descriptor]:
        return (piece.descriptor for piece in self.pieces)


def split_points(size: int, split: int) -> tuple[tuple[int, int], ...]:
    """Return where each piece starts and ends; ``split`` 0 leaves the file whole."""
    if split <= 0 or size <= split:
        return ((0, size),)
    if -(-size // split) > MAX_LAYERS:
        raise InvalidInput(
            f"parts of {split} bytes would be more than {MAX_LAYERS}",
            where="--split",
            hint="name a larger size",
        )
    return tuple((start, min(start + split, size)) for start in range(0, size, split))


def part_title(path: str, number: int, count: int) -> str:
    """Return the name under which tools that know no parts unpack one."""
    return f"{path}.part-{number:05}-of-{count:05}"


def pack(
    path: str,
    *,
    size: int,
    digest: Digest,
    executable: bool,
    category: Category,
    split: int = 0,
    parts: Sequence[Digest] = (),
) -> PackedFile:
    """Describe a file and its layers.

    ``parts`` are the digests of the pieces between ``split_points``, and are
    not looked at where the file stays whole.
    """
    whole = PackedFile(
        path=parse_path(path, shown(path)),
        size=size,
        digest=digest,
        executable=executable,
        media_type=raw_type(category),
        pieces=(),
    )
    points = split_points(size, split)
    if len(points) == 1:
        return replace(whole, pieces=(_piece(whole, whole.path, digest, (0, size)),))
    titles = [part_title(whole.path, i, len(points)) for i in range(1, len(points) + 1)]
    parse_path(titles[-1], shown(path))  # it may be too long
    pieces = [_piece(whole, *each) for each in zip(titles, parts, points, strict=True)]
    return replace(whole, pieces=tuple(pieces))


def _piece(
    file: PackedFile, title: str, digest: Digest, points: tuple[int, int]
) -> Piece:
    start, end = points
    annotations = dict(_annotations(file, title, end - start))
    if title != file.path:
        annotations |= {
            PART_PATH: file.path,
            PART_DIGEST: str(file.digest),
            PART_SIZE: str(file.size),
            PART_OFFSET: str(start),
        }
    descriptor = Descriptor(
        media_type=file.media_type,
        digest=digest,
        size=end - start,
        annotations=annotations,
    )
    return Piece(descriptor=descriptor, offset=start)


def _annotations(file: PackedFile, title: str, size: int) -> Mapping[str, str]:
    # model-spec, "File Metadata Annotation Value"; the time is constant, and
    # owner and group are root, so that every machine writes the same bytes.
    metadata = {
        "name": title,
        "mode": 0o755 if file.executable else 0o644,
        "uid": 0,
        "gid": 0,
        "size": size,
        "mtime": "1970-01-01T00:00:00Z",
        "typeflag": 0,
    }
    return {TITLE: title, FILEPATH: title, METADATA: compact(metadata).decode()}
