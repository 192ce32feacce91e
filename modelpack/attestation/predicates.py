"""What a statement can say: predicate types, and the short names for them.

The names are those of ``cosign attest --type``, and a few more.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from modelpack.errors import InvalidInput

SIGNATURE: Final = "https://sigstore.dev/cosign/sign/v1"
MODEL_SIGNATURE: Final = "https://model_signing/signature/v1.0"
PROVENANCE: Final = "https://slsa.dev/provenance/v1"
CUSTOM: Final = "https://cosign.sigstore.dev/attestation/v1"
SCAN: Final = "https://cosign.sigstore.dev/attestation/vuln/v1"
BOM: Final = "https://cyclonedx.org/bom"
# Names and no addresses: nobody's web site has to stay for them to mean something.
FACTS: Final = "urn:modelpack:facts:v1"
CARD: Final = "urn:modelpack:card:v1"

TYPES: Final = {
    "card": CARD,
    "custom": CUSTOM,
    "cyclonedx": BOM,
    "facts": FACTS,
    "link": "https://in-toto.io/Link/v1",
    "openvex": "https://openvex.dev/ns",
    "slsaprovenance": "https://slsa.dev/provenance/v0.2",
    "slsaprovenance02": "https://slsa.dev/provenance/v0.2",
    "slsaprovenance1": PROVENANCE,
    "spdx": "https://spdx.dev/Document",
    "spdxjson": "https://spdx.dev/Document",
    "spdx3": "https://spdx.dev/Document/v3",
    "svr": "https://in-toto.io/attestation/svr/v0.2",
    "test-result": "https://in-toto.io/attestation/test-result/v0.1",
    "vsa": "https://slsa.dev/verification_summary/v1",
    "vuln": SCAN,
    "vulns": "https://in-toto.io/attestation/vulns/v0.2",
}

_LONGEST: Final = 512


def predicate_type(name: str) -> str:
    """Return the URI that a short name stands for; a URI stands for itself."""
    if name in TYPES:
        return TYPES[name]
    if len(name) > _LONGEST or not _is_uri(name):
        raise InvalidInput(
            f"{name[:160]!r} is no predicate type",
            hint=f"a URI, or one of {', '.join(TYPES)}",
        )
    return name


# What each says, for people.
_WORDS: Final = {uri: word for word, uri in reversed(TYPES.items())} | {
    BOM: "bill of materials",
    CARD: "model card",
    MODEL_SIGNATURE: "model signature",
    PROVENANCE: "provenance",
    SCAN: "scan",
    SIGNATURE: "signature",
}


def word_for(kind: str) -> str:
    """Return what people call a predicate type; an unknown one is its own word."""
    return _WORDS.get(kind, kind)


def _is_uri(name: str) -> bool:
    try:
        parts = urlsplit(name)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path))
