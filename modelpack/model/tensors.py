"""The tensors of a file, whatever its format."""

from __future__ import annotations

from collections.abc import Sequence

from modelpack.formats.kind import Kind, kind_of
from modelpack.formats.tensor import Tensor
from modelpack.formats.weights.gguf import parse_gguf
from modelpack.formats.weights.safetensors import parse_safetensors
from modelpack.formats.window import Window


def tensors_of(window: Window) -> Sequence[Tensor]:
    """Return what a file's header lists; nothing for a format without one."""
    kind = kind_of(window)
    if kind is Kind.SAFETENSORS:
        return parse_safetensors(window).tensors
    if kind is Kind.GGUF:
        return parse_gguf(window).tensors
    return ()
