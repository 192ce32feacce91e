"""What a push refuses before it sends anything."""

from pathlib import Path

import pytest

from modelpack.api import push
from modelpack.api.settings import Settings
from modelpack.errors import InvalidInput
from modelpack.oci.manifest import MAX_BYTES


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(bytes(1000))
    return folder


def blobs(layout: Path) -> list[Path]:
    return [path for path in layout.rglob("blobs/*/*") if path.is_file()]


def test_a_manifest_that_no_registry_takes(tmp_path: Path, model: Path) -> None:
    with pytest.raises(InvalidInput, match=f"registries take {MAX_BYTES}"):
        push(
            model,
            f"oci:{tmp_path / 'layout'}:1",
            annotations={f"note-{i}": "x" * 1000 for i in range(MAX_BYTES // 1000)},
            settings=Settings(),
        )
    assert blobs(tmp_path / "layout") == []


def test_a_part_with_the_name_of_another_file(tmp_path: Path, model: Path) -> None:
    (model / "weights.bin.part-00001-of-00002").write_bytes(b"in the way")
    with pytest.raises(InvalidInput, match="part-00001-of-00002"):
        push(model, f"oci:{tmp_path / 'layout'}:1", split=500, settings=Settings())
    assert blobs(tmp_path / "layout") == []
