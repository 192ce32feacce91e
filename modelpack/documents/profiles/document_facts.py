"""The document itself, and the system that it is of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from modelpack.documents.profiles.places import AI, MADE, told
from modelpack.documents.profiles.profile import Fact

__all__ = ["DOCUMENT_FACTS"]

DOCUMENT_FACTS: Final[Mapping[str, Fact]] = {
    # The document itself.
    "author": Fact(
        cyclonedx=("metadata.authors[*].name", "metadata.manufacturer.name"),
        spdx=tuple(
            f"{MADE}.createdBy[*]->[type={kind}].name"
            for kind in ("Organization", "Person")
        ),
        ask="give --author",
    ),
    "bom_version": Fact(cyclonedx=("version",)),
    "serial": Fact(
        cyclonedx=("serialNumber",), spdx=("@graph[type=SpdxDocument].spdxId",)
    ),
    "format": Fact(cyclonedx=("bomFormat",), spdx=("@context",)),
    "format_version": Fact(cyclonedx=("specVersion",), spdx=(f"{MADE}.specVersion",)),
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
        spdx=(f"{MADE}.created",),
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
        spdx=("@graph[type=software_File].name", f"{AI}.name"),
        field="files",
    ),
    "system_producer": Fact(
        cyclonedx=("metadata.component.supplier.name", "metadata.supplier.name"),
        spdx=(f"{AI}.suppliedBy->.name",),
        field="supplier",
        ask="declare supplier",
    ),
    "system_version": Fact(
        cyclonedx=("metadata.component.version",),
        spdx=(f"{AI}.software_packageVersion",),
        field="version",
        ask="declare version",
    ),
    "data_flow": Fact(
        cyclonedx=("services[*].data[*].flow",), ask="list the services in the document"
    ),
    "data_usage": Fact(
        cyclonedx=(told("personal_data"), "services[*].data[*].classification"),
        spdx=(f"{AI}.ai_useSensitivePersonalInformation",),
        field="personal_data",
        ask="declare personal_data",
    ),
}
