"""Where CycloneDX and SPDX keep the model, its data and how it was made."""

from __future__ import annotations

from typing import Final

__all__ = [
    "AI",
    "CONSIDERATIONS",
    "DATA",
    "DATASET",
    "GRAPH",
    "MADE",
    "METRICS",
    "MODEL",
    "PARAMETERS",
    "WORKFLOW",
    "measured",
    "of_data",
    "relation",
    "told",
]

MODEL: Final = "components[type=machine-learning-model]"
PARAMETERS: Final = f"{MODEL}.modelCard.modelParameters"
CONSIDERATIONS: Final = f"{MODEL}.modelCard.considerations"
METRICS: Final = "quantitativeAnalysis.performanceMetrics"
DATA: Final = "components[type=data]"
WORKFLOW: Final = "formulation[*].workflows[*]"
GRAPH: Final = "@graph[type={}]"
AI: Final = GRAPH.format("ai_AIPackage")
DATASET: Final = GRAPH.format("dataset_DatasetPackage")
MADE: Final = GRAPH.format("CreationInfo")


def told(name: str) -> str:
    """Return the path of a property of the model card."""
    return f"{MODEL}.modelCard.properties[name=modelpack:{name}].value"


def measured(name: str) -> str:
    """Return the path of a property of the model."""
    return f"{MODEL}.properties[name=modelpack:{name}].value"


def of_data(name: str) -> str:
    """Return the path of a property of a data set."""
    return f"{DATA}.properties[name=modelpack:data:{name}].value"


def relation(kind: str) -> str:
    """Return the path of where SPDX relationships of a kind lead."""
    return f"@graph[relationshipType={kind}].to"
