"""The proof that a policy accepted a digest.

Whatever hands out model bytes asks for an ``Admitted``, and only this room makes
one. A policy sees a manifest before any layer is read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import InitVar, dataclass
from typing import TYPE_CHECKING, Final, Protocol

from modelpack.errors import PolicyDenied
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Manifest

if TYPE_CHECKING:
    from modelpack.policy.evaluation.house import Verdict

_SEAL: Final = object()


@dataclass(frozen=True, slots=True)
class Admitted:
    """Proof that ``policy`` accepted this manifest. Only a policy makes one."""

    manifest: Manifest
    policy: str
    # Not kept: dataclasses.replace would pass it on to whatever is said instead.
    seal: InitVar[object] = None

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
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


@dataclass(frozen=True, slots=True)
class AllOf:
    """Admits what each of some policies admits. There is at least one."""

    policies: tuple[Policy, ...]

    def __post_init__(self) -> None:
        # None would admit everything, and by accident.
        if not self.policies:
            raise ValueError("at least one policy")

    def admit(self, manifest: Manifest) -> Admitted:
        names = [policy.admit(manifest).policy for policy in self.policies]
        return Admitted(manifest, ", ".join(dict.fromkeys(names)), _SEAL)


def admitted_by(verdict: Verdict, manifest: Manifest, policies: str) -> Admitted:
    """Return the proof that policies admitted a manifest, or raise with every reason.

    The verdict has to be about this very digest: that of the manifest, verified.
    """
    digest = manifest.descriptor.digest
    refusals = list(verdict.refusals)
    if not refusals and digest not in verdict.verified.values():
        refusals = [f"no policy has verified {digest}"]
    if refusals:
        raise PolicyDenied(
            "; ".join(refusals), where=str(digest), hint="modelpack policy check"
        )
    return Admitted(manifest, policies, _SEAL)
