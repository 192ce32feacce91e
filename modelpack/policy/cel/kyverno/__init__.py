"""The CEL libraries of Kyverno 1.19, as far as they reach nothing outside."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from modelpack.policy.cel.functions import Function
from modelpack.policy.cel.kyverno import (
    documents,
    hashes,
    images,
    numbers,
    objects,
    outside,
    times,
)

__all__ = ["certificate_functions", "image_functions", "kyverno_functions"]


def kyverno_functions(now: Callable[[], dt.datetime]) -> Sequence[Function]:
    """Return what every policy may use; the rest of it is refused by name."""
    return (
        *documents.FUNCTIONS,
        *hashes.FUNCTIONS,
        *images.FUNCTIONS,
        *numbers.FUNCTIONS,
        *objects.FUNCTIONS,
        *outside.FUNCTIONS,
        *times.time_functions(now),
    )


def image_functions() -> Sequence[Function]:
    """Return what `matchImageReferences` may use."""
    return images.FUNCTIONS


def certificate_functions() -> Sequence[Function]:
    """Return what only a ValidatingPolicy may use."""
    return outside.CERTIFICATES
