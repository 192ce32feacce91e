"""Which role a file plays."""

from __future__ import annotations

import pytest

from modelpack.formats.kind import Kind, kind_of
from modelpack.formats.window import Window
from modelpack.model.categories import category_of
from modelpack.model.layer_types import Category, layer_kind, raw_type


@pytest.mark.parametrize(
    ("path", "content", "category"),
    [
        ("README.md", b"# M", Category.DOC),
        ("sub/LICENSE", b"text", Category.DOC),
        ("LICENCE.txt", b"text", Category.DOC),
        ("USE_POLICY.md", b"text", Category.DOC),
        ("config.json", b"{}", Category.WEIGHT_CONFIG),
        ("model.safetensors.index.json", b"{}", Category.WEIGHT_CONFIG),
        ("vocab.txt", b"a\nb", Category.WEIGHT_CONFIG),
        ("merges.txt", b"a b", Category.WEIGHT_CONFIG),
        ("chat_template.jinja", b"{{ x }}", Category.WEIGHT_CONFIG),
        ("params.yaml", b"a: 1", Category.WEIGHT_CONFIG),
        ("requirements.txt", b"torch", Category.CODE),
        ("modeling.py", b"import torch", Category.CODE),
        ("run.sh", b"#!/bin/sh\n", Category.CODE),
        ("notes.ipynb", b"{}", Category.CODE),
        ("plugin.wasm", b"\0asm\x01\0\0\0", Category.CODE),
        ("train.csv", b"a,b\n", Category.DATASET),
        ("train.jsonl", b'{"a":1}\n', Category.DATASET),
        ("train.parquet", b"PAR1\0\1\2\xff", Category.DATASET),
        ("photo.png", b"\x89PNG\r\n\x1a\n", Category.DOC),
        ("__init__.py", b"", Category.CODE),
        ("model.onnx", b"\0\1\2\xff", Category.WEIGHT),
        ("model.bin", b"plain text", Category.WEIGHT),
        ("LICENSE", b"\xff\xfe\0\1", Category.WEIGHT),
        ("whatever", b"\xff\xfe\0\1", Category.WEIGHT),
        ("data.zip", b"PK\x05\x06" + bytes(18), Category.WEIGHT),
        ("training_args.bin", b"\x80\x02}q\x00.", Category.WEIGHT),
    ],
)
def test_content_decides_and_then_the_name(
    path: str, content: bytes, category: Category
) -> None:
    assert category_of(path, kind_of(Window.of(content, path))) is category


def test_every_kind_has_a_role() -> None:
    assert {category_of("x", kind) for kind in Kind} <= set(Category)


@pytest.mark.parametrize("category", Category)
def test_our_own_layer_types_are_read(category: Category) -> None:
    assert layer_kind(raw_type(category)) == (category, "raw")


@pytest.mark.parametrize(
    ("media_type", "expected"),
    [
        ("application/vnd.cnai.model.doc.v1.tar", (Category.DOC, "tar")),
        (
            "application/vnd.cncf.model.weight.config.v1.tar+zstd",
            (Category.WEIGHT_CONFIG, "tar+zstd"),
        ),
        ("application/vnd.cncf.model.weight.v1.gguf", None),
        ("application/vnd.cncf.model.weight.v1.raw+gzip", None),
        ("application/vnd.cncf.model.weight.v1.raw\n", None),
        ("", None),
    ],
)
def test_layer_types_of_the_specification_are_told_apart(
    media_type: str, expected: object
) -> None:
    assert layer_kind(media_type) == expected
