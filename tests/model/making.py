"""Makes models in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping

from modelpack.formats.window import Window
from modelpack.model.build import Description, build_config, build_manifest
from modelpack.model.facts import ModelFacts, combine, examine
from modelpack.model.files import PackedFile, pack, split_points
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Manifest

CARD = b"""---
license: apache-2.0
base_model: org/base
pipeline_tag: text-generation
language: [en, de, zh-Hans]
model_name: Tiny
---
# Tiny
"""


def safetensors(**tensors: tuple[str, int]) -> bytes:
    """Return a file whose tensors each have a dtype and a number of elements."""
    sizes = {"F32": 4, "BF16": 2, "F16": 2, "I64": 8, "I32": 4, "U8": 1}
    header, at = {}, 0
    for name, (dtype, count) in tensors.items():
        end = at + sizes[dtype] * count
        header[name] = {"dtype": dtype, "shape": [count], "data_offsets": [at, end]}
        at = end
    raw = json.dumps(header).encode()
    return len(raw).to_bytes(8, "little") + raw + bytes(at)


FILES: Mapping[str, bytes] = {
    "README.md": CARD,
    "config.json": b'{"architectures": ["TinyLM"], "model_type": "tiny"}',
    "model.safetensors": safetensors(a=("BF16", 3000), ids=("I64", 4)),
    "tokenizer/vocab.txt": b"a\nb\n",
}


def packed(path: str, content: bytes, split: int = 0) -> PackedFile:
    """Pack one file as a push does."""
    parts = [Digest.of(content[a:b]) for a, b in split_points(len(content), split)]
    return pack(
        path,
        size=len(content),
        digest=Digest.of(content),
        executable=path.endswith(".sh"),
        category=examine(Window.of(content, path)).category,
        split=split,
        parts=parts,
    )


def facts(files: Mapping[str, bytes]) -> ModelFacts:
    """Examine all files."""
    return combine(examine(Window.of(data, path)) for path, data in files.items())


def config(
    files: Mapping[str, bytes] = FILES,
    *,
    created: str = "",
    description: Description | None = None,
    split: int = 0,
) -> bytes:
    """Write the config of a model."""
    return build_config(
        facts(files),
        [packed(path, content, split) for path, content in files.items()],
        created=created,
        description=description or Description(),
    )


def manifest(files: Mapping[str, bytes] = FILES, *, split: int = 0) -> Manifest:
    """Write the manifest of a model."""
    whole = [packed(path, content, split) for path, content in files.items()]
    return build_manifest(whole, config(files, split=split))
