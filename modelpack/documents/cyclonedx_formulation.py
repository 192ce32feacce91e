"""The ``formulation`` of a CycloneDX document: how the model was trained, with what."""

from __future__ import annotations

from collections.abc import Sequence

from modelpack.documents.checking import Json, said_only
from modelpack.documents.cyclonedx_card import data_ref, properties
from modelpack.documents.cyclonedx_parts import library_ref
from modelpack.documents.described import Described
from modelpack.formats.declaration.declaration import Role, Training

__all__ = ["formulation"]


def formulation(model: Described, model_ref: str) -> Sequence[Json]:
    """Return it; empty where nothing is known of the training."""
    training = model.declaration.training
    libraries = model.environment.packages if model.environment else ()
    inputs = [*_data(model), *_parameters(training), *_code(training)]
    if not inputs and not libraries and training == Training():
        return []
    workflow = said_only(
        {
            "bom-ref": "workflow:training",
            "uid": "training",
            "name": "training",
            "description": training.description,
            # No task of CycloneDX's is called training.
            "taskTypes": ["build"],
            "resourceReferences": [{"ref": library_ref(item)} for item in libraries],
            "inputs": inputs,
            "outputs": [{"type": "artifact", "resource": {"ref": model_ref}}],
            "properties": properties(_circumstances(model)),
        }
    )
    return [{"bom-ref": "formula", "workflows": [workflow]}]


def _data(model: Described) -> Sequence[Json]:
    said = {data.name: data.role for data in model.declaration.datasets}
    return [
        {"resource": {"ref": data_ref(name)}}
        for name in model.facts.claims.datasets
        if Role.TRAINING in said.get(name, ())
    ]


def _parameters(training: Training) -> Sequence[Json]:
    pairs = sorted(training.hyperparameters.items())
    if not pairs:
        return []
    return [{"parameters": [{"name": name, "value": value} for name, value in pairs]}]


def _code(training: Training) -> Sequence[Json]:
    if training.repository is None:
        return []
    comment = f"commit {training.commit}" if training.commit else ""
    place = said_only({"type": "vcs", "url": training.repository, "comment": comment})
    return [{"resource": {"externalReference": place}}]


def _circumstances(model: Described) -> Sequence[tuple[str, object]]:
    training, environment = model.declaration.training, model.environment
    return [
        ("environment:python", environment.python if environment else ""),
        ("environment:source", environment.source if environment else ""),
        *(("training:hardware", name) for name in training.hardware),
        ("training:hours", training.hours),
        ("training:flops", training.flops),
    ]
