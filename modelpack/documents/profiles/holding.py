"""Hold a bill of materials against a profile: any that is valid, whoever wrote it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from modelpack.documents.checking import check_bom
from modelpack.documents.profiles.facts import FACTS
from modelpack.documents.profiles.lists import PROFILES
from modelpack.documents.profiles.paths import Found, find
from modelpack.documents.profiles.profile import (
    Element,
    Fact,
    Finding,
    ProfileName,
    ProfileReport,
    Standing,
)
from modelpack.documents.spdx import UNDATED
from modelpack.errors import InvalidInput
from modelpack.oci.strict_json import parse_object

__all__ = ["hold"]

_SOURCE: Final = "modelpack:field_source:"
_CONTEXT: Final = "https://spdx.org/rdf/3."


def hold(
    raw: bytes, profile: ProfileName, *, require: Collection[str] = ()
) -> ProfileReport:
    """Say of each element whether the document has it, where, and from what source.

    With ``require`` only the elements of those names are required. Raises
    ``InvalidInput`` for what is no valid CycloneDX, and no SPDX 3 either.
    """
    document = parse_object(raw, "BOM")
    elements = _chosen(profile, require)
    if str(document.get("@context", "")).startswith(_CONTEXT):
        kind, graph = "SPDX 3.0.1", _graph(document)
        sources = dict(_spdx_sources(document))
        paths = {name: fact.spdx for name, fact in FACTS.items()}
    else:
        check_bom(raw)
        kind, graph = f"CycloneDX {document['specVersion']}", {}
        sources = dict(_cyclonedx_sources(document))
        paths = {name: fact.cyclonedx for name, fact in FACTS.items()}
    findings = tuple(
        _finding(
            each,
            kind,
            _places(paths[each.fact], document, graph),
            sources,
            sayable=bool(paths[each.fact]),
        )
        for each in elements
    )
    return ProfileReport(profile=profile, kind=kind, findings=findings)


def _chosen(profile: ProfileName, require: Collection[str]) -> tuple[Element, ...]:
    elements = PROFILES[profile]
    known = {each.id for each in elements}
    unknown = sorted(set(require) - known)
    if unknown:
        raise InvalidInput(
            f"{unknown[0]} is no element of {profile}",
            where="--require",
            hint=f"its elements are {', '.join(sorted(known))}",
        )
    if not require:
        return elements
    return tuple(
        Element(id=e.id, name=e.name, fact=e.fact, required=e.id in require)
        for e in elements
    )


def _places(
    paths: tuple[str, ...], document: object, graph: Mapping[str, object]
) -> Iterator[Found]:
    for path in paths:
        # The time of a document without one is no time.
        yield from (x for x in find(document, path, graph) if x.value != UNDATED)


def _finding(
    element: Element,
    kind: str,
    places: Iterator[Found],
    sources: Mapping[str, str],
    *,
    sayable: bool,
) -> Finding:
    fact = FACTS[element.fact]
    found = next(places, None)
    if found is not None:
        return Finding(
            element=element,
            standing=Standing.PRESENT,
            path=found.path,
            source=_source(fact, sources),
        )
    if not sayable:
        told = f"{kind} has no field for it"
        return Finding(element=element, standing=Standing.MISSING, ask=told)
    return Finding(
        element=element,
        standing=Standing.NOT_DERIVABLE if fact.ask else Standing.MISSING,
        ask=fact.ask,
    )


def _source(fact: Fact, sources: Mapping[str, str]) -> str:
    return sources.get(fact.field, "")


def _cyclonedx_sources(document: object) -> Iterator[tuple[str, str]]:
    path = f"components[type=machine-learning-model].properties[name^={_SOURCE}]"
    for found in find(document, path):
        match found.value:
            case {"name": str(name), "value": str(value)}:
                yield name.removeprefix(_SOURCE), value


def _spdx_sources(document: object) -> Iterator[tuple[str, str]]:
    for found in find(
        document, "@graph[type=Annotation][name=field sources].statement"
    ):
        for line in str(found.value).splitlines():
            field, _, source = line.partition(": ")
            yield field, source


def _graph(document: Mapping[str, object]) -> Mapping[str, object]:
    listed = document.get("@graph")
    if not isinstance(listed, list):
        raise InvalidInput("has no graph of elements", where="@graph")
    return {
        name: each
        for each in listed
        if isinstance(each, dict)
        and isinstance(name := each.get("spdxId", each.get("@id")), str)
    }
