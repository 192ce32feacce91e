"""How a model was made, from which data, and how safe it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from modelpack.documents.profiles.places import (
    AI,
    CONSIDERATIONS,
    DATA,
    DATASET,
    METRICS,
    MODEL,
    PARAMETERS,
    WORKFLOW,
    of_data,
    relation,
    told,
)
from modelpack.documents.profiles.profile import Fact

__all__ = ["MAKING_FACTS"]

MAKING_FACTS: Final[Mapping[str, Fact]] = {
    # How it was made, and how good it is.
    "training": Fact(
        cyclonedx=(
            f"{WORKFLOW}.inputs[*].parameters[*].name",
            f"{PARAMETERS}.approach.type",
        ),
        spdx=(f"{AI}.ai_hyperparameter[*].key", f"{AI}.ai_informationAboutTraining"),
        field="training",
        ask="declare training.hyperparameters",
    ),
    "training_story": Fact(
        cyclonedx=(f"{WORKFLOW}.description",),
        spdx=(f"{AI}.ai_informationAboutTraining",),
        field="training",
        ask="declare training.description",
    ),
    "preprocessing": Fact(
        cyclonedx=(told("training:preprocessing"),),
        spdx=(f"{AI}.ai_modelDataPreprocessing[*]",),
        field="training",
        ask="declare training.preprocessing",
    ),
    "compute": Fact(
        cyclonedx=(
            f"{WORKFLOW}.properties[name=modelpack:training:flops].value",
            f"{WORKFLOW}.properties[name=modelpack:training:hours].value",
        ),
        field="training",
        ask="declare training.flops or training.hours",
    ),
    "energy": Fact(
        cyclonedx=(
            f"{CONSIDERATIONS}.environmentalConsiderations.energyConsumptions[*].activityEnergyCost",
            f"{MODEL}.modelCard.properties[name^=modelpack:energy:].value",
        ),
        spdx=(f"{AI}.ai_energyConsumption",),
        field="energy",
        ask="declare energy",
    ),
    "metrics": Fact(
        cyclonedx=(f"{MODEL}.modelCard.{METRICS}[*].value",),
        spdx=(f"{AI}.ai_metric[*].value",),
        field="evaluations",
        ask="declare evaluations",
    ),
    "security_metrics": Fact(
        cyclonedx=(f"{MODEL}.modelCard.{METRICS}[type^=security].value",),
        field="evaluations",
        ask="declare evaluations whose metric begins with security",
    ),
    "software": Fact(
        cyclonedx=(
            "components[type=library].name",
            "formulation[*].components[*].name",
        ),
        spdx=("@graph[type=software_Package].name",),
        ask="give --environment",
    ),
    "hardware": Fact(
        cyclonedx=(f"{WORKFLOW}.properties[name=modelpack:training:hardware].value",),
        field="training",
        ask="declare training.hardware",
    ),
    # The data that it was made with.
    "data_name": Fact(
        cyclonedx=(f"{DATA}.name",),
        spdx=(f"{DATASET}.name",),
        field="datasets",
        ask="declare datasets",
    ),
    "data_description": Fact(
        cyclonedx=(f"{DATA}.description",),
        spdx=(f"{DATASET}.description",),
        field="datasets",
        ask="declare datasets.description",
    ),
    "data_content": Fact(
        cyclonedx=(of_data("type"), f"{DATA}.data[*].contents"),
        spdx=(f"{DATASET}.software_downloadLocation", f"{DATASET}.dataset_datasetSize"),
        field="datasets",
        ask="declare datasets.types",
    ),
    "data_identifier": Fact(
        cyclonedx=(
            f"{DATA}.purl",
            f"{DATA}.externalReferences[*].url",
            f"{DATA}.version",
        ),
        spdx=(f"{DATASET}.software_packageUrl", f"{DATASET}.software_downloadLocation"),
        field="datasets",
        ask="declare datasets.url",
    ),
    "data_hash": Fact(
        cyclonedx=(f"{DATA}.hashes[*].content",),
        spdx=(f"{DATASET}.verifiedUsing[*].hashValue",),
        field="datasets",
        ask="declare datasets.digest",
    ),
    "data_provenance": Fact(
        cyclonedx=(of_data("collection"), f"{DATA}.supplier.name"),
        spdx=(
            f"{DATASET}.dataset_dataCollectionProcess",
            f"{DATASET}.originatedBy[*]->.name",
        ),
        field="datasets",
        ask="declare datasets.collection",
    ),
    "data_statistics": Fact(
        cyclonedx=(of_data("records"), of_data("size"), of_data("bias")),
        spdx=(f"{DATASET}.dataset_datasetSize", f"{DATASET}.dataset_knownBias[*]"),
        field="datasets",
        ask="declare datasets.records",
    ),
    "data_sensitivity": Fact(
        cyclonedx=(
            f"{DATA}.data[*].classification",
            f"{DATA}.data[*].sensitiveData[*]",
            of_data("personal_data"),
        ),
        spdx=(
            f"{DATASET}.dataset_hasSensitivePersonalInformation",
            f"{DATASET}.dataset_confidentialityLevel",
        ),
        field="datasets",
        ask="declare datasets.personal_data",
    ),
    "data_dependency": Fact(
        cyclonedx=(f"{PARAMETERS}.datasets[*].ref", f"{PARAMETERS}.datasets[*].name"),
        spdx=(relation("trainedOn"), relation("testedOn")),
        field="datasets",
        ask="declare datasets.role",
    ),
    "data_licence": Fact(
        cyclonedx=(
            f"{DATA}.licenses[*].license.id",
            f"{DATA}.licenses[*].license.name",
            f"{DATA}.licenses[*].expression",
        ),
        field="datasets",
        ask="declare datasets.license",
    ),
    # Safety.
    "controls": Fact(
        cyclonedx=(told("security_control"),),
        field="security",
        ask="declare security.controls",
    ),
    "security_policy": Fact(
        cyclonedx=(
            f"{MODEL}.externalReferences[type=security-contact].url",
            f"{MODEL}.externalReferences[comment=usage policy].url",
        ),
        field="security",
        ask="declare security.policy",
    ),
    "vulnerabilities": Fact(
        cyclonedx=(
            "vulnerabilities[*].id",
            f"{MODEL}.externalReferences[type=advisories].url",
            f"{MODEL}.externalReferences[type=exploitability-statement].url",
        ),
        field="security",
        ask="declare security.advisories",
    ),
    "nowhere": Fact(),
}
