"""The image of a model's files: any tar reader finds them, and nothing else."""

import io
import tarfile
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.model.car import CAR, LAYER, build_car, car_layers
from modelpack.model.consumers import Consumer, is_car_of, sight
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import IMAGE_CONFIG, Manifest

MIB = 1 << 20
DIGEST = Digest.of(b"a model")


@dataclass(frozen=True)
class File:
    path: str
    size: int
    executable: bool = False


def test_a_layer_is_a_tar_of_folders_and_files_owned_by_nobody() -> None:
    files = [File("b/c/run.sh", 3, executable=True), File("a.bin", 513), File("b/d", 0)]
    (layer,) = car_layers(files)
    with tarfile.open(fileobj=io.BytesIO(_zeros(layer.frames))) as tar:
        members = tar.getmembers()
    assert [(m.name, m.isdir(), oct(m.mode), m.size) for m in members] == [
        ("models", True, "0o755", 0),
        ("models/a.bin", False, "0o644", 513),
        ("models/b", True, "0o755", 0),
        ("models/b/c", True, "0o755", 0),
        ("models/b/c/run.sh", False, "0o755", 3),
        ("models/b/d", False, "0o644", 0),
    ]
    assert {(m.uid, m.gid, m.mtime, m.uname, m.gname) for m in members} == {
        (0, 0, 0, "", "")
    }
    assert layer.size == len(_zeros(layer.frames))
    assert layer.size % 512 == 0


@pytest.mark.parametrize("size", [8 << 30, (8 << 30) - 1, 5 << 40])
def test_a_header_holds_any_size(size: int) -> None:
    (layer,) = car_layers([File("weights.safetensors", size)])
    head, _, _ = layer.frames[0]
    header = tarfile.TarInfo.frombuf(head[-512:], "utf-8", "strict")
    assert (header.name, header.size) == ("models/weights.safetensors", size)


@given(st.lists(st.integers(1, 200), min_size=1, max_size=3, unique=True))
def test_long_names_are_kept(lengths: list[int]) -> None:
    files = [File("ü" * (n // 2) + "x/" * 20 + "x" * n, n) for n in lengths]
    (layer,) = car_layers(files)
    with tarfile.open(fileobj=io.BytesIO(_zeros(layer.frames))) as tar:
        found = {m.name: m.size for m in tar if m.isfile()}
    assert found == {f"models/{file.path}": file.size for file in files}


def test_small_files_share_a_layer_and_each_large_one_has_its_own() -> None:
    files = [
        File("z", 33 * MIB),
        File("a", 33 * MIB),
        File("c", 32 * MIB),
        File("d", 1),
    ]
    layers = car_layers(files)
    assert [[f.path for f in layer.files] for layer in layers] == [
        ["c", "d"],
        ["a"],
        ["z"],
    ]
    assert car_layers(files[::-1]) == layers


@pytest.mark.parametrize("count", [100, 101, 250, 1000])
def test_there_are_never_more_layers_than_a_runtime_stacks(count: int) -> None:
    layers = car_layers([File(f"{n:04}", 40 * MIB) for n in range(count)])
    assert len(layers) <= 100
    assert [f.path for layer in layers for f in layer.files] == [
        f"{n:04}" for n in range(count)
    ]


@pytest.mark.parametrize("path", ["../x", "/x", "a//b", "a/../b"])
def test_a_path_that_leads_out_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput):
        car_layers([File(path, 1)])


def test_an_image_has_no_artifact_type_and_names_its_model() -> None:
    layers = car_layers([File("a", 1)])
    manifest, config = build_car(layers, [Digest.of(b"tar")], DIGEST)
    assert b"artifactType" not in manifest.raw
    assert manifest.config == Descriptor.of(config, IMAGE_CONFIG)
    assert manifest.annotations == {CAR: str(DIGEST)}
    assert [layer.media_type for layer in manifest.layers] == [LAYER]


def test_what_each_consumer_sees() -> None:
    manifest, _ = build_car(car_layers([File("a", 1)]), [Digest.of(b"tar")], DIGEST)
    assert {c for c in Consumer if sight(manifest, c).sees} == {
        Consumer.CRI_O,
        Consumer.CONTAINERD,
        Consumer.KSERVE,
    }
    unknown = Manifest.build(
        artifact_type="", config=manifest.config, layers=manifest.layers
    )
    assert not any(sight(unknown, consumer).sees for consumer in Consumer)
    other = Manifest.build(
        artifact_type="application/x", config=manifest.config, layers=manifest.layers
    )
    assert not any(sight(other, consumer).sees for consumer in Consumer)
    assert not is_car_of(manifest, manifest)


def _zeros(frames: tuple[tuple[bytes, int, bytes], ...]) -> bytes:
    return b"".join(head + bytes(size) + tail for head, size, tail in frames)
