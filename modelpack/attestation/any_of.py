"""Several who may sign: one of them has to have done it."""

from __future__ import annotations

from dataclasses import dataclass

from modelpack.attestation.bundle import Bundle
from modelpack.attestation.evidence import Proven, Verifier
from modelpack.errors import InvalidInput, VerificationError


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Implements ``Verifier``: accepts what one of ``verifiers`` accepts."""

    verifiers: tuple[Verifier, ...]

    def verify(self, bundle: Bundle) -> Proven:
        """Try each in turn; ``VerificationError`` has every reason."""
        reasons = []
        for verifier in self.verifiers:
            try:
                return verifier.verify(bundle)
            except (VerificationError, InvalidInput) as error:
                reasons.append(str(error))
        raise VerificationError("; ".join(dict.fromkeys(reasons)) or "nobody may sign")
