"""All that a card is made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from modelpack.documents.described import Described, Scanned
from modelpack.formats.prose.results import Result

__all__ = ["Fact", "Material", "Signed", "facts_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A statement beside the artifact. ``verified``: its signature was checked."""

    kind: str
    signer: str
    verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """``readme`` is what people wrote; None where there is nothing.

    ``results`` were measured, ``declared`` stand in the README's front matter. ``tool``
    names the program and its version.
    """

    model: Described
    tool: str
    readme: bytes | None = None
    results: tuple[Result, ...] = ()
    declared: tuple[Result, ...] = ()
    scanned: Scanned | None = None
    signed: tuple[Signed, ...] = ()

    @property
    def name(self) -> str:
        return self.model.facts.claims.name or self.model.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line of a card: what, which values, and where they come from."""

    label: str
    values: tuple[str, ...]
    source: str


def facts_of(model: Described) -> Iterator[Fact]:
    """Yield what is known of a model, each with its source."""
    claims, measured = model.facts.claims, model.facts.measured
    sources = model.origins()
    for label, field_ in (
        ("Architecture", "architecture"),
        ("Family", "family"),
        ("Task", "task"),
        ("Library", "library"),
        ("Quantization", "quantization"),
        ("Licence", "licenses"),
        ("Languages", "languages"),
        ("Base model", "base_models"),
        ("Relation to it", "relation"),
        ("Data sets", "datasets"),
    ):
        value = getattr(claims, field_)
        if value:
            values = (value,) if isinstance(value, str) else tuple(value)
            source = str(sources.get(field_, ""))
            yield Fact(label=label, values=values, source=source)
    counted = tuple(f"{n:,} {dtype}" for dtype, n in measured.parameters.items())
    for label, values in (
        ("Parameters", counted),
        ("Tensors", (f"{measured.tensors:,}",) if measured.tensors else ()),
        ("Precision", (measured.precision,) if measured.precision else ()),
        ("Weights in", measured.formats),
    ):
        if values:
            yield Fact(label=label, values=values, source="measured")
