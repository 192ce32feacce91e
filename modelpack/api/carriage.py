"""How a model would come into a cluster: what policies judge it as."""

from __future__ import annotations

from dataclasses import dataclass

from modelpack.policy.objects import Carrier

__all__ = ["Carriage", "Carrier"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Carriage:
    """What would carry a model, and into which namespace.

    ``known_as`` is the repository whose name policies know it by; without it, where
    it lies, which has to be in a registry.
    """

    carrier: Carrier = Carrier.VOLUME
    namespace: str = "default"
    known_as: str = ""
