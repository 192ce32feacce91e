"""In-toto statements: who says what about which artifact.

in-toto Attestation Framework, "Statement" layer, v1; v0.1 is read as well, since
``cosign attest`` still writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from modelpack.attestation.predicates import SIGNATURE
from modelpack.errors import VerificationError
from modelpack.oci.digest import Digest
from modelpack.oci.fields import Fields
from modelpack.oci.manifest import compact

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT: Final = "https://in-toto.io/Statement/v1"
_KNOWN: Final = (STATEMENT, "https://in-toto.io/Statement/v0.1")
_MOST_SUBJECTS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a statement is about. ``digests`` maps algorithms to hexadecimal."""

    name: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement, and the exact bytes that were or will be signed."""

    raw: bytes
    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: Mapping[str, object]

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Parse signed bytes; ``InvalidInput`` names the field at fault.

        The predicate may be missing: cosign 3.0.0 to 3.0.4 signed without one.
        """
        fields = Fields.of_json(raw, where="statement")
        kind = fields.text("_type")
        if kind not in _KNOWN:
            raise VerificationError(
                f"{kind[:160]!r} is no statement that is known here",
                where=fields.path("_type"),
            )
        subjects = fields.array("subject")
        if not 0 < len(subjects) <= _MOST_SUBJECTS:
            raise VerificationError(
                f"names {len(subjects)} subjects", where=fields.path("subject")
            )
        return cls(
            raw=raw,
            subjects=tuple(
                _subject(value, f"statement.subject[{index}]")
                for index, value in enumerate(subjects)
            ),
            predicate_type=fields.text("predicateType"),
            predicate=_object(fields, "predicate"),
        )

    @classmethod
    def build(
        cls,
        digest: Digest,
        predicate_type: str,
        predicate: Mapping[str, object],
        *,
        annotations: Mapping[str, str] | None = None,
    ) -> Self:
        """Say something about one artifact, in the form that cosign 3 writes."""
        subject: dict[str, object] = {"digest": {digest.algorithm: digest.hex}}
        if annotations:
            subject["annotations"] = dict(sorted(annotations.items()))
        return cls.parse(
            compact(
                {
                    "_type": STATEMENT,
                    "subject": [subject],
                    "predicateType": predicate_type,
                    "predicate": predicate,
                }
            )
        )

    @classmethod
    def signature(
        cls, digest: Digest, annotations: Mapping[str, str] | None = None
    ) -> Self:
        """Say that an artifact is approved, as ``cosign sign`` does."""
        return cls.build(digest, SIGNATURE, {}, annotations=annotations)

    def subject_of(self, digest: Digest) -> Subject:
        """Return the subject that is ``digest``, or raise ``VerificationError``.

        A subject with several digests is refused: only one of them can be
        compared here, and another reader may go by another one.
        """
        for subject in self.subjects:
            if subject.digests.get(digest.algorithm) != digest.hex:
                continue
            if len(subject.digests) > 1:
                raise VerificationError(
                    f"its subject has {len(subject.digests)} digests; "
                    "only one could be compared"
                )
            return subject
        raise VerificationError(f"is not about {digest}")


def _subject(value: object, where: str) -> Subject:
    fields = Fields(value, where)
    digests = fields.texts("digest")
    if not digests:
        raise VerificationError("has no digest", where=where)
    return Subject(
        # Go writes no name as null or leaves it out.
        name=fields.text("name") if fields.has("name") else "",
        digests=digests,
        annotations=_object(fields, "annotations"),
    )


def _object(fields: Fields, key: str) -> Mapping[str, object]:
    if not fields.has(key):
        return {}
    inner = Fields(fields.get(key), fields.path(key))
    return {name: inner.get(name) for name in inner}
