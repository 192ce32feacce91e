"""What a publisher declares of a model; every field may be left out.

Field names are those of the file. The texts beside them stand in its JSON schema,
where editors show them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

from modelpack.formats.energy.use import EnergyUse
from modelpack.formats.scalars import Commit, Day, Line, Name, Place, Prose, Url
from modelpack.oci.digest import Digest

__all__ = [
    "FILE_NAME",
    "Answer",
    "Approach",
    "BaseModel",
    "Dataset",
    "Declaration",
    "Evaluation",
    "Fairness",
    "Links",
    "Party",
    "Relation",
    "Risk",
    "RiskLevel",
    "Security",
    "Traffic",
    "Training",
    "Uses",
]

FILE_NAME: Final = "modelpack.yaml"


class Relation(StrEnum):
    """How a model was made from another: the hub's ``base_model_relation``."""

    FINETUNE = "finetune"
    ADAPTER = "adapter"
    QUANTIZED = "quantized"
    MERGE = "merge"
    DISTILLED = "distilled"
    CONVERTED = "converted"


class Role(StrEnum):
    """What a data set was used for."""

    TRAINING = "training"
    VALIDATION = "validation"
    TESTING = "testing"
    CALIBRATION = "calibration"


class Answer(StrEnum):
    """SPDX 3.0.1, ``PresenceType``."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class RiskLevel(StrEnum):
    """SPDX 3.0.1, ``SafetyRiskAssessmentType``."""

    SERIOUS = "serious"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Traffic(StrEnum):
    """SPDX 3.0.1, ``ConfidentialityLevelType``: the Traffic Light Protocol."""

    CLEAR = "clear"
    GREEN = "green"
    AMBER = "amber"
    RED = "red"


class Approach(StrEnum):
    """CycloneDX, ``modelParameters.approach.type``."""

    SUPERVISED = "supervised"
    UNSUPERVISED = "unsupervised"
    REINFORCEMENT_LEARNING = "reinforcement-learning"
    SEMI_SUPERVISED = "semi-supervised"
    SELF_SUPERVISED = "self-supervised"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A person or an organisation."""

    name: Annotated[Line, "What they are called."]
    url: Annotated[Url | None, "Their page."] = None
    email: Annotated[Line | None, "Their address."] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where more is said."""

    homepage: Annotated[Url | None, "The model's page."] = None
    documentation: Annotated[Url | None, "How it is used."] = None
    repository: Annotated[Url | None, "The code that made it."] = None
    paper: Annotated[Url | None, "What was published of it."] = None
    demo: Annotated[Url | None, "Where it can be tried."] = None
    download: Annotated[Url | None, "Where it can be had."] = None
    license: Annotated[Url | None, "The text of the licence."] = None
    usage_policy: Annotated[Url | None, "What it may not be used for."] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseModel:
    """A model that this one was made from."""

    name: Annotated[Name, "Its name, such as org/model on the hub."]
    relation: Annotated[Relation | None, "What was done with it."] = None
    reference: Annotated[Place | None, "Where it lies in a registry."] = None
    digest: Annotated[Digest | None, "Of its manifest, or of its weights."] = None
    commit: Annotated[Commit | None, "Of its repository on the hub."] = None
    license: Annotated[Line | None, "SPDX expression, or the hub's word."] = None
    url: Annotated[Url | None, "Its page."] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Data that the model was made or judged with."""

    name: Annotated[Name, "Its name, such as org/set on the hub."]
    role: Annotated[tuple[Role, ...], "What it was used for."] = ()
    version: Annotated[Name | None, "Which edition of it."] = None
    digest: Annotated[Digest | None, "Of its archive, or of its manifest."] = None
    url: Annotated[Url | None, "Where it lies."] = None
    license: Annotated[Line | None, "SPDX expression, or the hub's word."] = None
    description: Annotated[Prose | None, "What is in it."] = None
    owner: Annotated[Party | None, "Whose it is."] = None
    collection: Annotated[Prose | None, "How the data came together."] = None
    preprocessing: Annotated[tuple[Prose, ...], "What was done to it."] = ()
    types: Annotated[tuple[Line, ...], "text, image, audio, video, …"] = ()
    records: Annotated[int | None, "How many it has."] = None
    size: Annotated[int | None, "In bytes."] = None
    classification: Annotated[Traffic | None, "Who may see it."] = None
    personal_data: Annotated[Answer | None, "Whether it has personal data."] = None
    sensitive_data: Annotated[tuple[Line, ...], "Which kinds of such data."] = ()
    anonymization: Annotated[tuple[Prose, ...], "How persons were hidden."] = ()
    biases: Annotated[tuple[Prose, ...], "Whom it shows more, or less."] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """What goes in, or comes out."""

    format: Annotated[Line, "Such as text, image/png, or float32[1, 384]."]
    description: Annotated[Prose | None, "What it means."] = None
    limit: Annotated[Line | None, "The most of it, such as 512 tokens."] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """What the model is for."""

    intended: Annotated[tuple[Prose, ...], "What it was made for."] = ()
    out_of_scope: Annotated[tuple[Prose, ...], "What it must not be used for."] = ()
    users: Annotated[tuple[Prose, ...], "Who should use it."] = ()
    domains: Annotated[tuple[Line, ...], "Fields of application."] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """What can go wrong, and what is done about it."""

    name: Annotated[Prose, "What can go wrong."]
    mitigation: Annotated[Prose | None, "What is done about it."] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fairness:
    """How the model treats a group of people."""

    group: Annotated[Prose, "Who is at risk."]
    benefits: Annotated[Prose | None, "What good it does them."] = None
    harms: Annotated[Prose | None, "What harm it may do them."] = None
    mitigation: Annotated[Prose | None, "What is done about that."] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How the model was made."""

    approach: Annotated[Approach | None, "The kind of learning."] = None
    description: Annotated[Prose | None, "How, why so, and for what goal."] = None
    hyperparameters: Annotated[
        Mapping[str, Name], "Names and values, such as learning_rate: 2e-5."
    ] = field(default_factory=dict)
    preprocessing: Annotated[tuple[Prose, ...], "What was done to the data."] = ()
    hardware: Annotated[tuple[Line, ...], "On what it ran."] = ()
    hours: Annotated[Decimal | None, "How long it took."] = None
    flops: Annotated[Decimal | None, "Floating point operations in all."] = None
    repository: Annotated[Url | None, "The code that did it."] = None
    commit: Annotated[Commit | None, "Of that code."] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One measured quality of the model."""

    metric: Annotated[Line, "Such as accuracy."]
    value: Annotated[Name, "As it was reported."]
    dataset: Annotated[Name | None, "On what."] = None
    split: Annotated[Line | None, "Which part of that."] = None
    task: Annotated[Line | None, "Doing what, such as text-classification."] = None
    slice: Annotated[Line | None, "For which group or subset."] = None
    lower: Annotated[Name | None, "Lower end of the confidence interval."] = None
    upper: Annotated[Name | None, "Upper end of it."] = None
    source: Annotated[Line | None, "Which program, person or paper says so."] = None
    url: Annotated[Url | None, "Where that is said."] = None
    date: Annotated[Day | None, "When."] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """What is done so that nobody misuses the model or what it knows."""

    controls: Annotated[tuple[Prose, ...], "Measures that are in place."] = ()
    policy: Annotated[Url | None, "How to report a weakness."] = None
    advisories: Annotated[Url | None, "Where known ones are listed."] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """All that a `modelpack.yaml` says."""

    name: Annotated[Name | None, "What the model is called."] = None
    version: Annotated[Name | None, "Which release this is."] = None
    description: Annotated[Prose | None, "What it is, in a paragraph."] = None
    released: Annotated[Day | None, "The day of this release."] = None
    supplier: Annotated[Party | None, "Who stands behind it."] = None
    authors: Annotated[tuple[Party, ...], "Who made it."] = ()
    contact: Annotated[Line | None, "Where questions go: an address."] = None
    licenses: Annotated[tuple[Line, ...], "SPDX expressions, or the hub's words."] = ()
    links: Annotated[Links, "Where more is said."] = field(default_factory=Links)
    distribution: Annotated[Prose | None, "How it is made available."] = None
    languages: Annotated[tuple[Line, ...], "That it understands, such as en."] = ()
    task: Annotated[Line | None, "What it does, in the hub's words."] = None
    library: Annotated[Line | None, "What loads it."] = None
    architecture: Annotated[Line | None, "Where no file tells."] = None
    family: Annotated[Line | None, "Where no file tells."] = None
    inputs: Annotated[tuple[Port, ...], "What goes in."] = ()
    outputs: Annotated[tuple[Port, ...], "What comes out."] = ()
    base_models: Annotated[tuple[BaseModel, ...], "What it was made from."] = ()
    datasets: Annotated[tuple[Dataset, ...], "What data it was made with."] = ()
    uses: Annotated[Uses, "What it is for."] = field(default_factory=Uses)
    limitations: Annotated[tuple[Prose, ...], "What it does badly."] = ()
    biases: Annotated[tuple[Prose, ...], "Whom it treats unequally."] = ()
    tradeoffs: Annotated[tuple[Prose, ...], "What was given up for what."] = ()
    risks: Annotated[tuple[Risk, ...], "What can go wrong."] = ()
    fairness: Annotated[tuple[Fairness, ...], "How groups fare."] = ()
    safety_risk: Annotated[RiskLevel | None, "How grave a failure is."] = None
    personal_data: Annotated[Answer | None, "Whether it knows any."] = None
    standards: Annotated[tuple[Line, ...], "That it complies with."] = ()
    security: Annotated[Security, "How it is guarded."] = field(
        default_factory=Security
    )
    training: Annotated[Training, "How it was made."] = field(default_factory=Training)
    evaluations: Annotated[tuple[Evaluation, ...], "How good it is."] = ()
    energy: Annotated[tuple[EnergyUse, ...], "What it cost."] = ()
