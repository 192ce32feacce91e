"""One small directory has one digest, on every machine and for ever."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelpack.disk.file import FileContent
from modelpack.disk.source.tree import list_model
from modelpack.model.build import build_config, build_manifest
from modelpack.model.facts import combine, examine
from modelpack.model.files import pack
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Manifest
from tests.model.making import FILES

GOLDEN = "sha256:a5e79388389f3598c97438730a4bfe202ab96238f8344c9d823c2e89e291419f"


def push(root: Path) -> Manifest:
    files, facts = [], []
    for file in list_model(root):
        with FileContent(file) as content:
            facts.append(examine(content.window()))
            whole = b"".join(map(bytes, content.blocks(0, file.size)))
        files.append(
            pack(
                file.path,
                size=file.size,
                digest=Digest.of(whole),
                executable=file.executable,
                category=facts[-1].category,
            )
        )
    return build_manifest(files, build_config(combine(facts), files))


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("mtime", [0, 1_700_000_000])
def test_neither_times_nor_umask_nor_order_change_the_digest(
    tmp_path: Path, *, mask: int, backwards: bool, mtime: int
) -> None:
    before = os.umask(mask)
    try:
        for name in sorted([*FILES, "bin/run.sh"], reverse=backwards):
            path = tmp_path / "model" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(FILES.get(name, b"#!/bin/sh\n"))
            if name.endswith(".sh"):
                path.chmod(path.stat().st_mode | 0o100)
            os.utime(path, (mtime, mtime))
    finally:
        os.umask(before)
    assert str(push(tmp_path / "model").descriptor.digest) == GOLDEN


def test_composed_and_decomposed_names_give_one_digest(tmp_path: Path) -> None:
    digests = set()
    for form in ("mod\u00e8le", "mode\u0300le"):
        root = tmp_path / str(len(form))
        root.mkdir()
        (root / form).write_bytes(b"x")
        digests.add(push(root).descriptor.digest)
    assert len(digests) == 1
