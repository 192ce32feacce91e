"""Descriptors: how one piece of content points to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from modelpack.oci.digest import Digest
from modelpack.oci.fields import Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """The type, address and size (bytes) of some content, before it is read."""

    media_type: str
    digest: Digest
    size: int
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, content: bytes, media_type: str) -> Self:
        """Describe bytes already in memory."""
        return cls(media_type=media_type, digest=Digest.of(content), size=len(content))

    @classmethod
    def parse(cls, value: object, where: str) -> Self:
        """Parse one JSON descriptor (image-spec, "Content Descriptors")."""
        fields = Fields(value, where)
        return cls(
            media_type=fields.text("mediaType"),
            digest=fields.parsed("digest", Digest.parse),
            size=fields.count("size"),
            artifact_type=fields.text("artifactType", default=""),
            annotations=fields.texts("annotations"),
        )

    def document(self) -> Mapping[str, object]:
        """Return the JSON form, in the one order that modelpack writes."""
        document: dict[str, object] = {
            "mediaType": self.media_type,
            "digest": str(self.digest),
            "size": self.size,
        }
        if self.artifact_type:
            document["artifactType"] = self.artifact_type
        if self.annotations:
            document["annotations"] = dict(sorted(self.annotations.items()))
        return document
