"""The ``modelCard`` of a CycloneDX model: what it is for, how good it is, what it cost.

CycloneDX 1.5 to 1.7, "modelCard". What a version has no field for becomes a property.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from modelpack.documents.checking import SPEC_VERSIONS, Json, said_only
from modelpack.documents.described import Described
from modelpack.formats.declaration.declaration import Evaluation, Port
from modelpack.formats.energy.use import EnergyUse

__all__ = ["data_ref", "model_card", "properties"]

# Which claim fills which field; what is filled says where it comes from.
_CLAIMED: Final = {
    "task": "task",
    "family": "architectureFamily",
    "architecture": "modelArchitecture",
}


def model_card(model: Described, *, spec_version: str) -> Json:
    """Return the object; what is not known is not in it."""
    return said_only(
        {
            "modelParameters": _parameters(model),
            "quantitativeAnalysis": _analysis(model.declaration.evaluations),
            "considerations": _considerations(model, spec_version),
            "properties": properties(_told(model, spec_version)),
        }
    )


def properties(pairs: Sequence[tuple[str, object]]) -> Sequence[Json]:
    """Return name and value of each property that has one, in order."""
    said = [(name, str(value)) for name, value in pairs if value not in (None, "", ())]
    return [{"name": f"modelpack:{name}", "value": value} for name, value in said]


def data_ref(name: str) -> str:
    """Return the ``bom-ref`` of a data set."""
    return f"data:{name}"


def _parameters(model: Described) -> Json:
    claims, said = model.facts.claims, model.declaration
    found: Json = {field: getattr(claims, claim) for claim, field in _CLAIMED.items()}
    if said.training.approach is not None:
        found["approach"] = {"type": str(said.training.approach)}
    found["datasets"] = [{"ref": data_ref(name)} for name in claims.datasets]
    found["inputs"] = [{"format": port.format} for port in said.inputs]
    found["outputs"] = [{"format": port.format} for port in said.outputs]
    return said_only(found)


def _analysis(evaluations: Sequence[Evaluation]) -> Json:
    return said_only({"performanceMetrics": [_metric(each) for each in evaluations]})


def _metric(said: Evaluation) -> Json:
    where = (said.task, said.dataset, said.split, said.slice)
    return said_only(
        {
            "type": said.metric,
            "value": said.value,
            "slice": ", ".join(filter(None, where)),
            "confidenceInterval": said_only(
                {"lowerBound": said.lower, "upperBound": said.upper}
            ),
        }
    )


def _considerations(model: Described, spec_version: str) -> Json:
    said = model.declaration
    wrong = [f"Out of scope: {text}" for text in said.uses.out_of_scope]
    unequal = [f"Bias: {text}" for text in said.biases]
    found: Json = {
        "users": list(said.uses.users),
        "useCases": list(said.uses.intended),
        "technicalLimitations": [*said.limitations, *wrong, *unequal],
        "performanceTradeoffs": list(said.tradeoffs),
        "ethicalConsiderations": [
            said_only({"name": risk.name, "mitigationStrategy": risk.mitigation})
            for risk in said.risks
        ],
        "fairnessAssessments": [
            said_only(
                {
                    "groupAtRisk": each.group,
                    "benefits": each.benefits,
                    "harms": each.harms,
                    "mitigationStrategy": each.mitigation,
                }
            )
            for each in said.fairness
        ],
    }
    if spec_version != SPEC_VERSIONS[0]:
        found["environmentalConsiderations"] = _environment(model.costs)
    return said_only(found)


def _environment(costs: Sequence[EnergyUse]) -> Json:
    # An entry needs energy. What knows only emissions is told in properties.
    metered = [use for use in costs if use.energy is not None]
    others = [use for use in costs if use.energy is None]
    return said_only(
        {
            "energyConsumptions": [_consumption(use) for use in metered],
            "properties": properties([pair for use in others for pair in _cost(use)]),
        }
    )


def _consumption(use: EnergyUse) -> Json:
    amount = {"value": _number(use.energy.kwh if use.energy else None), "unit": "kWh"}
    found: Json = {
        "activity": str(use.activity),
        "energyProviders": [
            {
                "organization": {"name": use.provider} if use.provider else {},
                "energySource": str(use.energy_source),
                "energyProvided": amount,
                **({"description": f"grid of {use.region}"} if use.region else {}),
            }
        ],
        "activityEnergyCost": amount,
        "properties": properties(_circumstances(use)),
    }
    if use.emissions is not None:
        found["co2CostEquivalent"] = {
            "value": _number(use.emissions.tonnes),
            "unit": "tCO2eq",
        }
    return said_only(found)


def _circumstances(use: EnergyUse) -> Sequence[tuple[str, object]]:
    return [
        ("energy:hardware", ", ".join(use.hardware)),
        ("energy:hours", use.hours),
        ("energy:known", use.known),
        ("energy:method", use.method),
        ("energy:pue", use.pue),
        ("energy:runs", use.runs),
        ("energy:source", use.source),
    ]


def _cost(use: EnergyUse) -> Sequence[tuple[str, object]]:
    return [
        (f"energy:{use.activity}:energy", use.energy),
        (f"energy:{use.activity}:emissions", use.emissions),
        (f"energy:{use.activity}:region", use.region),
        *_circumstances(use),
    ]


def _told(model: Described, spec_version: str) -> Sequence[tuple[str, object]]:
    said = model.declaration
    pairs: list[tuple[str, object]] = [
        ("distribution", said.distribution),
        ("safety_risk", said.safety_risk),
        ("personal_data", said.personal_data),
        *(("domain", name) for name in said.uses.domains),
        *(("standard", name) for name in said.standards),
        *(("security_control", text) for text in said.security.controls),
        *(("training:preprocessing", text) for text in said.training.preprocessing),
        *_ports("input", said.inputs),
        *_ports("output", said.outputs),
        *(pair for each in said.evaluations for pair in _evidence(each)),
    ]
    if spec_version == SPEC_VERSIONS[0]:
        pairs += [pair for use in model.costs for pair in _cost(use)]
    return pairs


def _ports(way: str, ports: Sequence[Port]) -> Iterator[tuple[str, object]]:
    for port in ports:
        yield f"{way}:{port.format}:description", port.description
        yield f"{way}:{port.format}:limit", port.limit


def _evidence(said: Evaluation) -> Iterator[tuple[str, object]]:
    where = (said.source, said.url, said.date)
    yield f"evaluation:{said.metric}:source", " ".join(filter(None, where))


def _number(value: Decimal | None) -> float | None:
    # JSON knows no decimals; 15 digits survive.
    return None if value is None else float(value)
