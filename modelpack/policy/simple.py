"""Policies that only ask who has signed, written as those of Kyverno are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from modelpack.attestation.predicates import SIGNATURE
from modelpack.policy.kyverno.documents import Documents, read_documents

__all__ = ["signed_by_identity", "signed_by_keys"]


def signed_by_keys(keys: Sequence[str], where: str) -> Documents:
    """Return the policy that one of these public keys, as PEM, has signed a model."""
    ctlog = {"insecureIgnoreTlog": True, "insecureIgnoreSCT": True}
    return _signed(
        [{"key": {"data": key}, "ctlog": ctlog} for key in keys], "keys", where
    )


def signed_by_identity(
    identity: str, issuer: str, trusted_root: str, where: str
) -> Documents:
    """Return the policy that an identity has signed a model keyless.

    Without a ``trusted_root`` that of the public Sigstore counts.
    """
    cosign: dict[str, object] = {
        "keyless": {"identities": [{"subject": identity, "issuer": issuer}]}
    }
    if trusted_root:
        cosign["trustedRoot"] = {"value": trusted_root}
    return _signed([cosign], "identity", where)


def _signed(
    cosigns: Sequence[Mapping[str, object]], name: str, where: str
) -> Documents:
    """Return a policy for whatever carries a model."""
    attestors = [
        {"name": f"signer{index}", "cosign": cosign}
        for index, cosign in enumerate(cosigns)
    ]
    names = ", ".join(f"attestors.{attestor['name']}" for attestor in attestors)
    # A signature, and no other statement: an SBOM by the same key is none.
    signed = f"verifyAttestationSignatures(m, attestations.signature, [{names}]) > 0"
    policy = {
        "apiVersion": "policies.kyverno.io/v1",
        "kind": "ImageValidatingPolicy",
        "metadata": {"name": name},
        "spec": {
            "evaluation": {"mode": "JSON"},
            "images": [{"name": "models", "expression": "[object.reference]"}],
            "attestors": attestors,
            "attestations": [{"name": "signature", "intoto": {"type": SIGNATURE}}],
            "validations": [
                {
                    "expression": f"images.models.all(m, {signed})",
                    "message": f"is not signed by who {where} names",
                }
            ],
        },
    }
    return read_documents(json.dumps(policy).encode(), where)
