"""The profiles: what each asks for, under its own names and in its own order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from modelpack.documents.profiles.profile import Element, ProfileName

__all__ = ["PROFILES"]

_Row = tuple[str, str, str]

# NTIA, "The Minimum Elements For a Software Bill of Materials", 2021: data fields.
_NTIA: Final[tuple[_Row, ...]] = (
    ("supplier", "Supplier name", "supplier"),
    ("component", "Component name", "name"),
    ("version", "Version of the component", "version"),
    ("identifiers", "Other unique identifiers", "identifier"),
    ("dependencies", "Dependency relationship", "dependencies"),
    ("author", "Author of SBOM data", "author"),
    ("timestamp", "Timestamp", "timestamp"),
)
# CISA, "2025 Minimum Elements for a Software Bill of Materials", draft of August 2025.
_CISA: Final[tuple[_Row, ...]] = (
    ("author", "SBOM author", "author"),
    ("producer", "Software producer", "supplier"),
    ("component", "Component name", "name"),
    ("version", "Component version", "version"),
    ("identifiers", "Software identifiers", "identifier"),
    ("hash", "Component hash", "hash"),
    ("licence", "License", "licence"),
    ("dependencies", "Dependency relationship", "dependencies"),
    ("tool", "Tool name", "tool"),
    ("timestamp", "Timestamp", "timestamp"),
    ("context", "Generation context", "context"),
)
# G7, "SBOM for AI - Minimum Elements", 12 May 2026.
_G7: Final[tuple[_Row, ...]] = (
    ("MD-01", "SBOM author", "author"),
    ("MD-02", "SBOM version", "bom_version"),
    ("MD-03", "Data format name", "format"),
    ("MD-04", "Data format version", "format_version"),
    ("MD-05", "Author signature", "signature"),
    ("MD-06", "Tool name", "tool"),
    ("MD-07", "Tool version", "tool_version"),
    ("MD-08", "Generation context", "context"),
    ("MD-09", "Timestamp", "timestamp"),
    ("MD-10", "Dependency relationship", "dependencies"),
    ("SLP-01", "System name", "system_name"),
    ("SLP-02", "System components", "system_parts"),
    ("SLP-03", "System producer", "system_producer"),
    ("SLP-04", "System version", "system_version"),
    ("SLP-05", "System timestamp", "released"),
    ("SLP-06", "Data flow", "data_flow"),
    ("SLP-07", "Data usage", "data_usage"),
    ("SLP-08", "Input and output of the system", "inputs"),
    ("SLP-09", "Application area", "domain"),
    ("MDL-01", "Model name", "name"),
    ("MDL-02", "Model identifier", "identifier"),
    ("MDL-03", "Model version", "version"),
    ("MDL-04", "Model timestamp", "released"),
    ("MDL-05", "Model producer", "supplier"),
    ("MDL-06", "Model description", "description"),
    ("MDL-07", "Hash value", "hash"),
    ("MDL-08", "Hash algorithm", "hash_algorithm"),
    ("MDL-09", "Model properties", "architecture"),
    ("MDL-10", "Input and output properties", "inputs"),
    ("MDL-11", "Training properties", "training"),
    ("MDL-12", "Model licence", "licence"),
    ("MDL-13", "External references", "references"),
    ("DP-01", "Dataset name", "data_name"),
    ("DP-02", "Dataset description", "data_description"),
    ("DP-03", "Dataset content", "data_content"),
    ("DP-04", "Dataset identifier", "data_identifier"),
    ("DP-05", "Dataset hash", "data_hash"),
    ("DP-06", "Dataset provenance", "data_provenance"),
    ("DP-07", "Dataset statistics", "data_statistics"),
    ("DP-08", "Dataset sensitivity", "data_sensitivity"),
    ("DP-09", "Dataset dependency relationship", "data_dependency"),
    ("DP-10", "Dataset licence", "data_licence"),
    ("INF-01", "Software", "software"),
    ("INF-02", "Hardware", "hardware"),
    ("SP-01", "Security controls", "controls"),
    ("SP-02", "Compliance", "standards"),
    ("SP-03", "Policy", "security_policy"),
    ("SP-04", "Vulnerability referencing", "vulnerabilities"),
    ("KPI-01", "Security metrics", "security_metrics"),
    ("KPI-02", "Operational KPIs", "metrics"),
)
# Regulation (EU) 2024/1689, Annex XI section 1 and Annex XII: general-purpose models.
_EU: Final[tuple[_Row, ...]] = (
    ("XI.1.1a", "Tasks it is intended to perform", "task"),
    ("XI.1.1a-systems", "Systems it can be integrated in", "uses"),
    ("XI.1.1b", "Acceptable use policies", "usage_policy"),
    ("XI.1.1c", "Date of release", "released"),
    ("XI.1.1c-methods", "Methods of distribution", "distribution"),
    ("XI.1.1d", "Architecture", "architecture"),
    ("XI.1.1d-parameters", "Number of parameters", "parameters"),
    ("XI.1.1e", "Modality and format of inputs and outputs", "inputs"),
    ("XI.1.1f", "Licence", "licence"),
    ("XI.1.2a", "Technical means for integration", "documentation"),
    ("XI.1.2b", "Design, training methodology and choices", "training_story"),
    ("XI.1.2c", "Data used: type and provenance", "data_provenance"),
    ("XI.1.2c-curation", "Data used: curation", "preprocessing"),
    ("XI.1.2c-points", "Data used: number of points", "data_statistics"),
    ("XI.1.2d", "Computational resources and training time", "compute"),
    ("XI.1.2e", "Known or estimated energy consumption", "energy"),
    ("XII.1d", "Versions of relevant software", "software"),
    ("XII.2b", "Maximum size of inputs and outputs", "input_limit"),
)
# OWASP AIBOM generator, its registry of fields (April 2026), with its tiers.
_OWASP_CRITICAL: Final[tuple[_Row, ...]] = (
    ("bomFormat", "Format", "format"),
    ("specVersion", "Version of the format", "format_version"),
    ("serialNumber", "Serial number", "serial"),
    ("version", "Version of the document", "bom_version"),
    ("primaryPurpose", "Primary purpose", "task"),
    ("suppliedBy", "Supplied by", "supplier"),
    ("name", "Name", "name"),
    ("type", "Type", "type"),
    ("component_version", "Version of the model", "version"),
)
_OWASP_OTHER: Final[tuple[_Row, ...]] = (
    ("purl", "Package URL", "purl"),
    ("description", "Description", "description"),
    ("licenses", "Licences", "licence"),
    ("datasets", "Data sets", "data_dependency"),
    ("ethicalConsiderations", "Ethical considerations", "ethics"),
    ("energyConsumption", "Energy consumption", "energy"),
    ("hyperparameter", "Hyperparameters", "training"),
    ("technicalLimitations", "Technical limitations", "limitations"),
    ("safetyRiskAssessment", "Safety risk assessment", "safety_risk"),
    ("intendedUse", "Intended use", "uses"),
    ("typeOfModel", "Type of model", "architecture"),
    ("downloadLocation", "Download location", "download"),
    ("standardCompliance", "Standard compliance", "standards"),
    ("domain", "Domain", "domain"),
    ("autonomyType", "Autonomy", "nowhere"),
    ("external_references", "External references", "references"),
    ("paper", "Paper", "documentation"),
    ("vcs", "Source code", "code"),
    ("website", "Website", "website"),
    ("modelExplainability", "Explainability", "nowhere"),
    ("energyQuantity", "Energy quantity", "energy"),
    ("energyUnit", "Energy unit", "energy"),
    ("informationAboutTraining", "Information about training", "training_story"),
    ("informationAboutApplication", "Information about application", "uses"),
    ("metric", "Metrics", "metrics"),
    ("metricDecisionThreshold", "Decision thresholds", "nowhere"),
    ("modelDataPreprocessing", "Data preprocessing", "preprocessing"),
    ("useSensitivePersonalInformation", "Personal information", "personal_data"),
)


def _elements(rows: tuple[_Row, ...], *, required: bool = True) -> tuple[Element, ...]:
    return tuple(
        Element(id=id_, name=name, fact=fact, required=required)
        for id_, name, fact in rows
    )


PROFILES: Final[Mapping[ProfileName, tuple[Element, ...]]] = {
    ProfileName.NTIA: _elements(_NTIA),
    ProfileName.CISA: _elements(_CISA),
    ProfileName.G7: _elements(_G7),
    ProfileName.EU_AI_ACT: _elements(_EU),
    ProfileName.OWASP: (
        *_elements(_OWASP_CRITICAL),
        *_elements(_OWASP_OTHER, required=False),
    ),
}
