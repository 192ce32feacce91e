"""What documents are made from: a model's files, and where each fact comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.declaration.declaration import FILE_NAME, BaseModel, Declaration
from modelpack.formats.energy.use import EnergyUse
from modelpack.formats.environment.packages import Environment
from modelpack.formats.kind import Kind
from modelpack.model.claims import Claims
from modelpack.model.facts import ModelFacts, nearest_first
from modelpack.oci.digest import Digest
from modelpack.oci.reference import Reference, Repository

__all__ = [
    "Ancestor",
    "Described",
    "DescribedFile",
    "Origin",
    "Scanned",
    "ScannedFile",
    "ancestors",
    "oci_purl",
    "origins",
]

# A name on the hub; nothing that begins with a dot, which would lead elsewhere.
_HUB_NAME: Final = re.compile(r"(?:[A-Za-z0-9][\w.-]*/)?[A-Za-z0-9][\w.-]*", re.ASCII)
_NOTHING_SAID: Final = Declaration()
# What a person writes; everything else in a model's folder is written by programs.
_WRITTEN: Final = frozenset({Kind.MARKDOWN, Kind.TEXT})


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedFile:
    """One file of the model; ``path`` is where it lies in the artifact."""

    path: str
    size: int
    kind: Kind
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A model as documents tell of it.

    ``digest`` and ``repository`` are those of the artifact; None for a folder.
    ``energy`` is what was given beside the files, and where it comes from;
    ``environment`` is what it was trained in, ``author`` who makes the documents.
    ``created`` is RFC 3339, or empty where the document should not depend on a time.
    """

    name: str
    facts: ModelFacts
    files: tuple[DescribedFile, ...]
    digest: Digest | None = None
    repository: Repository | None = None
    energy: tuple[EnergyUse, ...] = ()
    energy_origin: Origin | None = None
    environment: Environment | None = None
    author: str = ""
    created: str = ""

    @property
    def costs(self) -> tuple[EnergyUse, ...]:
        """What was given beside the model, or else what its files say."""
        return self.energy or self.facts.claims.energy

    def origins(self) -> Mapping[str, Origin]:
        """Return where each field comes from."""
        given = {"energy": self.energy_origin} if self.energy_origin else {}
        return {**origins(self.facts), **given}

    def sources(self) -> Mapping[str, Origin]:
        """Return where each field comes from, what is measured too."""
        how = Origin(how="measured", file="")
        found = self.facts.measured
        facts: Mapping[str, object] = {
            "files": True,
            "format": found.formats,
            "parameters": found.parameters,
            "parameter_size": found.param_size,
            "precision": found.precision,
            "tensors": found.tensors,
        }
        return {**self.origins(), **{name: how for name in facts if facts[name]}}

    @property
    def declaration(self) -> Declaration:
        """What `modelpack.yaml` says; all of it empty where there is none."""
        return self.facts.declaration or _NOTHING_SAID


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedFile:
    """What a scan says of one file. ``findings`` are (rule, message) pairs."""

    path: str
    outcome: str
    findings: tuple[tuple[str, str], ...] = ()
    allowed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What a scan says of the model. ``finished`` is RFC 3339, or empty.

    ``allowed`` names what was let pass that does not by itself.
    """

    outcome: str
    scanner: str
    files: tuple[ScannedFile, ...]
    allowed: tuple[str, ...] = ()
    finished: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ancestor:
    """A model that this one was made from; each text is empty where nobody says it.

    ``reference`` is where it lies in a registry, ``purl`` a name of it there or on the
    hub.
    """

    name: str
    relation: str = ""
    purl: str = ""
    digest: str = ""
    reference: str = ""

    def document(self) -> Mapping[str, str]:
        """Return the JSON form, without what is not known."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {key: value for key, value in fields.items() if value}


def ancestors(model: Described) -> tuple[Ancestor, ...]:
    """Return what the files name as base models, each once."""
    # GGUF has titles there, such as "Llama 3", and a title may look like a name.
    origin = origins(model.facts).get("base_models")
    titles = str(origin).lower().endswith(".gguf")
    told = {base.name: base for base in model.declaration.base_models}
    return tuple(
        _ancestor(
            told.get(name) or BaseModel(name=name),
            relation=model.facts.claims.relation or "",
            on_hub=not titles and _HUB_NAME.fullmatch(name) is not None,
        )
        for name in dict.fromkeys(model.facts.claims.base_models)
    )


def _ancestor(base: BaseModel, *, relation: str, on_hub: bool) -> Ancestor:
    from packageurl import PackageURL

    purl = ""
    place = _place(base.reference or "")
    if place is not None:
        purl = oci_purl(place, str(base.digest or ""))
    elif on_hub:
        space, _, short = base.name.rpartition("/")
        purl = PackageURL("huggingface", space or None, short, base.commit).to_string()
    return Ancestor(
        name=base.name,
        relation=str(base.relation or relation),
        purl=purl,
        digest=str(base.digest or ""),
        reference=base.reference or "",
    )


def _place(reference: str) -> Repository | None:
    try:
        place = Reference.parse(reference).place
    except InvalidInput:
        return None
    return place if isinstance(place, Repository) else None


def oci_purl(repository: Repository, digest: str) -> str:
    """Return the package URL of an artifact in a registry."""
    from packageurl import PackageURL

    return PackageURL(
        type="oci",
        name=str(repository).rpartition("/")[2],
        version=digest or None,
        qualifiers={"repository_url": str(repository)},
    ).to_string()


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a fact comes from: ``declared:README.md``, ``derived:config.json``."""

    how: str
    file: str

    def __str__(self) -> str:
        return f"{self.how}:{self.file}" if self.file else self.how


def origins(facts: ModelFacts) -> Mapping[str, Origin]:
    """Return for each claim that is made the file that makes it.

    A card is written by people, who declare; what programs write is derived from.
    What else `modelpack.yaml` declares has its field's name there.
    """
    declared = Origin(how="declared", file=FILE_NAME)
    said = facts.declaration or _NOTHING_SAID
    found = {
        field: declared
        for field in Declaration.__dataclass_fields__
        if getattr(said, field) != getattr(_NOTHING_SAID, field)
    }
    for field in Claims.__dataclass_fields__:
        value = getattr(facts.claims, field)
        makers = [file for file in facts.files if getattr(file.claims, field) == value]
        if value and makers:
            nearest = min(makers, key=nearest_first)
            written = nearest.kind in _WRITTEN and not nearest.path.endswith(".csv")
            how = "declared" if written else "derived"
            found[field] = Origin(how=how, file=nearest.path)
    return found
