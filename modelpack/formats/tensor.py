"""A tensor as a file's header tells of it, whatever the format."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["Tensor", "modules", "parameters"]


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


_MOST_MODULES: Final = 64


def modules(tensors: Iterable[Tensor]) -> Mapping[str, int]:
    """Count the stored elements of each part of a network, the largest first.

    The layers of a stack are one part: ``encoder.layer.*.attention``. Beyond 64 parts
    the small ones are left out.
    """
    counts: Counter[str] = Counter()
    for tensor in tensors:
        counts[_module(tensor.name)] += tensor.elements
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return dict(ordered[:_MOST_MODULES])


def _module(name: str) -> str:
    """Return the part that a tensor's name puts it into."""
    parts = name.split(".")
    numbered = [i for i, part in enumerate(parts) if part.isascii() and part.isdigit()]
    if not numbered:
        return ".".join(parts[:2] if len(parts) > 2 else parts[:1])  # noqa: PLR2004
    first = numbered[0]
    return ".".join([*parts[:first], "*", *parts[first + 1 : first + 2]])
