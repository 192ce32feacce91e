"""What the page shows, as plain values for its template."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from modelpack.attestation.predicates import word_for
from modelpack.documents.card.declared import declared_texts
from modelpack.documents.card.energy import cost_rows
from modelpack.documents.card.gaps import missing, said
from modelpack.documents.card.markdown import written_by_people
from modelpack.documents.card.material import Fact, Material, facts_of
from modelpack.documents.card.page.charts import (
    Bar,
    Scale,
    measured_bars,
    result_scales,
    stack,
)
from modelpack.documents.card.page.graph import Graph, Node, stacked, wide
from modelpack.documents.card.page.prose import safe_html
from modelpack.documents.card.sections import TITLES
from modelpack.documents.card.words import short, size
from modelpack.documents.described import ancestors

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["View", "view_of"]

_MOST_SETS: Final = 4
_MOST_FILES: Final = 2000
_OPEN_FILES: Final = 40
_LARGE: Final = ("Energy", "Emissions")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A number that stands for itself."""

    label: str
    value: str
    note: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One file."""

    path: str
    format: str
    size: str
    share: float
    outcome: str
    allowed: str
    findings: tuple[tuple[str, str], ...]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """A licence, and what it is of."""

    of: str
    names: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A statement beside the artifact."""

    what: str
    kind: str
    signer: str
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one activity cost; ``large`` are the two numbers that people look for."""

    activity: str
    large: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, str], ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All that the template needs; no value of it is markup but ``prose``."""

    name: str
    line: tuple[str, ...]
    reference: str
    tool: str
    date: str
    tiles: tuple[Tile, ...]
    facts: tuple[Fact, ...]
    graphs: tuple[tuple[str, Graph], ...]
    dtypes: tuple[Bar, ...]
    modules: tuple[Bar, ...]
    formats: tuple[Bar, ...]
    scales: tuple[Scale, ...]
    files: tuple[Row, ...]
    more_files: tuple[Row, ...]
    left_out: int
    scanner: str
    outcome: str
    bad: tuple[Row, ...]
    licences: tuple[Licence, ...]
    signers: tuple[Signer, ...]
    declared: tuple[tuple[str, Sequence[str]], ...]
    costs: tuple[Cost, ...]
    digest: str
    said: tuple[str, ...]
    missing: tuple[str, ...]
    prose: Markup
    cut: bool


def view_of(material: Material) -> View:
    """Return what the page shows."""
    from markupsafe import Markup

    model = material.model
    claims, measured = model.facts.claims, model.facts.measured
    body = written_by_people(material).body
    prose, cut = safe_html(body)
    rows = tuple(_rows(material))
    nodes = tuple(_nodes(material))
    bytes_of: dict[str, int] = {}
    for file in model.files:
        bytes_of[str(file.kind)] = bytes_of.get(str(file.kind), 0) + file.size
    sized = dict(sorted(bytes_of.items(), key=lambda item: (-item[1], item[0])))
    scan = material.scanned
    line = (claims.architecture, claims.task, claims.library)
    return View(
        name=material.name,
        line=tuple(filter(None, line)),
        reference=str(model.repository or ""),
        tool=material.tool,
        date=model.created[:10],
        tiles=tuple(_tiles(material)),
        facts=tuple(facts_of(model)),
        graphs=(("wide", wide(nodes)), ("narrow", stacked(nodes)))
        if len(nodes) > 1
        else (),
        dtypes=stack(measured.parameters),
        modules=measured_bars(measured.modules),
        formats=stack(sized),
        scales=result_scales((*material.results, *material.declared)),
        files=rows[:_OPEN_FILES],
        more_files=rows[_OPEN_FILES:_MOST_FILES],
        left_out=max(0, len(rows) - _MOST_FILES),
        scanner=scan.scanner if scan else "",
        outcome=scan.outcome if scan else "",
        bad=tuple(row for row in rows if row.findings),
        licences=tuple(_licences(material)),
        signers=tuple(
            Signer(
                what=word_for(each.kind),
                kind=each.kind,
                signer=each.signer,
                verified=each.verified,
            )
            for each in material.signed
        ),
        declared=tuple(declared_texts(model.declaration)),
        costs=tuple(_costs(material)),
        digest=str(model.digest or ""),
        said=tuple(TITLES[name] for name in said(material, body)),
        missing=tuple(TITLES[name] for name in missing(material, body)),
        # Made by the renderer, which escapes whatever it does not make itself.
        prose=Markup(prose),  # noqa: S704
        cut=cut,
    )


def _tiles(material: Material) -> Iterator[Tile]:
    model = material.model
    measured, claims = model.facts.measured, model.facts.claims
    if measured.parameters:
        total = sum(measured.parameters.values())
        yield Tile(label="Parameters", value=short(total), note=f"{total:,}")
    weights = ", ".join(measured.formats[:2])
    total = sum(file.size for file in model.files)
    count = f"{len(model.files)} file{'s' if len(model.files) > 1 else ''}"
    yield Tile(label="Size", value=size(total), note=count)
    precision = claims.quantization or measured.precision
    if precision or weights:
        yield Tile(label="Weights", value=precision or weights, note=weights)
    names = ", ".join(claims.licenses)
    source = str(model.origins().get("licenses", ""))
    yield Tile(
        label="Licence",
        value=names or "none named",
        note=source,
        kind="" if names else "warn",
    )
    if material.scanned is not None:
        scan = material.scanned
        good = sum(file.outcome == "pass" for file in scan.files)
        yield Tile(
            label="Scan",
            value={"pass": "passes", "fail": "fails"}.get(scan.outcome, "not judged"),
            note=f"{good} of {len(scan.files)} files pass",
            kind="good" if scan.outcome == "pass" else "bad",
        )


def _nodes(material: Material) -> Iterator[Node]:
    model, claims = material.model, material.model.facts.claims
    for each in ancestors(model):
        role = f"base model · {each.relation}" if each.relation else "base model"
        yield Node(column=0, kind="base", role=role, name=each.name, detail=each.purl)
    sets = claims.datasets
    shown = sets[:_MOST_SETS] if len(sets) > _MOST_SETS + 1 else sets
    for name in shown:
        yield Node(column=0, kind="data", role="data set", name=name)
    if len(sets) > len(shown):
        rest = sets[len(shown) :]
        yield Node(
            column=0,
            kind="data",
            role="data sets",
            name=f"{len(rest)} more",
            detail=", ".join(rest),
        )
    role = claims.architecture or "model"
    yield Node(column=1, kind="model", role=role, name=material.name)
    if model.digest is not None:
        yield Node(
            column=2,
            kind="artifact",
            role="artifact",
            name=str(model.digest)[:19],
            detail=str(model.digest),
        )
    signers = dict.fromkeys(
        (each.signer, each.verified) for each in material.signed if each.signer
    )
    for signer, verified in list(signers)[:3]:
        role = "signed by, verified" if verified else "claims to have signed"
        yield Node(column=2, kind="signer", role=role, name=signer, detail=signer)


def _costs(material: Material) -> Iterator[Cost]:
    source = str(material.model.origins().get("energy", ""))
    for use in material.model.costs:
        rows = tuple(cost_rows(use))
        yield Cost(
            activity=str(use.activity).replace("-", " "),
            large=tuple(row for row in rows if row[0] in _LARGE),
            rows=tuple(row for row in rows if row[0] not in _LARGE),
            source=source,
        )


def _rows(material: Material) -> Iterator[Row]:
    files = material.model.files
    largest = max((file.size for file in files), default=0)
    verdicts = {f.path: f for f in material.scanned.files} if material.scanned else {}
    for file in files:
        verdict = verdicts.get(file.path)
        yield Row(
            path=file.path,
            format=str(file.kind),
            size=size(file.size),
            share=round(100 * file.size / max(largest, 1), 3),
            outcome=verdict.outcome if verdict else "",
            allowed=verdict.allowed if verdict else "",
            findings=verdict.findings if verdict else (),
            digest=file.digest.hex,
        )


def _licences(material: Material) -> Sequence[Licence]:
    model = material.model
    source = str(model.origins().get("licenses", ""))
    names = model.facts.claims.licenses
    return [Licence(of="The model", names=names, source=source)]
