"""How a file becomes layers."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.model.files import pack, split_points
from modelpack.model.layer_types import Category
from modelpack.oci.digest import Digest
from tests.model.making import packed


def test_a_whole_file_is_one_layer_that_every_reader_can_name() -> None:
    (piece,) = packed("bin/run.sh", b"#!/bin/sh\n").pieces
    annotations = dict(piece.descriptor.annotations)
    metadata = annotations.pop("org.cncf.model.file.metadata+json")
    assert annotations == {
        "org.opencontainers.image.title": "bin/run.sh",
        "org.cncf.model.filepath": "bin/run.sh",
    }
    assert metadata == (
        '{"name":"bin/run.sh","mode":493,"uid":0,"gid":0,"size":10,'
        '"mtime":"1970-01-01T00:00:00Z","typeflag":0}'
    )
    assert piece.descriptor.media_type == "application/vnd.cncf.model.code.v1.raw"
    assert (piece.offset, piece.descriptor.size) == (0, 10)


def test_what_may_not_be_executed_has_mode_0644() -> None:
    annotations = packed("x.json", b"{}").pieces[0].descriptor.annotations
    metadata = json.loads(annotations["org.cncf.model.file.metadata+json"])
    assert metadata["mode"] == 0o644


def test_parts_carry_what_joins_them_again() -> None:
    content = bytes(range(10))
    file = packed("w/m.bin", content, split=4)
    assert [piece.offset for piece in file.pieces] == [0, 4, 8]
    assert [piece.descriptor.size for piece in file.pieces] == [4, 4, 2]
    assert [piece.descriptor.digest for piece in file.pieces] == [
        Digest.of(content[a:b]) for a, b in ((0, 4), (4, 8), (8, 10))
    ]
    annotations = dict(file.pieces[2].descriptor.annotations)
    title = "w/m.bin.part-00003-of-00003"
    metadata = json.loads(annotations.pop("org.cncf.model.file.metadata+json"))
    assert (metadata["name"], metadata["size"]) == (title, 2)
    assert annotations == {
        "org.opencontainers.image.title": title,
        "org.cncf.model.filepath": title,
        "modelpack.part.path": "w/m.bin",
        "modelpack.part.digest": str(Digest.of(content)),
        "modelpack.part.size": "10",
        "modelpack.part.offset": "8",
    }


def test_a_file_that_fits_one_part_is_whole() -> None:
    assert packed("m", b"1234", split=4) == packed("m", b"1234")
    assert packed("empty", b"", split=4) == packed("empty", b"")


@given(st.integers(0, 1 << 50), st.integers(0, 1 << 50))
def test_split_points_cover_the_file_once(size: int, split: int) -> None:
    if split and size // split >= 10_000:
        with pytest.raises(InvalidInput, match="--split"):
            split_points(size + split, split)
        return
    points = split_points(size, split)
    assert points[0][0] == 0
    assert points[-1][1] == size
    assert all(a[1] == b[0] for a, b in pairwise(points))
    assert all(end > start for start, end in points) or size == 0


def test_a_name_too_long_for_its_parts_is_refused() -> None:
    assert packed("n" * 255, b"12").path == "n" * 255
    with pytest.raises(InvalidInput, match="longer than 255"):
        packed("n" * 250, b"12", split=1)


def test_parts_without_their_digests_are_a_fault_of_ours() -> None:
    with pytest.raises(ValueError, match="zip"):
        pack(
            "m",
            size=2,
            digest=Digest.of(b"12"),
            executable=False,
            category=Category.WEIGHT,
            split=1,
            parts=[Digest.of(b"1")],
        )
