"""The image of a model's files is unpacked by the tools of images, byte for byte."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from tests.interop.desk import Desk
from tests.interop.models import content, executables, real_model, small_model
from tests.interop.readers import skopeo_layout
from tests.interop.registries import Running

pytestmark = pytest.mark.interop


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "read"


def unpack(tar: bytes, into: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        for member in archive:
            archive.extract(member, into, filter="tar")


def test_crane_exports_the_files_of_the_image(
    modern_registry: Running, desk: Desk, tmp_path: Path, into: Path
) -> None:
    model = small_model(tmp_path / "model")
    reference = f"{modern_registry.host}/team/model:v1"
    desk.modelpack("push", "--modelcar", model, reference)
    exported = desk.peer("crane", "export", "--insecure", f"{reference}-car", "-")
    unpack(exported.out, into)
    assert [path.name for path in into.iterdir()] == ["models"]
    assert content(into / "models") == content(model)
    assert executables(into / "models") == ["run.sh"]


def test_skopeo_copies_the_image_of_a_real_model_and_its_layers_unpack(
    modern_registry: Running, desk: Desk, into: Path
) -> None:
    model = real_model()
    reference = f"{modern_registry.host}/team/minilm:v1"
    desk.modelpack("push", "--modelcar", model, reference)
    layout = skopeo_layout(desk, f"{reference}-car")
    (entry,) = json.loads((layout / "index.json").read_bytes())["manifests"]
    manifest = json.loads(blob(layout, entry["digest"]))
    for layer in manifest["layers"]:
        unpack(blob(layout, layer["digest"]), into)
    assert content(into / "models") == content(model)


def test_cosign_verifies_the_image_too(
    modern_registry: Running, desk: Desk, tmp_path: Path
) -> None:
    model = small_model(tmp_path / "model")
    reference = f"{modern_registry.host}/team/model:v1"
    told = desk.told(MODELPACK_PASSWORD="x", COSIGN_PASSWORD="x")
    told.modelpack("key", "generate")
    told.modelpack(
        "push", "--modelcar", "--sign", "--key", "modelpack.key", model, reference
    )
    verify = ("--key", "modelpack.pub", "--insecure-ignore-tlog=true")
    told.peer("cosign", "verify", *verify, f"{reference}-car")


def blob(layout: Path, digest: str) -> bytes:
    return (layout / "blobs/sha256" / digest.partition(":")[2]).read_bytes()
