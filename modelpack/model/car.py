"""The modelcar: a model's files as an image, for runtimes that mount nothing else.

Files stand under `/models`, where KServe looks for them. A large file is a layer of its
own, so that layers travel and unpack in parallel; all small ones share one, because a
runtime stacks a layer for each and can stack no more than some hundred. Layers are not
compressed: weights do not shrink, and the layer's digest is its diffID.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import PurePosixPath
from typing import Final, Protocol

from modelpack.model.paths import parse_path, refuse_collisions, shown
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import IMAGE_CONFIG, Manifest, compact

CAR: Final = "modelpack.car.model"
"""Annotation of the image: the digest of the model whose files it holds. Signed, as
all of a manifest is; ours, and fixed in docs/format.md."""

SUFFIX: Final = "-car"
LAYER: Final = "application/vnd.oci.image.layer.v1.tar"

_ROOT: Final = "models"
_SMALL: Final = 32 << 20
_MOST_LARGE: Final = 100  # layers; overlayfs stacks 127 on many kernels
_BLOCK: Final = 512  # POSIX.1, "ustar Interchange Format"
_END: Final = bytes(2 * _BLOCK)


class CarFile(Protocol):
    """What an image has to know of a file."""

    @property
    def path(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def executable(self) -> bool: ...


@dataclass(frozen=True)
class CarLayer:
    """A tar: for each of ``files`` its header, its bytes, and zeros to a full block."""

    files: tuple[CarFile, ...]

    @cached_property
    def frames(self) -> tuple[tuple[bytes, int, bytes], ...]:
        """What stands before each file, how long it is, and what stands behind."""
        folders: set[str] = set()
        frames = []
        for file in self.files:
            head = b"".join(_folders(file.path, folders)) + _header(file)
            frames.append((head, file.size, bytes(-file.size % _BLOCK)))
        head, size, pad = frames[-1]
        frames[-1] = (head, size, pad + _END)
        return tuple(frames)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Where the frame of each file begins; at the end, how long the tar is."""
        lengths = (len(head) + size + len(tail) for head, size, tail in self.frames)
        return (0, *accumulate(lengths))

    @property
    def size(self) -> int:
        return self.starts[-1]

    @property
    def name(self) -> str:
        """Name it for people."""
        first = f"/{_ROOT}/{self.files[0].path}"
        others = len(self.files) - 1
        return f"{first} and {others} more" if others else first


def car_layers(files: Sequence[CarFile]) -> tuple[CarLayer, ...]:
    """Say which files share a layer: the same for the same files, on every machine."""
    refuse_collisions([parse_path(file.path, shown(file.path)) for file in files])
    ordered = sorted(files, key=lambda file: file.path)
    small = tuple(file for file in ordered if file.size <= _SMALL)
    large = [file for file in ordered if file.size > _SMALL]
    together = max(1, -(-len(large) // _MOST_LARGE))
    groups = [
        *([small] if small else []),
        *(tuple(large[at : at + together]) for at in range(0, len(large), together)),
    ]
    return tuple(map(CarLayer, groups))


def build_car(
    layers: Sequence[CarLayer], digests: Sequence[Digest], model: Digest
) -> tuple[Manifest, bytes]:
    """Write the image's manifest and config, once its layers' digests are known."""
    config = compact(
        {
            # Any would do, for nothing in it is run; image-spec demands one.
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [str(each) for each in digests]},
        }
    )
    described = tuple(
        Descriptor(media_type=LAYER, digest=digest, size=layer.size)
        for layer, digest in zip(layers, digests, strict=True)
    )
    manifest = Manifest.build(
        artifact_type="",
        config=Descriptor.of(config, IMAGE_CONFIG),
        layers=described,
        annotations={CAR: str(model)},
    )
    return manifest, config


def _folders(path: str, seen: set[str]) -> Iterator[bytes]:
    """Yield the header of each folder above ``path`` that had none yet."""
    import tarfile

    for folder in reversed(PurePosixPath(_ROOT, path).parents[:-1]):
        if str(folder) not in seen:
            seen.add(str(folder))
            entry = tarfile.TarInfo(str(folder))
            entry.type = tarfile.DIRTYPE
            entry.mode = 0o755
            yield entry.tobuf(tarfile.GNU_FORMAT)


def _header(file: CarFile) -> bytes:
    import tarfile

    # tarfile's defaults: owner and time 0, no names of owners. In GNU's form, which
    # holds any size; scanners of images have been seen to fail on the other one.
    entry = tarfile.TarInfo(f"{_ROOT}/{file.path}")
    entry.size = file.size
    entry.mode = 0o755 if file.executable else 0o644
    return entry.tobuf(tarfile.GNU_FORMAT)
