"""Where CycloneDX and SPDX say what profiles ask for.

CycloneDX 1.5 to 1.7; SPDX 3.0.1 as a graph of JSON-LD. What a standard has no field for
has no path here, and is then asked for in vain.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from modelpack.documents.profiles.profile import Fact

__all__ = ["FACTS"]

_M: Final = "components[type=machine-learning-model]"
_P: Final = f"{_M}.modelCard.modelParameters"
_C: Final = f"{_M}.modelCard.considerations"
_METRICS: Final = "quantitativeAnalysis.performanceMetrics"
_D: Final = "components[type=data]"
_W: Final = "formulation[*].workflows[*]"
_G: Final = "@graph[type={}]"
_AI: Final = _G.format("ai_AIPackage")
_DATA: Final = _G.format("dataset_DatasetPackage")
_MADE: Final = _G.format("CreationInfo")


def _told(name: str) -> str:
    return f"{_M}.modelCard.properties[name=modelpack:{name}].value"


def _measured(name: str) -> str:
    return f"{_M}.properties[name=modelpack:{name}].value"


def _of_data(name: str) -> str:
    return f"{_D}.properties[name=modelpack:data:{name}].value"


def _relation(kind: str) -> str:
    return f"@graph[relationshipType={kind}].to"


FACTS: Final[Mapping[str, Fact]] = {
    # The document itself.
    "author": Fact(
        cyclonedx=("metadata.authors[*].name", "metadata.manufacturer.name"),
        spdx=tuple(
            f"{_MADE}.createdBy[*]->[type={kind}].name"
            for kind in ("Organization", "Person")
        ),
        ask="give --author",
    ),
    "bom_version": Fact(cyclonedx=("version",)),
    "serial": Fact(
        cyclonedx=("serialNumber",), spdx=("@graph[type=SpdxDocument].spdxId",)
    ),
    "format": Fact(cyclonedx=("bomFormat",), spdx=("@context",)),
    "format_version": Fact(cyclonedx=("specVersion",), spdx=(f"{_MADE}.specVersion",)),
    "signature": Fact(
        cyclonedx=("signature",),
        ask="sign it: modelpack attest --type cyclonedx",
    ),
    "tool": Fact(
        cyclonedx=("metadata.tools.components[*].name", "metadata.tools[*].name"),
        spdx=("@graph[type=Tool].name",),
    ),
    "tool_version": Fact(
        cyclonedx=("metadata.tools.components[*].version", "metadata.tools[*].version"),
        spdx=("@graph[type=Tool].name",),
    ),
    "context": Fact(
        cyclonedx=("metadata.lifecycles[*].phase",),
        spdx=("@graph[type=software_Sbom].software_sbomType[*]",),
    ),
    "timestamp": Fact(
        cyclonedx=("metadata.timestamp",),
        spdx=(f"{_MADE}.created",),
        ask="set SOURCE_DATE_EPOCH",
    ),
    "dependencies": Fact(
        cyclonedx=("dependencies[*].dependsOn[*]",),
        spdx=("@graph[type=Relationship].relationshipType",),
    ),
    # The system that it is delivered as.
    "system_name": Fact(
        cyclonedx=("metadata.component.name",), spdx=("@graph[type=SpdxDocument].name",)
    ),
    "system_parts": Fact(
        cyclonedx=("components[*].name",),
        spdx=("@graph[type=software_File].name", f"{_AI}.name"),
        field="files",
    ),
    "system_producer": Fact(
        cyclonedx=("metadata.component.supplier.name", "metadata.supplier.name"),
        spdx=(f"{_AI}.suppliedBy->.name",),
        field="supplier",
        ask="declare supplier",
    ),
    "system_version": Fact(
        cyclonedx=("metadata.component.version",),
        spdx=(f"{_AI}.software_packageVersion",),
        field="version",
        ask="declare version",
    ),
    "data_flow": Fact(
        cyclonedx=("services[*].data[*].flow",), ask="list the services in the document"
    ),
    "data_usage": Fact(
        cyclonedx=(_told("personal_data"), "services[*].data[*].classification"),
        spdx=(f"{_AI}.ai_useSensitivePersonalInformation",),
        field="personal_data",
        ask="declare personal_data",
    ),
    # The model.
    "name": Fact(cyclonedx=(f"{_M}.name",), spdx=(f"{_AI}.name",), field="name"),
    "type": Fact(cyclonedx=(f"{_M}.type",), spdx=(f"{_AI}.software_primaryPurpose",)),
    "identifier": Fact(
        cyclonedx=(
            f"{_M}.purl",
            f"{_M}.cpe",
            f"{_M}.swid.tagId",
            f"{_M}.hashes[*].content",
        ),
        spdx=(f"{_AI}.software_packageUrl", f"{_AI}.verifiedUsing[*].hashValue"),
    ),
    "purl": Fact(cyclonedx=(f"{_M}.purl",), spdx=(f"{_AI}.software_packageUrl",)),
    "version": Fact(
        cyclonedx=(f"{_M}.version",),
        spdx=(f"{_AI}.software_packageVersion",),
        field="version",
        ask="declare version",
    ),
    "released": Fact(
        cyclonedx=(_measured("released"), f"{_M}.releaseNotes.timestamp"),
        spdx=(f"{_AI}.releaseTime", f"{_AI}.builtTime"),
        field="released",
        ask="declare released",
    ),
    "supplier": Fact(
        cyclonedx=(f"{_M}.supplier.name", f"{_M}.manufacturer.name"),
        spdx=(f"{_AI}.suppliedBy->.name",),
        field="supplier",
        ask="declare supplier",
    ),
    "description": Fact(
        cyclonedx=(f"{_M}.description",),
        spdx=(f"{_AI}.description",),
        field="description",
        ask="declare description",
    ),
    "hash": Fact(
        cyclonedx=(
            f"{_M}.hashes[*].content",
            "components[type=file].hashes[*].content",
        ),
        spdx=(
            f"{_AI}.verifiedUsing[*].hashValue",
            "@graph[type=software_File].verifiedUsing[*].hashValue",
        ),
        field="files",
    ),
    "hash_algorithm": Fact(
        cyclonedx=(f"{_M}.hashes[*].alg", "components[type=file].hashes[*].alg"),
        spdx=(
            f"{_AI}.verifiedUsing[*].algorithm",
            "@graph[type=software_File].verifiedUsing[*].algorithm",
        ),
        field="files",
    ),
    "architecture": Fact(
        cyclonedx=(f"{_P}.modelArchitecture", f"{_P}.architectureFamily"),
        spdx=(f"{_AI}.ai_typeOfModel[*]",),
        field="architecture",
    ),
    "parameters": Fact(
        cyclonedx=(
            _measured("parameter_size"),
            f"{_M}.properties[name^=modelpack:parameters:].value",
        ),
        field="parameters",
    ),
    "task": Fact(cyclonedx=(f"{_P}.task",), field="task", ask="declare task"),
    "inputs": Fact(
        cyclonedx=(f"{_P}.inputs[*].format",), field="inputs", ask="declare inputs"
    ),
    "input_limit": Fact(
        cyclonedx=(f"{_M}.modelCard.properties[name^=modelpack:input:].value",),
        field="inputs",
        ask="declare inputs, with a limit",
    ),
    "licence": Fact(
        cyclonedx=(
            f"{_M}.licenses[*].license.id",
            f"{_M}.licenses[*].license.name",
            f"{_M}.licenses[*].expression",
        ),
        spdx=(_relation("hasDeclaredLicense"), _relation("hasConcludedLicense")),
        field="licenses",
        ask="declare licenses",
    ),
    "references": Fact(
        cyclonedx=(f"{_M}.externalReferences[*].url",),
        spdx=(
            f"{_AI}.software_homePage",
            f"{_AI}.software_downloadLocation",
            f"{_AI}.externalRef[*].locator",
        ),
        field="links",
        ask="declare links",
    ),
    "download": Fact(
        cyclonedx=(
            f"{_M}.externalReferences[type=distribution].url",
            f"{_M}.purl",
        ),
        spdx=(f"{_AI}.software_downloadLocation",),
        field="links",
        ask="declare links.download",
    ),
    "documentation": Fact(
        cyclonedx=(f"{_M}.externalReferences[type=documentation].url",),
        field="links",
        ask="declare links.documentation or links.paper",
    ),
    "code": Fact(
        cyclonedx=(f"{_M}.externalReferences[type=vcs].url",),
        field="links",
        ask="declare links.repository",
    ),
    "website": Fact(
        cyclonedx=(f"{_M}.externalReferences[type=website].url",),
        spdx=(f"{_AI}.software_homePage",),
        field="links",
        ask="declare links.homepage",
    ),
    "usage_policy": Fact(
        cyclonedx=(f"{_M}.externalReferences[comment=usage policy].url",),
        field="links",
        ask="declare links.usage_policy",
    ),
    "distribution": Fact(
        cyclonedx=(
            _told("distribution"),
            f"{_M}.externalReferences[type=distribution].url",
        ),
        spdx=(f"{_AI}.software_downloadLocation",),
        field="distribution",
        ask="declare distribution",
    ),
    "uses": Fact(
        cyclonedx=(f"{_C}.useCases[*]",),
        spdx=(f"{_AI}.ai_informationAboutApplication",),
        field="uses",
        ask="declare uses.intended",
    ),
    "domain": Fact(
        cyclonedx=(_told("domain"), f"{_C}.useCases[*]"),
        spdx=(f"{_AI}.ai_domain[*]", f"{_AI}.ai_informationAboutApplication"),
        field="uses",
        ask="declare uses.domains",
    ),
    "limitations": Fact(
        cyclonedx=(f"{_C}.technicalLimitations[*]",),
        spdx=(f"{_AI}.ai_limitation",),
        field="limitations",
        ask="declare limitations",
    ),
    "ethics": Fact(
        cyclonedx=(
            f"{_C}.ethicalConsiderations[*].name",
            f"{_C}.fairnessAssessments[*]",
        ),
        field="risks",
        ask="declare risks",
    ),
    "safety_risk": Fact(
        cyclonedx=(_told("safety_risk"),),
        spdx=(f"{_AI}.ai_safetyRiskAssessment",),
        field="safety_risk",
        ask="declare safety_risk",
    ),
    "standards": Fact(
        cyclonedx=(_told("standard"),),
        spdx=(f"{_AI}.ai_standardCompliance[*]",),
        field="standards",
        ask="declare standards",
    ),
    "personal_data": Fact(
        cyclonedx=(_told("personal_data"),),
        spdx=(f"{_AI}.ai_useSensitivePersonalInformation",),
        field="personal_data",
        ask="declare personal_data",
    ),
    # How it was made, and how good it is.
    "training": Fact(
        cyclonedx=(f"{_W}.inputs[*].parameters[*].name", f"{_P}.approach.type"),
        spdx=(f"{_AI}.ai_hyperparameter[*].key", f"{_AI}.ai_informationAboutTraining"),
        field="training",
        ask="declare training.hyperparameters",
    ),
    "training_story": Fact(
        cyclonedx=(f"{_W}.description",),
        spdx=(f"{_AI}.ai_informationAboutTraining",),
        field="training",
        ask="declare training.description",
    ),
    "preprocessing": Fact(
        cyclonedx=(_told("training:preprocessing"),),
        spdx=(f"{_AI}.ai_modelDataPreprocessing[*]",),
        field="training",
        ask="declare training.preprocessing",
    ),
    "compute": Fact(
        cyclonedx=(
            f"{_W}.properties[name=modelpack:training:flops].value",
            f"{_W}.properties[name=modelpack:training:hours].value",
        ),
        field="training",
        ask="declare training.flops or training.hours",
    ),
    "energy": Fact(
        cyclonedx=(
            f"{_C}.environmentalConsiderations.energyConsumptions[*].activityEnergyCost",
            f"{_M}.modelCard.properties[name^=modelpack:energy:].value",
        ),
        spdx=(f"{_AI}.ai_energyConsumption",),
        field="energy",
        ask="declare energy",
    ),
    "metrics": Fact(
        cyclonedx=(f"{_M}.modelCard.{_METRICS}[*].value",),
        spdx=(f"{_AI}.ai_metric[*].value",),
        field="evaluations",
        ask="declare evaluations",
    ),
    "security_metrics": Fact(
        cyclonedx=(f"{_M}.modelCard.{_METRICS}[type^=security].value",),
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
        cyclonedx=(f"{_W}.properties[name=modelpack:training:hardware].value",),
        field="training",
        ask="declare training.hardware",
    ),
    # The data that it was made with.
    "data_name": Fact(
        cyclonedx=(f"{_D}.name",),
        spdx=(f"{_DATA}.name",),
        field="datasets",
        ask="declare datasets",
    ),
    "data_description": Fact(
        cyclonedx=(f"{_D}.description",),
        spdx=(f"{_DATA}.description",),
        field="datasets",
        ask="declare datasets.description",
    ),
    "data_content": Fact(
        cyclonedx=(_of_data("type"), f"{_D}.data[*].contents"),
        spdx=(f"{_DATA}.software_downloadLocation", f"{_DATA}.dataset_datasetSize"),
        field="datasets",
        ask="declare datasets.types",
    ),
    "data_identifier": Fact(
        cyclonedx=(f"{_D}.purl", f"{_D}.externalReferences[*].url", f"{_D}.version"),
        spdx=(f"{_DATA}.software_packageUrl", f"{_DATA}.software_downloadLocation"),
        field="datasets",
        ask="declare datasets.url",
    ),
    "data_hash": Fact(
        cyclonedx=(f"{_D}.hashes[*].content",),
        spdx=(f"{_DATA}.verifiedUsing[*].hashValue",),
        field="datasets",
        ask="declare datasets.digest",
    ),
    "data_provenance": Fact(
        cyclonedx=(_of_data("collection"), f"{_D}.supplier.name"),
        spdx=(
            f"{_DATA}.dataset_dataCollectionProcess",
            f"{_DATA}.originatedBy[*]->.name",
        ),
        field="datasets",
        ask="declare datasets.collection",
    ),
    "data_statistics": Fact(
        cyclonedx=(_of_data("records"), _of_data("size"), _of_data("bias")),
        spdx=(f"{_DATA}.dataset_datasetSize", f"{_DATA}.dataset_knownBias[*]"),
        field="datasets",
        ask="declare datasets.records",
    ),
    "data_sensitivity": Fact(
        cyclonedx=(
            f"{_D}.data[*].classification",
            f"{_D}.data[*].sensitiveData[*]",
            _of_data("personal_data"),
        ),
        spdx=(
            f"{_DATA}.dataset_hasSensitivePersonalInformation",
            f"{_DATA}.dataset_confidentialityLevel",
        ),
        field="datasets",
        ask="declare datasets.personal_data",
    ),
    "data_dependency": Fact(
        cyclonedx=(f"{_P}.datasets[*].ref", f"{_P}.datasets[*].name"),
        spdx=(_relation("trainedOn"), _relation("testedOn")),
        field="datasets",
        ask="declare datasets.role",
    ),
    "data_licence": Fact(
        cyclonedx=(
            f"{_D}.licenses[*].license.id",
            f"{_D}.licenses[*].license.name",
            f"{_D}.licenses[*].expression",
        ),
        field="datasets",
        ask="declare datasets.license",
    ),
    # Safety.
    "controls": Fact(
        cyclonedx=(_told("security_control"),),
        field="security",
        ask="declare security.controls",
    ),
    "security_policy": Fact(
        cyclonedx=(
            f"{_M}.externalReferences[type=security-contact].url",
            f"{_M}.externalReferences[comment=usage policy].url",
        ),
        field="security",
        ask="declare security.policy",
    ),
    "vulnerabilities": Fact(
        cyclonedx=(
            "vulnerabilities[*].id",
            f"{_M}.externalReferences[type=advisories].url",
            f"{_M}.externalReferences[type=exploitability-statement].url",
        ),
        field="security",
        ask="declare security.advisories",
    ),
    "nowhere": Fact(),
}
