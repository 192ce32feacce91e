"""push --modelcar, and what check says of it."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from modelpack.model.car import CAR
from tests.cli.test_commands import run

SMALL = b"{}"
LARGE = (33 << 20) + 7


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "deep").mkdir(parents=True)
    (folder / "config.json").write_bytes(SMALL)
    (folder / "deep/weights.bin").write_bytes(bytes(range(251)) * (LARGE // 251 + 1))
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    return folder


def blobs(layout: Path, tag: str) -> tuple[dict[str, str], list[bytes]]:
    index = json.loads((layout / "index.json").read_bytes())
    (entry,) = [
        each
        for each in index["manifests"]
        if each.get("annotations", {}).get("org.opencontainers.image.ref.name") == tag
    ]

    def blob(digest: str) -> bytes:
        return (layout / "blobs/sha256" / digest.partition(":")[2]).read_bytes()

    manifest = json.loads(blob(entry["digest"]))
    assert json.loads(blob(manifest["config"]["digest"]))["rootfs"]["diff_ids"] == [
        layer["digest"] for layer in manifest["layers"]
    ]
    layers = [blob(layer["digest"]) for layer in manifest["layers"]]
    return manifest["annotations"], layers


def test_the_image_holds_every_file_byte_for_byte(tmp_path: Path, model: Path) -> None:
    place = f"oci:{tmp_path / 'layout'}:1"
    pushed = run(tmp_path, "push", "--modelcar", "--format", "json", model, place)
    assert pushed.returncode == 0, pushed.stderr
    annotations, layers = blobs(tmp_path / "layout", "1-car")
    assert annotations == {CAR: json.loads(pushed.stdout)["digest"]}
    assert len(layers) == 2
    out = tmp_path / "out"
    for layer in layers:
        with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
            for member in tar:
                tar.extract(member, out, filter="tar")
    paths = sorted(p.relative_to(model) for p in model.rglob("*") if p.is_file())
    there = sorted(
        p.relative_to(out / "models")
        for p in (out / "models").rglob("*")
        if p.is_file()
    )
    assert there == paths
    for path in paths:
        assert (out / "models" / path).read_bytes() == (model / path).read_bytes()
    assert (out / "models/run.sh").stat().st_mode & 0o777 == 0o755


def test_the_same_files_give_the_same_image_anywhere(
    tmp_path: Path, registry: str, model: Path
) -> None:
    first = run(tmp_path, "push", "--modelcar", "--format=json", model, "oci:one:1")
    place = f"{registry}/team/model"
    arguments = ("push", "--modelcar", "--format=json", model, f"{place}:other")
    sent, again = run(tmp_path, *arguments), run(tmp_path, *arguments)
    cars = [json.loads(done.stdout)["car"] for done in (first, sent, again)]
    assert len({car.rpartition("@")[2] for car in cars}) == 1
    assert "exists" in again.stderr
    assert "pushed" not in again.stderr
    listed = run(tmp_path, "ls", place)
    assert listed.stdout.split() == ["other", "other-car"]


def test_both_are_signed(tmp_path: Path, registry: str, model: Path) -> None:
    place = f"{registry}/team/model"
    environment = {"MODELPACK_PASSWORD": "x"}
    run(tmp_path, "key", "generate", **environment)
    done = run(
        tmp_path,
        *(
            "push",
            "--modelcar",
            "--sign",
            "--key",
            "modelpack.key",
            model,
            f"{place}:1",
        ),
        **environment,
    )
    assert done.returncode == 0, done.stderr
    for tag in ("1", "1-car"):
        verified = run(tmp_path, "verify", "--key", "modelpack.pub", f"{place}:{tag}")
        assert verified.returncode == 0, verified.stderr


def test_check_says_who_sees_what(tmp_path: Path, registry: str, model: Path) -> None:
    place = f"{registry}/team/model"
    pushed = run(tmp_path, "push", model, f"{place}:1").stdout.strip()
    alone = run(tmp_path, "check", f"{place}:1")
    assert alone.returncode == 0
    lines = dict(line.split(maxsplit=1) for line in alone.stdout.splitlines())
    assert lines["cri-o"].startswith(f"{pushed}: 3 files")
    assert lines["csi"].startswith(f"{pushed}: 3 files")
    assert "would mount it empty" in lines["containerd"]
    assert lines["kserve"].startswith("nothing to mount")
    refused = run(tmp_path, "check", "--for", "containerd", f"{place}:1")
    assert refused.returncode == 2
    assert "push --modelcar" in refused.stderr
    both = run(tmp_path, "push", "--modelcar", "--format=json", model, f"{place}:1")
    car = json.loads(both.stdout)["car"]
    good = run(
        tmp_path, "check", "--for", "containerd", "--for", "kserve", f"{place}:1"
    )
    assert good.returncode == 0, good.stderr
    assert [line.split()[1] for line in good.stdout.splitlines()] == [f"{car}:"] * 2
    assert run(tmp_path, "check", "--for", "csi", f"{place}:1-car").returncode == 2


def test_an_image_of_another_model_does_not_count(
    tmp_path: Path, registry: str, model: Path
) -> None:
    place = f"{registry}/team/model"
    run(tmp_path, "push", "--modelcar", model, f"{place}:1")
    (model / "config.json").write_text("{} ")
    run(tmp_path, "push", model, f"{place}:1")
    refused = run(tmp_path, "check", "--for", "kserve", f"{place}:1")
    assert refused.returncode == 2


def test_parts_are_not_joined_by_who_mounts_but_the_image_has_whole_files(
    tmp_path: Path, registry: str, model: Path
) -> None:
    place = f"{registry}/team/model:1"
    run(tmp_path, "push", "--modelcar", "--split", "16MiB", model, place)
    refused = run(tmp_path, "check", "--for", "csi", place)
    assert refused.returncode == 2
    assert "not join them" in refused.stderr
    whole = run(tmp_path, "check", "--for", "containerd", "--for", "cri-o", place)
    assert whole.returncode == 0, whole.stderr
