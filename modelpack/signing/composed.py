"""A Sigstore trusted root from what a policy names one by one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding

from modelpack.attestation.wire import encoded
from modelpack.errors import InvalidInput
from modelpack.oci.fields import Fields
from modelpack.oci.manifest import compact
from modelpack.policy.kyverno.attestor import Attestor, Keyless
from modelpack.signing.certificate import certificates_of
from modelpack.signing.public_key import PublicKey

__all__ = ["composed_root"]

_MEDIA_TYPE: Final = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
_ALWAYS: Final = {"start": "1970-01-01T00:00:00Z"}


def composed_root(attestor: Attestor, by: Keyless) -> bytes | None:
    """Return the trusted root of an attestor; None for that of the public Sigstore.

    ``trustedRoot``, in which ``roots`` and the keys of ``ctlog`` replace what is of
    their kind. Without it they have to name a whole Sigstore: an authority, a
    certificate log and a transparency log.
    """
    parts = _parts(attestor, by)
    if attestor.trusted_root:
        document = Fields.of_json(
            attestor.trusted_root.encode(), where=f"{by.where}: trustedRoot"
        )
        return compact({**document.members, **parts})
    if not parts:
        return None
    missing = {"certificateAuthorities", "ctlogs", "tlogs"} - set(parts)
    if missing:
        raise InvalidInput(
            "roots, ctlog.ctLogPubKey and ctlog.rekorPubKey go together",
            where=by.where,
            hint="or write all of it into trustedRoot",
        )
    return compact({"mediaType": _MEDIA_TYPE, **parts})


def _parts(attestor: Attestor, by: Keyless) -> Mapping[str, object]:
    log = attestor.log
    parts: dict[str, object] = {}
    if by.roots:
        parts["certificateAuthorities"] = [_authority(by.roots, f"{by.where}.roots")]
    if log.ct_log_key:
        parts["ctlogs"] = [_log(log.ct_log_key, "ctlog.ctLogPubKey")]
    if log.rekor_key:
        parts["tlogs"] = [_log(log.rekor_key, "ctlog.rekorPubKey")]
    if log.tsa_chain:
        parts["timestampAuthorities"] = [
            _authority(log.tsa_chain, "ctlog.tsaCertChain")
        ]
    return parts


def _authority(pem: str, where: str) -> Mapping[str, object]:
    chain = [
        {"rawBytes": encoded(each.public_bytes(Encoding.DER))}
        for each in certificates_of(pem.encode(), where)
    ]
    return {"certChain": {"certificates": chain}, "validFor": _ALWAYS}


def _log(pem: str, where: str) -> Mapping[str, object]:
    key = PublicKey.parse(pem.encode(), where)
    # RFC 6962, 3.2: a log's name is the hash of its key; Rekor v1 has it so as well.
    return {
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": encoded(key.der),
            "keyDetails": key.details,
            "validFor": _ALWAYS,
        },
        "logId": {"keyId": encoded(hashlib.sha256(key.der).digest())},
    }
