"""What is said of models and data, in the fields of SPDX's AI and Dataset profiles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from modelpack.documents.described import Described
from modelpack.formats.declaration.declaration import Answer, Dataset, Evaluation
from modelpack.formats.energy.use import Activity, total

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["ai_fields", "dataset_fields"]

_ENERGY: Final[Mapping[str, Activity]] = {
    "ai_trainingEnergyConsumption": Activity.TRAINING,
    "ai_finetuningEnergyConsumption": Activity.FINE_TUNING,
    "ai_inferenceEnergyConsumption": Activity.INFERENCE,
}
_ANSWERS: Final = {
    Answer.YES: "yes",
    Answer.NO: "no",
    Answer.UNKNOWN: "noAssertion",
}


def ai_fields(model: Described, spdx: ModuleType) -> Mapping[str, object]:
    """Return the fields of an ``AIPackage`` that something is known for."""
    said, claims = model.declaration, model.facts.claims
    measured = model.facts.measured
    kinds = [claims.architecture, claims.family, *measured.formats]
    limits = [
        *said.limitations,
        *(f"Out of scope: {text}" for text in said.uses.out_of_scope),
        *(f"Bias: {text}" for text in said.biases),
    ]
    pairs = sorted(said.training.hyperparameters.items())
    found: dict[str, object] = {
        "ai_domain": [*said.uses.domains],
        "ai_energyConsumption": _energy(model, spdx),
        "ai_hyperparameter": [_entry(name, text, spdx) for name, text in pairs],
        "ai_informationAboutApplication": "\n".join(said.uses.intended),
        "ai_informationAboutTraining": said.training.description,
        "ai_limitation": "\n".join(limits),
        "ai_metric": [_entry(*pair, spdx) for pair in _metrics(said.evaluations)],
        "ai_modelDataPreprocessing": [*said.training.preprocessing],
        "ai_safetyRiskAssessment": said.safety_risk
        and getattr(spdx.ai_SafetyRiskAssessmentType, said.safety_risk),
        "ai_standardCompliance": [*said.standards],
        "ai_typeOfModel": [*dict.fromkeys(filter(None, kinds))],
        "ai_useSensitivePersonalInformation": said.personal_data
        and getattr(spdx.PresenceType, _ANSWERS[said.personal_data]),
    }
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def dataset_fields(said: Dataset, spdx: ModuleType) -> Mapping[str, object]:
    """Return the fields of a ``DatasetPackage`` that something is known for."""
    kinds = spdx.dataset_DatasetType
    types = [getattr(kinds, name) for name in said.types if name in _TYPES]
    found: dict[str, object] = {
        # The class needs one.
        "dataset_datasetType": types or [kinds.noAssertion],
        "dataset_anonymizationMethodUsed": [*said.anonymization],
        "dataset_confidentialityLevel": said.classification
        and getattr(spdx.dataset_ConfidentialityLevelType, said.classification),
        "dataset_dataCollectionProcess": said.collection,
        "dataset_dataPreprocessing": [*said.preprocessing],
        "dataset_datasetSize": said.size,
        "dataset_hasSensitivePersonalInformation": said.personal_data
        and getattr(spdx.PresenceType, _ANSWERS[said.personal_data]),
        "dataset_knownBias": [*said.biases],
        "description": said.description,
        "software_packageVersion": said.version,
        "software_downloadLocation": said.url,
    }
    return {name: value for name, value in found.items() if value not in (None, "", [])}


_TYPES: Final = frozenset(
    {"audio", "categorical", "graph", "image", "numeric", "other", "sensor"}
    | {"structured", "syntactic", "text", "timeseries", "timestamp", "video"}
)


def _energy(model: Described, spdx: ModuleType) -> object:
    found = spdx.ai_EnergyConsumption()
    any_known = False
    for field, activity in _ENERGY.items():
        spent = total(model.costs, {activity}).energy
        if spent is not None:
            amount = spdx.ai_EnergyConsumptionDescription()
            amount.ai_energyQuantity = float(spent.kwh)
            amount.ai_energyUnit = spdx.ai_EnergyUnitType.kilowattHour
            setattr(found, field, [amount])
            any_known = True
    return found if any_known else None


def _metrics(evaluations: Sequence[Evaluation]) -> Iterator[tuple[str, str]]:
    for said in evaluations:
        where = filter(None, (said.task, said.dataset, said.split, said.slice))
        place = ", ".join(where)
        yield f"{said.metric} ({place})" if place else said.metric, said.value


def _entry(name: str, value: str, spdx: ModuleType) -> object:
    entry = spdx.DictionaryEntry()
    entry.key = name
    entry.value = value
    return entry
