"""What a policy asks the world about images: ports, which workflows implement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from modelpack.attestation.evidence import VerifiedStatement
from modelpack.oci.digest import Digest
from modelpack.policy.image_reference import ImageReference
from modelpack.policy.kyverno.attestor import Attestor

__all__ = ["Evidence", "Image", "Signed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An artifact as Kyverno sees one: its manifest and its config, both JSON."""

    digest: Digest
    manifest: Mapping[str, object]
    config: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What one attestor has signed about an image.

    ``statements`` are in the order in which the registry lists them. ``older``: there
    is no bundle, of anybody, but a signature of this attestor in cosign's older form.
    ``unreadable``: a signature holds over a statement whose predicate is no object.
    ``set_aside`` says of each bundle that counts for nothing why.
    """

    statements: tuple[VerifiedStatement, ...] = ()
    older: bool = False
    unreadable: bool = False
    set_aside: tuple[str, ...] = ()


class Evidence(Protocol):
    """Looks at images. Raises ``ModelpackError`` where it cannot: that refuses."""

    def image(self, reference: ImageReference) -> Image:
        """Fetch an artifact's manifest and config; the digest is that of the former."""
        ...

    def signed(self, reference: ImageReference, attestor: Attestor) -> Signed:
        """Gather what an attestor has signed, and check it."""
        ...
