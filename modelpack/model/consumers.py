"""What those who mount artifacts would see of one: told from its manifest alone.

How each behaves was read in its sources: CRI-O 2026-08, containerd 2026-08, KServe
2026-08, the model CSI driver v0.1.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from modelpack.errors import UnusableArtifact
from modelpack.model.car import CAR, car_layers
from modelpack.model.config import CONFIGS, MODELS
from modelpack.model.files import PackedFile
from modelpack.model.foreign import foreign_kind
from modelpack.model.read import read_model
from modelpack.oci.manifest import IMAGE_CONFIG, Manifest

_DOCKER_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
_IMAGE_LAYERS: Final = (
    "application/vnd.oci.image.layer.",
    "application/vnd.docker.image.rootfs.",
)


class Consumer(StrEnum):
    """Who mounts a model for a workload."""

    CRI_O = "cri-o"
    CONTAINERD = "containerd"
    KSERVE = "kserve"
    CSI = "csi"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Whether a consumer gets the files of a model, and where they are, or why not."""

    sees: bool
    what: str


def sight(manifest: Manifest, consumer: Consumer) -> Sight:
    """Say what ``consumer`` would make of an artifact."""
    if _is_image(manifest):
        return _image(manifest, consumer)
    if manifest.artifact_type in MODELS or manifest.config.media_type in CONFIGS:
        return _model(manifest, consumer)
    return Sight(sees=False, what=f"{foreign_kind(manifest)} is no model")


def is_car_of(image: Manifest, model: Manifest) -> bool:
    """Whether an image says that it holds a model's files, and has layers for them.

    That it does is for its signature to say: the bytes are not looked at.
    """
    if image.annotations.get(CAR) != str(model.descriptor.digest):
        return False
    expected = [layer.size for layer in car_layers(read_model(model))]
    return _is_image(image) and [each.size for each in image.layers] == expected


def _is_image(manifest: Manifest) -> bool:
    # CRI-O: an image's config, and no artifact type, make an image.
    return (
        not manifest.artifact_type
        and manifest.config.media_type in (IMAGE_CONFIG, _DOCKER_CONFIG)
        and all(layer.media_type.startswith(_IMAGE_LAYERS) for layer in manifest.layers)
    )


def _image(manifest: Manifest, consumer: Consumer) -> Sight:
    if consumer is Consumer.CSI:
        return Sight(sees=False, what="an image, and the driver mounts models only")
    if CAR not in manifest.annotations:
        return Sight(
            sees=False, what=f"an image without {CAR}: nothing tells what is in it"
        )
    if consumer is Consumer.KSERVE:
        return Sight(
            sees=True,
            what="/models, by oci+native:// and oci+fetch:// (oci:// wants a shell)",
        )
    return Sight(sees=True, what="/models in the volume")


def _model(manifest: Manifest, consumer: Consumer) -> Sight:
    if consumer in _EMPTY:
        return Sight(sees=False, what=_EMPTY[consumer])
    try:
        files = read_model(manifest)
    except UnusableArtifact as error:
        return Sight(sees=False, what=str(error))
    split = [file.path for file in files if len(file.pieces) > 1]
    if split:
        return Sight(
            sees=False, what=f"would mount the parts of {split[0]}, and not join them"
        )
    return Sight(sees=True, what=_FILES[consumer](files))


_EMPTY: Final[Mapping[Consumer, str]] = {
    Consumer.CONTAINERD: "would mount it empty: it unpacks image layers only",
    Consumer.KSERVE: "would find no /models: it takes images only",
}
_FILES: Final[Mapping[Consumer, Callable[[tuple[PackedFile, ...]], str]]] = {
    Consumer.CRI_O: lambda files: f"{len(files)} files in the volume, not executable",
    Consumer.CSI: lambda files: f"{len(files)} files in the volume",
}
