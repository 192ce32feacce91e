"""What a model was made from, and what that was made from: as a tree of values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from modelpack.documents.described import Ancestor
from modelpack.errors import InvalidInput
from modelpack.formats.names import checked_text
from modelpack.oci.digest import Digest
from modelpack.oci.fields import Fields

__all__ = ["Kin", "kin_of_facts", "kin_of_provenance"]

MAX_KIN: Final = 100
MAX_TEXT: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Kin:
    """A model or a data set, and what it was made from.

    ``basis`` says who says so: a signer, or the files. ``note`` says why the tree ends
    here, where it could have gone on.
    """

    kind: str
    name: str
    relation: str = ""
    purl: str = ""
    digest: str = ""
    reference: str = ""
    basis: str = ""
    note: str = ""
    parents: tuple[Kin, ...] = ()

    def document(self) -> Mapping[str, object]:
        """Return the JSON form (docs/json.md)."""
        texts = ("relation", "purl", "digest", "reference", "basis", "note")
        return {
            "kind": self.kind,
            "name": self.name,
            **{name: getattr(self, name) for name in texts if getattr(self, name)},
            "parents": [parent.document() for parent in self.parents],
        }


def kin_of_ancestor(ancestor: Ancestor) -> Kin:
    """Return a base model that files name."""
    return Kin(
        kind="model",
        name=ancestor.name,
        relation=ancestor.relation,
        purl=ancestor.purl,
        digest=ancestor.digest,
        reference=ancestor.reference,
    )


def kin_of_facts(predicate: Mapping[str, object]) -> tuple[Kin, ...]:
    """Return what a facts predicate names (docs/predicates.md)."""
    fields = Fields(dict(predicate), "facts")
    return _bounded([*_ancestors(fields), *_datasets(fields)])


def _ancestors(fields: Fields) -> Iterator[Kin]:
    for index, value in enumerate(fields.array("ancestors")):
        entry = Fields(value, f"facts.ancestors[{index}]")
        digest = _text(entry, "digest")
        yield Kin(
            kind="model",
            name=checked_text(entry.text("name"), entry.path("name"), limit=MAX_TEXT),
            relation=_text(entry, "relation"),
            purl=_text(entry, "purl"),
            digest=str(Digest.parse(digest)) if digest else "",
            reference=_text(entry, "reference"),
        )


def _datasets(fields: Fields) -> Iterator[Kin]:
    for name in fields.array("datasets"):
        if not isinstance(name, str):
            raise InvalidInput("expected texts", where=fields.path("datasets"))
        text = checked_text(name, fields.path("datasets"), limit=MAX_TEXT)
        yield Kin(kind="data set", name=text)


def _text(fields: Fields, key: str) -> str:
    if not fields.has(key):
        return ""
    return checked_text(fields.text(key), fields.path(key), limit=MAX_TEXT)


_KINDS: Final = {"base-model": "model", "dataset": "data set"}


def kin_of_provenance(predicate: Mapping[str, object]) -> tuple[Kin, ...]:
    """Return base models and data sets of SLSA provenance, pinned as they are there."""
    fields = Fields(dict(predicate), "provenance")
    build = Fields(fields.get("buildDefinition"), "provenance.buildDefinition")
    if not build.has("resolvedDependencies"):
        return ()
    found = []
    for index, value in enumerate(build.array("resolvedDependencies")):
        entry = Fields(value, f"{build.path('resolvedDependencies')}[{index}]")
        kind = _KINDS.get(_text(entry, "name"))
        if kind is None:
            continue
        uri = checked_text(entry.text("uri"), entry.path("uri"), limit=MAX_TEXT)
        digests = entry.texts("digest")
        sha256 = digests.get("sha256", "")
        found.append(
            Kin(
                kind=kind,
                name=uri,
                purl=uri if uri.startswith("pkg:") else "",
                digest=str(Digest.parse(f"sha256:{sha256}")) if sha256 else "",
                reference="" if "://" in uri or uri.startswith("pkg:") else uri,
            )
        )
    return _bounded(found)


def _bounded(found: list[Kin]) -> tuple[Kin, ...]:
    if len(found) > MAX_KIN:
        raise InvalidInput(f"names {len(found)} models and data sets")
    return tuple(found)
