"""The embedded registry: distribution-spec 1.1 over image layouts on a disk."""

from __future__ import annotations

from modelpack.serve.registry.server import RegistryServer

__all__ = ["RegistryServer"]
