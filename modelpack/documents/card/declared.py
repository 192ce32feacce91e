"""What `modelpack.yaml` declares, as a card tells it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelpack.formats.declaration.declaration import Declaration, Risk
from modelpack.formats.prose.results import Result, as_number

__all__ = ["declared_results", "declared_texts"]


def declared_texts(said: Declaration) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield titles, and what is said below each."""
    groups = (
        ("Description", (said.description,) if said.description else ()),
        ("Meant for", said.uses.intended),
        ("Not meant for", said.uses.out_of_scope),
        ("Limits", said.limitations),
        ("Biases", said.biases),
        ("Risks", tuple(map(_risk, said.risks))),
        ("Trade-offs", said.tradeoffs),
        ("Training", (said.training.description,) if said.training.description else ()),
    )
    yield from ((title, texts) for title, texts in groups if texts)


def _risk(risk: Risk) -> str:
    return f"{risk.name}: {risk.mitigation}" if risk.mitigation else risk.name


def declared_results(said: Declaration) -> Iterator[Result]:
    """Yield those evaluations whose value is a number."""
    for each in said.evaluations:
        value = as_number(each.value)
        if value is None:
            continue
        slice_ = f" ({each.slice})" if each.slice else ""
        split = f" [{each.split}]" if each.split else ""
        yield Result(
            metric=f"{each.metric}{slice_}",
            value=value,
            task=each.task or "",
            dataset=f"{each.dataset}{split}" if each.dataset else "",
            lower=as_number(each.lower),
            upper=as_number(each.upper),
            source=f"modelpack.yaml{f': {each.source}' if each.source else ''}",
        )
