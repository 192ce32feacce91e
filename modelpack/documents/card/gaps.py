"""What a card says something about, and what it should say and does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modelpack.documents.card.material import Material
from modelpack.documents.card.sections import SECTIONS, sections_of

__all__ = ["missing", "said"]


def said(material: Material, body: str) -> tuple[str, ...]:
    """Return the sections that people wrote or declared, or that results fill."""
    found = set(sections_of(body))
    declared = _declared(material)
    found.update(name for name, value in declared.items() if value)
    if material.results or material.declared:
        found.add("evaluation")
    return tuple(name for name in SECTIONS if name in found)


def _declared(material: Material) -> Mapping[str, object]:
    """Return for each section what is declared of it."""
    said = material.model.declaration
    return {
        "description": said.description,
        "intended-use": said.uses.intended,
        "out-of-scope-use": said.uses.out_of_scope,
        "limitations": said.limitations or said.biases or said.risks,
        "training-data": any(data.description for data in said.datasets),
        "training": said.training.description or said.training.hyperparameters,
        "evaluation": said.evaluations,
        "environmental-impact": material.model.costs,
        "contact": said.contact or said.authors,
    }


def missing(material: Material, body: str) -> Sequence[str]:
    """Return what is not said anywhere, by name."""
    claims = material.model.facts.claims
    gaps = [] if claims.licenses else ["license"]
    gaps += [] if claims.datasets else ["datasets"]
    found = said(material, body)
    return [*gaps, *(name for name in SECTIONS if name not in found)]
