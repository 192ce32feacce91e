"""The ``index.json`` of an image layout, as a value.

image-spec, "index.json file": the entry point of a layout. A tag is an entry
with the annotation ``org.opencontainers.image.ref.name``. As oras does, every
manifest has an entry, tagged or not. Fields that others wrote are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from modelpack.errors import InvalidInput
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.fields import Fields
from modelpack.oci.manifest import INDEX, Index, compact

REF_NAME: Final = "org.opencontainers.image.ref.name"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the index, and the JSON object it was read from."""

    descriptor: Descriptor
    document: Mapping[str, object]

    @classmethod
    def of(cls, descriptor: Descriptor) -> Self:
        return cls(descriptor, descriptor.document())

    @property
    def digest(self) -> Digest:
        return self.descriptor.digest

    @property
    def tag(self) -> str:
        return self.descriptor.annotations.get(REF_NAME, "")

    def tagged(self, tag: str) -> Entry:
        """Return this entry with another tag, or with none."""
        document = dict(self.document)
        annotations = {
            k: v for k, v in self.descriptor.annotations.items() if k != REF_NAME
        }
        if tag:
            annotations[REF_NAME] = tag
        document.pop("annotations", None)
        if annotations:
            document["annotations"] = annotations
        return Entry(Descriptor.parse(document, ""), document)


@dataclass(frozen=True, slots=True)
class Entries:
    """All entries, in order, and what else the document holds."""

    entries: tuple[Entry, ...] = ()
    frame: Mapping[str, object] = field(
        default_factory=lambda: {"schemaVersion": 2, "mediaType": INDEX}
    )

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Parse an ``index.json``, as strictly as any other index."""
        index = Index.parse(raw)
        fields = Fields.of_json(raw)
        documents = [
            {key: entry.get(key) for key in entry}
            for entry in map(Fields, fields.array("manifests"))
        ]
        return cls(
            tuple(map(Entry, index.manifests, documents)),
            {key: fields.get(key) for key in fields if key != "manifests"},
        )

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    @property
    def raw(self) -> bytes:
        """The document to write; refused where it could not be read again."""
        written = compact(
            {**self.frame, "manifests": [dict(entry.document) for entry in self]}
        )
        Index.parse(written)
        return written

    def tag(self, tag: str) -> Entry | None:
        """Return the entry of a tag."""
        found = [entry for entry in self if entry.tag == tag]
        if len({entry.digest for entry in found}) > 1:
            raise InvalidInput(f"the tag {tag!r} stands for two manifests")
        return found[0] if found else None

    def digest(self, digest: Digest) -> Entry | None:
        """Return an entry of a manifest."""
        return next((entry for entry in self if entry.digest == digest), None)

    def with_manifest(self, added: Descriptor, tags: Sequence[str]) -> Entries:
        """List a manifest; each of ``tags`` points to it, and no longer elsewhere."""
        kept = [entry.tagged("") if entry.tag in tags else entry for entry in self]
        new = [Entry.of(added).tagged(tag) for tag in tags or ("",)]
        return self._with([*kept, *new])

    def without_tag(self, tag: str) -> Entries:
        """Remove a tag; the manifest stays."""
        return self._with([e.tagged("") if e.tag == tag else e for e in self])

    def without(self, digest: Digest) -> Entries:
        """Remove a manifest and every tag that points to it."""
        return self._with([entry for entry in self if entry.digest != digest])

    def ordered(self) -> Entries:
        """Return the entries in an order that does not tell their history."""
        return self._with(sorted(self, key=lambda e: (e.tag, e.digest)))

    def _with(self, entries: Sequence[Entry]) -> Entries:
        # An entry without a tag says nothing where the digest has another one.
        seen = {entry.digest for entry in entries if entry.tag}
        kept = []
        for entry in entries:
            if entry.tag or entry.digest not in seen:
                kept.append(entry)
                seen.add(entry.digest)
        return Entries(tuple(kept), self.frame)
