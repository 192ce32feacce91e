"""A tensor as a file's header tells of it, whatever the format."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Tensor", "parameters"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """``length`` bytes at ``offset`` of the file, outermost dimension first.

    ``dtype`` is the format's own word: ``BF16`` in safetensors, ``Q4_K`` in GGUF.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    length: int

    @property
    def elements(self) -> int:
        """Count what is stored; packed quantised weights hold more than that."""
        return math.prod(self.shape)


def parameters(tensors: Iterable[Tensor]) -> Mapping[str, int]:
    """Count the stored elements of each dtype, the largest count first."""
    counts: Counter[str] = Counter()
    for tensor in tensors:
        counts[tensor.dtype] += tensor.elements
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
