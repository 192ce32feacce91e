"""What a predicate of a known type has to have: so that none is signed as another.

No more than what its specification demands of every one: whoever reads it judges the
rest. Types that are not here say what they like.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from modelpack.attestation.predicates import BOM, PROVENANCE, SCAN, TYPES
from modelpack.errors import InvalidInput

__all__ = ["check_predicate"]

# A field's name: its type, or the texts that it can be.
_Form = Mapping[str, type | tuple[str, ...]]
_FORMS: Final[Mapping[str, _Form]] = {
    # CycloneDX 1.x, JSON.
    BOM: {"bomFormat": ("CycloneDX",), "specVersion": str},
    # SPDX 2.x, JSON; and 3.0.1, "Serialization".
    TYPES["spdx"]: {"spdxVersion": str, "SPDXID": str},
    TYPES["spdx3"]: {"@context": str, "@graph": list},
    # SLSA v1.0 and v0.2, "Provenance"; v1, "Verification Summary Attestation".
    PROVENANCE: {"buildDefinition": dict, "runDetails": dict},
    TYPES["slsaprovenance02"]: {"builder": dict, "buildType": str},
    TYPES["vsa"]: {
        "verifier": dict,
        "timeVerified": str,
        "resourceUri": str,
        "policy": dict,
        "verificationResult": ("PASSED", "FAILED"),
    },
    # in-toto/attestation, spec/predicates.
    TYPES["test-result"]: {"result": ("PASSED", "WARNED", "FAILED")},
    TYPES["svr"]: {"verifier": dict, "timeCreated": str, "properties": list},
    TYPES["vulns"]: {"scanner": dict, "metadata": dict},
    # sigstore/cosign, specs/COSIGN_VULN_ATTESTATION_SPEC.md.
    SCAN: {"scanner": dict},
    # openvex/spec.
    TYPES["openvex"]: {"@context": str, "statements": list},
}
_NAMES: Final[Mapping[type, str]] = {str: "a text", dict: "an object", list: "a list"}


def check_predicate(predicate_type: str, predicate: Mapping[str, object]) -> None:
    """Raise ``InvalidInput`` where a predicate is not of the type it is to be."""
    for field, wanted in _FORMS.get(predicate_type, {}).items():
        value = predicate.get(field)
        fits = (
            value in wanted if isinstance(wanted, tuple) else isinstance(value, wanted)
        )
        if not fits:
            shown = " or ".join(wanted) if isinstance(wanted, tuple) else _NAMES[wanted]
            raise InvalidInput(
                f"{'is missing' if field not in predicate else 'is something else'}; "
                f"a predicate of type {predicate_type} has {shown} there",
                where=f"predicate.{field}",
            )
