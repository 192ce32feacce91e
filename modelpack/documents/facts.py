"""What a model is, as flat fields that a policy can ask for: the facts predicate.

docs/predicates.md says what each field means, docs/schemas/facts.json which form it
has. A list is always there, and empty where there is nothing; a text or a number is
not there where nothing is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from modelpack.documents.described import Described, Scanned, ancestors
from modelpack.formats.energy.use import Activity, total

__all__ = ["facts_predicate"]

_TEXTS: Final = {
    "architecture": "architecture",
    "family": "family",
    "task": "task",
    "library": "library",
    "quantization": "quantization",
    "chatTemplate": "template",
    "contextLength": "context_length",
}
_LISTS: Final = {
    "licenses": "licenses",
    "languages": "languages",
    "datasets": "datasets",
    "baseModels": "base_models",
}


def facts_predicate(model: Described, scanned: Scanned | None) -> Mapping[str, object]:
    """Return the predicate; ``scanned`` is what a scan of these files has found."""
    claims, measured = model.facts.claims, model.facts.measured
    document: dict[str, object] = {"name": claims.name or model.name}
    for key, claim in _TEXTS.items():
        if getattr(claims, claim):
            document[key] = getattr(claims, claim)
    for key, claim in _LISTS.items():
        document[key] = list(getattr(claims, claim))
    document["ancestors"] = [each.document() for each in ancestors(model)]
    document["files"] = len(model.files)
    document["size"] = sum(file.size for file in model.files)
    document["formats"] = sorted({str(file.kind) for file in model.files})
    document["weightFormats"] = list(measured.formats)
    document["parametersByType"] = dict(measured.parameters)
    if measured.parameters:
        document["parameters"] = sum(measured.parameters.values())
    if measured.precision:
        document["precision"] = measured.precision
    document["remoteCode"] = claims.remote_code
    document["wasmImports"] = sorted(
        {name for file in model.facts.files for name in file.imports}
    )
    document |= _cost(model)
    document["unread"] = [file.path for file in model.facts.files if file.fault]
    if scanned is not None:
        document["scanOutcome"] = scanned.outcome
        document["scanAllowed"] = list(scanned.allowed)
        if scanned.finished:
            document["scannedOn"] = scanned.finished
    return document


def _cost(model: Described) -> Mapping[str, object]:
    spent = total(model.costs, {Activity.TRAINING, Activity.FINE_TUNING})
    found: dict[str, object] = {}
    if spent.energy is not None:
        found["energyKwh"] = float(spent.energy.kwh)
    if spent.emissions is not None:
        found["carbonKg"] = float(spent.emissions.kilograms)
    if found and spent.sources:
        found["energyMethod"] = "; ".join(spent.sources)
    return found
