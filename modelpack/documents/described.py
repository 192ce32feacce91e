"""What documents are made from: a model's files, and where each fact comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from modelpack.formats.kind import Kind
from modelpack.model.facts import Claims, ModelFacts
from modelpack.oci.digest import Digest
from modelpack.oci.reference import Repository

__all__ = ["Described", "DescribedFile", "Origin", "origins"]

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
    ``created`` is RFC 3339, or empty where the document should not depend on a time.
    """

    name: str
    facts: ModelFacts
    files: tuple[DescribedFile, ...]
    digest: Digest | None = None
    repository: Repository | None = None
    created: str = ""


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
    """
    found: dict[str, Origin] = {}
    for field in Claims.__dataclass_fields__:
        value = getattr(facts.claims, field)
        if not value:
            continue
        makers = [file for file in facts.files if getattr(file.claims, field) == value]
        nearest = min(makers, key=lambda file: (file.path.count("/"), file.path))
        how = "declared" if nearest.kind in _WRITTEN else "derived"
        found[field] = Origin(how=how, file=nearest.path)
    return found
