"""Walk from a model to what it was made from, as far as registries tell.

What somebody signed about a model counts before what its files say. Every artifact is
read once, by its digest; their number and the depth are bounded, so that no circle and
no flood of names is followed for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Final

from modelpack.attestation.bundle import Bundle
from modelpack.attestation.evidence import Verifier
from modelpack.attestation.predicates import FACTS, PROVENANCE
from modelpack.documents.described import Described, ancestors
from modelpack.documents.lineage import (
    Kin,
    kin_of_ancestor,
    kin_of_facts,
    kin_of_provenance,
)
from modelpack.errors import InvalidInput, ModelpackError
from modelpack.formats.window import Window
from modelpack.model.facts import FileFacts, ModelFacts, combine, examine
from modelpack.model.read import read_model
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Manifest
from modelpack.oci.reference import Reference, Repository
from modelpack.oci.store import Source, read_whole
from modelpack.workflows.beside import Beside, statements_beside
from modelpack.workflows.pull import resolve

__all__ = ["Walk", "kin_of_files"]

MAX_ARTIFACTS: Final = 100
MAX_DEPTH: Final = 12
_MAX_SMALL: Final = 1 << 20
_DECLARING: Final = frozenset(
    {"readme.md", "config.json", "adapter_config.json", "modelpack.yaml"}
)


@dataclass(slots=True)
class Walk:
    """Follows what models name. ``follows`` says to which registries.

    With a ``verifier`` only statements count that it verifies.
    """

    open: Callable[[Repository], AbstractContextManager[Source]]
    follows: Callable[[Repository], bool]
    signer_of: Callable[[Bundle], str]
    verifier: Verifier | None = None
    _seen: set[Digest] = field(default_factory=set)

    def of_artifact(self, source: Source, reference: Reference, name: str) -> Kin:
        """Return the tree above an artifact."""
        found = Kin(kind="model", name=name)
        return self._artifact(source, reference, found, depth=0)

    def of_files(self, kin: Kin) -> Kin:
        """Return the tree above files, of which ``kin`` has the first branches."""
        parents = tuple(self._followed(parent, 1) for parent in kin.parents)
        return replace(kin, parents=parents)

    def _artifact(
        self, source: Source, reference: Reference, kin: Kin, depth: int
    ) -> Kin:
        manifest = resolve(source, reference.selector)
        digest = manifest.descriptor.digest
        kin = replace(kin, digest=str(digest), reference=str(reference.at(digest)))
        if digest in self._seen:
            return replace(kin, note="stands in this tree already")
        self._seen.add(digest)
        basis, parents, note = self._parents(source, manifest)
        return replace(
            kin,
            basis=basis,
            note=note,
            parents=tuple(self._followed(parent, depth + 1) for parent in parents),
        )

    def _parents(
        self, source: Source, manifest: Manifest
    ) -> tuple[str, tuple[Kin, ...], str]:
        """Return who says it, what it was made from, and what could not be read."""
        beside = statements_beside(
            source, manifest.descriptor.digest, self.signer_of, self.verifier
        )
        told = [each for each in beside if each.verified or self.verifier is None]
        notes = []
        found: dict[str, Kin] = {}
        signers: dict[str, None] = {}
        for each in told:
            try:
                named = _named(each)
            except InvalidInput as error:
                notes.append(str(error))
                continue
            if named:
                signers[_signer(each)] = None
            for kin in named:
                found.setdefault(kin.digest or kin.name, kin)
        if not found:
            named, fault = _of_manifest(source, manifest)
            found = {kin.name: kin for kin in named}
            notes += [fault] if fault else []
            signers = {"its files": None} if named else {}
        return "; ".join(signers), tuple(found.values()), "; ".join(notes)

    def _followed(self, kin: Kin, depth: int) -> Kin:
        if not kin.reference:
            return kin
        try:
            reference = Reference.parse(kin.reference)
            digest = Digest.parse(kin.digest) if kin.digest else reference.digest
            place = reference.place
            if not isinstance(place, Repository):
                return replace(kin, note="lies in no registry")
            if reason := self._stops(place, depth):
                return replace(kin, note=reason)
            with self.open(place) as source:
                pinned = replace(reference, digest=digest)
                found = self._artifact(source, pinned, kin, depth)
        except ModelpackError as error:
            return replace(kin, note=" ".join(str(error).split()))
        loose = "" if digest else "named by a tag, which may have moved"
        return replace(found, note="; ".join(filter(None, (loose, found.note))))

    def _stops(self, place: Repository, depth: int) -> str:
        """Return why the way ends here; empty where it goes on."""
        if not self.follows(place):
            return f"{place.host} was not asked"
        if depth > MAX_DEPTH or len(self._seen) >= MAX_ARTIFACTS:
            return "too far away: not followed"
        return ""


def _named(each: Beside) -> tuple[Kin, ...]:
    if each.kind == FACTS:
        return kin_of_facts(each.statement.predicate)
    if each.kind == PROVENANCE:
        return kin_of_provenance(each.statement.predicate)
    return ()


def _signer(each: Beside) -> str:
    how = "signed by" if each.verified else "not verified, claims to be signed by"
    return f"{how} {each.signer}"


def _of_manifest(source: Source, manifest: Manifest) -> tuple[tuple[Kin, ...], str]:
    files: list[FileFacts] = []
    fault = ""
    for file in read_model(manifest):
        if file.path.lower() not in _DECLARING or file.size > _MAX_SMALL:
            continue
        if len(file.pieces) != 1:
            continue
        raw = read_whole(source, file.pieces[0].descriptor, limit=_MAX_SMALL)
        try:
            files.append(examine(Window.of(raw, file.path)))
        except InvalidInput as error:
            fault = str(error)
    return kin_of_files(combine(files)), fault


def kin_of_files(facts: ModelFacts) -> tuple[Kin, ...]:
    """Return what the files of a model name."""
    described = Described(name="", facts=facts, files=())
    models = [kin_of_ancestor(each) for each in ancestors(described)]
    told = {data.name: data for data in described.declaration.datasets}
    sets = [
        Kin(
            kind="data set",
            name=name,
            digest=str(told[name].digest or "") if name in told else "",
        )
        for name in facts.claims.datasets
    ]
    return (*models, *sets)
