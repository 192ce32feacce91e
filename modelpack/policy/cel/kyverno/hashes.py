"""Digests of texts, in hexadecimal."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from modelpack.policy.cel.functions import Function, function
from modelpack.policy.cel.types import STRING

__all__ = ["FUNCTIONS"]


def _digest(algorithm: str) -> Callable[[str], str]:
    def digest(text: str) -> str:
        return hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest()

    return digest


# The names without a prefix are those of Kyverno before 1.18.
FUNCTIONS: Final[tuple[Function, ...]] = tuple(
    function(prefix + algorithm, (STRING,), STRING, _digest(algorithm))
    for algorithm in ("sha1", "sha256", "md5")
    for prefix in ("hash.", "")
)
