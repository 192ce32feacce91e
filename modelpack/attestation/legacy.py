"""cosign's older signatures: a layer of an image under the tag ``sha256-….sig``.

sigstore/cosign, ``specs/SIGNATURE_SPEC.md``: the payload says which manifest it is
about, and the signature, over the payload's bytes, is an annotation of the layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from modelpack.attestation.predicates import SIGNATURE
from modelpack.attestation.statement import Statement, Subject
from modelpack.errors import VerificationError
from modelpack.oci.digest import Digest
from modelpack.oci.fields import Fields
from modelpack.oci.manifest import compact

PAYLOAD: Final = "application/vnd.dev.cosign.simplesigning.v1+json"
ENVELOPE: Final = "application/vnd.dsse.envelope.v1+json"
SIGNATURE_ANNOTATION: Final = "dev.cosignproject.cosign/signature"
PREDICATE_ANNOTATION: Final = "predicateType"
_TYPE: Final = "cosign container image signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleSigning:
    """A payload and the signature over its very bytes."""

    payload: bytes
    signature: bytes

    @property
    def signed(self) -> bytes:
        """The bytes that the signature covers."""
        return self.payload

    def statement(self) -> Statement:
        """Return what the payload means, as the statement that cosign 3 makes of it."""
        fields = Fields.of_json(self.payload, where="payload")
        critical = Fields(fields.get("critical"), fields.path("critical"))
        if critical.text("type") != _TYPE:
            raise VerificationError(
                f"{critical.text('type')[:160]!r} is not a signature",
                where=critical.path("type"),
            )
        image = Fields(critical.get("image"), critical.path("image"))
        digest = image.parsed("docker-manifest-digest", Digest.parse)
        optional = fields.get("optional") if fields.has("optional") else {}
        said = Fields(optional, fields.path("optional"))
        subject = Subject(
            digests={digest.algorithm: digest.hex},
            annotations={name: said.get(name) for name in said},
        )
        return Statement(
            raw=self.payload,
            subjects=(subject,),
            predicate_type=SIGNATURE,
            predicate={},
        )


def payload(digest: Digest, repository: str, optional: Mapping[str, str]) -> bytes:
    """Write the payload that says: this manifest is approved."""
    return compact(
        {
            "critical": {
                "identity": {"docker-reference": repository},
                "image": {"docker-manifest-digest": str(digest)},
                "type": _TYPE,
            },
            "optional": dict(sorted(optional.items())) or None,
        }
    )
