"""The CEL libraries of Kubernetes, as Kyverno 1.19 has them (apiserver 0.36)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from modelpack.policy.cel.functions import Function
from modelpack.policy.cel.kubernetes import (
    addresses,
    formats,
    lists,
    quantity,
    regex,
    semver,
    urls,
)

__all__ = ["kubernetes_functions"]

_LIBRARIES: Final = (addresses, formats, lists, quantity, regex, semver, urls)


def kubernetes_functions() -> Sequence[Function]:
    """Return the functions of all libraries."""
    return [function for library in _LIBRARIES for function in library.FUNCTIONS]
