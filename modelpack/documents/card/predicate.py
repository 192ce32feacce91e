"""The card as a statement: its text, and its parts by name (docs/predicates.md)."""

from __future__ import annotations

from collections.abc import Mapping

from modelpack.documents.card.gaps import missing, said
from modelpack.documents.card.markdown import markdown_card, written_by_people
from modelpack.documents.card.material import Material

__all__ = ["card_predicate"]


def card_predicate(material: Material) -> Mapping[str, object]:
    """Return the predicate; ``InvalidInput`` where the README cannot be read."""
    body = written_by_people(material).body
    return {
        "name": material.name,
        "mediaType": "text/markdown",
        "content": markdown_card(material).decode(),
        "sections": list(said(material, body)),
        "missing": list(missing(material, body)),
        "evaluations": [
            result.document() for result in (*material.results, *material.declared)
        ],
    }
