"""The model: what it is and what it is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from modelpack.documents.profiles.places import (
    AI,
    CONSIDERATIONS,
    MODEL,
    PARAMETERS,
    measured,
    relation,
    told,
)
from modelpack.documents.profiles.profile import Fact

__all__ = ["MODEL_FACTS"]

MODEL_FACTS: Final[Mapping[str, Fact]] = {
    # The model.
    "name": Fact(cyclonedx=(f"{MODEL}.name",), spdx=(f"{AI}.name",), field="name"),
    "type": Fact(cyclonedx=(f"{MODEL}.type",), spdx=(f"{AI}.software_primaryPurpose",)),
    "identifier": Fact(
        cyclonedx=(
            f"{MODEL}.purl",
            f"{MODEL}.cpe",
            f"{MODEL}.swid.tagId",
            f"{MODEL}.hashes[*].content",
        ),
        spdx=(f"{AI}.software_packageUrl", f"{AI}.verifiedUsing[*].hashValue"),
    ),
    "purl": Fact(cyclonedx=(f"{MODEL}.purl",), spdx=(f"{AI}.software_packageUrl",)),
    "version": Fact(
        cyclonedx=(f"{MODEL}.version",),
        spdx=(f"{AI}.software_packageVersion",),
        field="version",
        ask="declare version",
    ),
    "released": Fact(
        cyclonedx=(measured("released"), f"{MODEL}.releaseNotes.timestamp"),
        spdx=(f"{AI}.releaseTime", f"{AI}.builtTime"),
        field="released",
        ask="declare released",
    ),
    "supplier": Fact(
        cyclonedx=(f"{MODEL}.supplier.name", f"{MODEL}.manufacturer.name"),
        spdx=(f"{AI}.suppliedBy->.name",),
        field="supplier",
        ask="declare supplier",
    ),
    "description": Fact(
        cyclonedx=(f"{MODEL}.description",),
        spdx=(f"{AI}.description",),
        field="description",
        ask="declare description",
    ),
    "hash": Fact(
        cyclonedx=(
            f"{MODEL}.hashes[*].content",
            "components[type=file].hashes[*].content",
        ),
        spdx=(
            f"{AI}.verifiedUsing[*].hashValue",
            "@graph[type=software_File].verifiedUsing[*].hashValue",
        ),
        field="files",
    ),
    "hash_algorithm": Fact(
        cyclonedx=(f"{MODEL}.hashes[*].alg", "components[type=file].hashes[*].alg"),
        spdx=(
            f"{AI}.verifiedUsing[*].algorithm",
            "@graph[type=software_File].verifiedUsing[*].algorithm",
        ),
        field="files",
    ),
    "architecture": Fact(
        cyclonedx=(
            f"{PARAMETERS}.modelArchitecture",
            f"{PARAMETERS}.architectureFamily",
        ),
        spdx=(f"{AI}.ai_typeOfModel[*]",),
        field="architecture",
    ),
    "parameters": Fact(
        cyclonedx=(
            measured("parameter_size"),
            f"{MODEL}.properties[name^=modelpack:parameters:].value",
        ),
        field="parameters",
    ),
    "task": Fact(cyclonedx=(f"{PARAMETERS}.task",), field="task", ask="declare task"),
    "inputs": Fact(
        cyclonedx=(f"{PARAMETERS}.inputs[*].format",),
        field="inputs",
        ask="declare inputs",
    ),
    "input_limit": Fact(
        cyclonedx=(f"{MODEL}.modelCard.properties[name^=modelpack:input:].value",),
        field="inputs",
        ask="declare inputs, with a limit",
    ),
    "licence": Fact(
        cyclonedx=(
            f"{MODEL}.licenses[*].license.id",
            f"{MODEL}.licenses[*].license.name",
            f"{MODEL}.licenses[*].expression",
        ),
        spdx=(relation("hasDeclaredLicense"), relation("hasConcludedLicense")),
        field="licenses",
        ask="declare licenses",
    ),
    "references": Fact(
        cyclonedx=(f"{MODEL}.externalReferences[*].url",),
        spdx=(
            f"{AI}.software_homePage",
            f"{AI}.software_downloadLocation",
            f"{AI}.externalRef[*].locator",
        ),
        field="links",
        ask="declare links",
    ),
    "download": Fact(
        cyclonedx=(
            f"{MODEL}.externalReferences[type=distribution].url",
            f"{MODEL}.purl",
        ),
        spdx=(f"{AI}.software_downloadLocation",),
        field="links",
        ask="declare links.download",
    ),
    "documentation": Fact(
        cyclonedx=(f"{MODEL}.externalReferences[type=documentation].url",),
        field="links",
        ask="declare links.documentation or links.paper",
    ),
    "code": Fact(
        cyclonedx=(f"{MODEL}.externalReferences[type=vcs].url",),
        field="links",
        ask="declare links.repository",
    ),
    "website": Fact(
        cyclonedx=(f"{MODEL}.externalReferences[type=website].url",),
        spdx=(f"{AI}.software_homePage",),
        field="links",
        ask="declare links.homepage",
    ),
    "usage_policy": Fact(
        cyclonedx=(f"{MODEL}.externalReferences[comment=usage policy].url",),
        field="links",
        ask="declare links.usage_policy",
    ),
    "distribution": Fact(
        cyclonedx=(
            told("distribution"),
            f"{MODEL}.externalReferences[type=distribution].url",
        ),
        spdx=(f"{AI}.software_downloadLocation",),
        field="distribution",
        ask="declare distribution",
    ),
    "uses": Fact(
        cyclonedx=(f"{CONSIDERATIONS}.useCases[*]",),
        spdx=(f"{AI}.ai_informationAboutApplication",),
        field="uses",
        ask="declare uses.intended",
    ),
    "domain": Fact(
        cyclonedx=(told("domain"), f"{CONSIDERATIONS}.useCases[*]"),
        spdx=(f"{AI}.ai_domain[*]", f"{AI}.ai_informationAboutApplication"),
        field="uses",
        ask="declare uses.domains",
    ),
    "limitations": Fact(
        cyclonedx=(f"{CONSIDERATIONS}.technicalLimitations[*]",),
        spdx=(f"{AI}.ai_limitation",),
        field="limitations",
        ask="declare limitations",
    ),
    "ethics": Fact(
        cyclonedx=(
            f"{CONSIDERATIONS}.ethicalConsiderations[*].name",
            f"{CONSIDERATIONS}.fairnessAssessments[*]",
        ),
        field="risks",
        ask="declare risks",
    ),
    "safety_risk": Fact(
        cyclonedx=(told("safety_risk"),),
        spdx=(f"{AI}.ai_safetyRiskAssessment",),
        field="safety_risk",
        ask="declare safety_risk",
    ),
    "standards": Fact(
        cyclonedx=(told("standard"),),
        spdx=(f"{AI}.ai_standardCompliance[*]",),
        field="standards",
        ask="declare standards",
    ),
    "personal_data": Fact(
        cyclonedx=(told("personal_data"),),
        spdx=(f"{AI}.ai_useSensitivePersonalInformation",),
        field="personal_data",
        ask="declare personal_data",
    ),
}
