"""The proof that a policy accepted a digest.

Whatever hands out model bytes asks for an ``Admitted``, and only this room makes
one. A policy sees a manifest before any layer is read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Manifest

_SEAL: Final = object()


@dataclass(frozen=True, slots=True)
class Admitted:
    """Proof that ``policy`` accepted this manifest. Only a policy makes one."""

    manifest: Manifest
    policy: str
    _seal: object = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self._seal is not _SEAL:
            raise TypeError("only a policy admits; there is no other way in")

    @property
    def digest(self) -> Digest:
        return self.manifest.descriptor.digest


class Policy(Protocol):
    """Judges a manifest; raises ``PolicyDenied`` with every reason, or admits."""

    def admit(self, manifest: Manifest) -> Admitted: ...


@dataclass(frozen=True, slots=True)
class UnsafeAdmitAll:
    """Admits everything, and says so each time. For when there is no policy."""

    warn: Callable[[str], None]

    def admit(self, manifest: Manifest) -> Admitted:
        digest = manifest.descriptor.digest
        self.warn(f"{digest} is admitted without a policy: nothing says who made it")
        return Admitted(manifest, "unsafe-admit-all", _SEAL)
