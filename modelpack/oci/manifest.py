"""Manifests and indexes: parsed once, and never re-serialised."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from modelpack.errors import InvalidInput
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.fields import Fields

MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
INDEX: Final = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
IMAGE_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
EMPTY_JSON: Final = "application/vnd.oci.empty.v1+json"

MAX_BYTES: Final = 4 << 20  # distribution-spec: registries should take 4 MiB
MAX_LAYERS: Final = 10_000


def compact(document: object) -> bytes:
    """Serialise in the one form modelpack writes: compact ASCII JSON.

    Tools exist that parse a manifest, write it again in this form and sign
    the result; only bytes that survive that round trip keep their digest.
    """
    return json.dumps(document, separators=(",", ":"), ensure_ascii=True).encode()


@dataclass(frozen=True, slots=True)
class Document:
    """The exact bytes of a manifest or index, as stored and as hashed."""

    raw: bytes
    media_type: str

    @property
    def descriptor(self) -> Descriptor:
        return Descriptor.of(self.raw, self.media_type)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """An OCI image manifest, and the exact bytes it was parsed from."""

    raw: bytes
    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Parse and check a manifest document (image-spec, "Manifest")."""
        fields = _opened(raw)
        head = _Head.of(fields, MANIFEST, DOCKER_MANIFEST)
        return cls(
            raw=raw,
            media_type=head.media_type,
            config=Descriptor.parse(fields.get("config"), "config"),
            layers=_descriptors(fields, "layers"),
            subject=head.subject,
            artifact_type=head.artifact_type,
            annotations=head.annotations,
        )

    @classmethod
    def build(
        cls,
        *,
        artifact_type: str,
        config: Descriptor,
        layers: tuple[Descriptor, ...],
        subject: Descriptor | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> Self:
        """Write a manifest in the one form modelpack emits."""
        document: dict[str, object] = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            # image-spec: a media type, or nothing: an image has none.
            **({"artifactType": artifact_type} if artifact_type else {}),
            "config": config.document(),
            "layers": [layer.document() for layer in layers],
        }
        if subject is not None:
            document["subject"] = subject.document()
        if annotations:
            document["annotations"] = dict(sorted(annotations.items()))
        raw = compact(document)
        if len(raw) > MAX_BYTES:
            raise InvalidInput(
                f"the manifest would be {len(raw)} bytes; registries take {MAX_BYTES}",
                hint="push fewer files, or pack small ones into an archive first",
            )
        return cls.parse(raw)

    @property
    def document(self) -> Document:
        return Document(self.raw, self.media_type)

    @property
    def descriptor(self) -> Descriptor:
        return self.document.descriptor

    def children(self) -> Iterator[Descriptor]:
        """Yield what must be stored before this manifest can be."""
        yield self.config
        yield from self.layers


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An OCI image index, and the exact bytes it was parsed from."""

    raw: bytes
    media_type: str
    manifests: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Parse and check an index document (image-spec, "Image Index")."""
        fields = _opened(raw)
        head = _Head.of(fields, INDEX, DOCKER_INDEX)
        return cls(
            raw=raw,
            media_type=head.media_type,
            manifests=_descriptors(fields, "manifests"),
            subject=head.subject,
            artifact_type=head.artifact_type,
            annotations=head.annotations,
        )

    @classmethod
    def build(cls, manifests: tuple[Descriptor, ...]) -> Self:
        """Write an index in the one form modelpack emits."""
        return cls.parse(
            compact(
                {
                    "schemaVersion": 2,
                    "mediaType": INDEX,
                    "manifests": [entry.document() for entry in manifests],
                }
            )
        )

    @property
    def document(self) -> Document:
        return Document(self.raw, self.media_type)

    def children(self) -> Iterator[Descriptor]:
        """Yield what must be stored before this index can be."""
        yield from self.manifests


def parse_any(document: Document) -> Manifest | Index:
    """Parse what a store returned, by the type that the bytes themselves claim."""
    fields = _opened(document.raw)
    claimed = fields.text("mediaType", default=document.media_type)
    if claimed in (INDEX, DOCKER_INDEX) or "manifests" in fields:
        if "layers" in fields or "config" in fields:
            # CVE-2021-41190: one document must not be readable as two types.
            raise InvalidInput("claims to be both an index and a manifest")
        return Index.parse(document.raw)
    return Manifest.parse(document.raw)


def _opened(raw: bytes) -> Fields:
    if len(raw) > MAX_BYTES:
        raise InvalidInput(f"manifest of {len(raw)} bytes; the limit is {MAX_BYTES}")
    fields = Fields.of_json(raw)
    if fields.count("schemaVersion") != 2:  # noqa: PLR2004 - image-spec: "MUST be 2"
        raise InvalidInput("expected 2", where="schemaVersion")
    return fields


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """What a manifest and an index have in common."""

    media_type: str
    subject: Descriptor | None
    artifact_type: str
    annotations: Mapping[str, str]

    @classmethod
    def of(cls, fields: Fields, own: str, dockers: str) -> Self:
        """Read it; the document may claim no other type than these two."""
        media_type = fields.text("mediaType", default=own)
        if media_type not in (own, dockers):
            kind = "index" if own == INDEX else "manifest"
            raise InvalidInput(f"not an image {kind}: {media_type[:160]!r}")
        subject = fields.get("subject") if "subject" in fields else None
        return cls(
            media_type=media_type,
            subject=(None if subject is None else Descriptor.parse(subject, "subject")),
            artifact_type=fields.text("artifactType", default=""),
            annotations=fields.texts("annotations"),
        )


def _descriptors(fields: Fields, name: str) -> tuple[Descriptor, ...]:
    entries = fields.array(name)
    if len(entries) > MAX_LAYERS:
        raise InvalidInput(f"more than {MAX_LAYERS} {name}", where=name)
    return tuple(
        Descriptor.parse(entry, f"{name}[{i}]") for i, entry in enumerate(entries)
    )
