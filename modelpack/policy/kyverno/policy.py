"""Policies of Kyverno 1.19: ImageValidatingPolicy and ValidatingPolicy.

``policies.kyverno.io/v1`` and ``v1beta1``, whose schemas are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from modelpack.errors import InvalidInput
from modelpack.oci.fields import Fields
from modelpack.policy.glob import Glob
from modelpack.policy.kyverno.attestor import Attestor, attestor
from modelpack.policy.kyverno.match import MatchConstraints
from modelpack.policy.kyverno.reading import (
    Expression,
    child,
    each,
    expression,
    flag,
    one_of,
    optional_expression,
    required,
    section,
    text,
    texts,
    unique,
)

_ACTIONS: Final = ("Deny", "Audit", "Warn")
_REASONS: Final = ("", "Unauthorized", "Forbidden", "Invalid", "RequestEntityTooLarge")
_HOSTS: Final = ("default", "amazon", "azure", "google", "github")
_COMMON: Final = (
    "matchConstraints",
    "matchConditions",
    "failurePolicy",
    "validationActions",
    "webhookConfiguration",
    "evaluation",
    "autogen",
    "variables",
    "auditAnnotations",
    "validations",
)


@dataclass(frozen=True, slots=True)
class Named:
    """An expression that has a name: a condition, a variable, an extractor."""

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What has to be true, and what to say where it is not."""

    expression: Expression
    message: str = ""
    message_expression: Expression | None = None


@dataclass(frozen=True, slots=True)
class Attestation:
    """A kind of statement that a policy asks for, by its full predicate type."""

    name: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """What both kinds of policy have."""

    kind: str
    name: str
    namespace: str
    where: str
    json_mode: bool
    match: MatchConstraints
    conditions: tuple[Named, ...]
    failure_ignored: bool
    actions: frozenset[str]
    controllers: frozenset[str] | None
    variables: tuple[Named, ...]
    annotations: tuple[Named, ...]
    validations: tuple[Validation, ...]

    @property
    def denies(self) -> bool:
        """Whether a failure refuses; else it is only said."""
        return "Deny" in self.actions


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidatingPolicy:
    """A policy about objects alone."""

    common: Common

    @classmethod
    def parse(cls, fields: Fields, spec: object) -> Self:
        """Parse the document's ``spec``."""
        inner = section(spec, fields.path("spec"), *_COMMON)
        return cls(common=_common(fields, inner))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageValidatingPolicy:
    """A policy about images, and who has signed what about them."""

    common: Common
    images: tuple[Named, ...]
    references: tuple[Glob | Expression, ...]
    attestors: tuple[Attestor, ...]
    attestations: tuple[Attestation, ...]
    verify_digest: bool
    required: bool

    @classmethod
    def parse(cls, fields: Fields, spec: object) -> Self:
        """Parse the document's ``spec``."""
        inner = section(
            spec,
            fields.path("spec"),
            *_COMMON,
            "images",
            "matchImageReferences",
            "attestors",
            "attestations",
            "validationConfigurations",
            "credentials",
        )
        config = child(
            inner,
            "validationConfigurations",
            "mutateDigest",
            "verifyDigest",
            "required",
        )
        flag(config, "mutateDigest", default=True)
        _credentials(inner)
        policy = cls(
            common=_common(fields, inner),
            images=each(inner, "images", _named),
            references=each(inner, "matchImageReferences", _reference),
            attestors=each(inner, "attestors", attestor),
            attestations=each(inner, "attestations", _attestation),
            verify_digest=flag(config, "verifyDigest", default=True),
            required=flag(config, "required", default=True),
        )
        unique(inner, "images", [image.name for image in policy.images])
        unique(inner, "attestors", [one.name for one in policy.attestors])
        unique(inner, "attestations", [one.name for one in policy.attestations])
        if not policy.attestors:
            raise InvalidInput(
                "names nobody who could have signed", where=inner.path("attestors")
            )
        return policy


AnyPolicy = ImageValidatingPolicy | ValidatingPolicy


def _common(fields: Fields, spec: Fields) -> Common:
    metadata = Fields(fields.get("metadata"), fields.path("metadata"))
    variables = each(spec, "variables", _named)
    validations = each(spec, "validations", _validation)
    unique(spec, "variables", [variable.name for variable in variables])
    if not validations:
        # An empty policy would accept everything, and by accident.
        raise InvalidInput("asks for nothing", where=spec.path("validations"))
    _webhook(spec)
    mode = _evaluation(spec)
    actions = texts(spec, "validationActions") or ("Deny",)
    for action in actions:
        if action not in _ACTIONS:
            raise InvalidInput(
                f"{action[:80]!r} is none of {', '.join(_ACTIONS)}",
                where=spec.path("validationActions"),
            )
    if mode == "JSON" and variables:
        raise InvalidInput(
            "there are none in JSON mode (Kyverno 1.19)", where=spec.path("variables")
        )
    return Common(
        kind=fields.text("kind"),
        name=required(metadata, "name"),
        namespace=text(metadata, "namespace"),
        where=fields.path("spec"),
        json_mode=mode == "JSON",
        match=MatchConstraints.parse(spec),
        conditions=each(spec, "matchConditions", _named),
        failure_ignored=one_of(spec, "failurePolicy", ("Fail", "Ignore"), "Fail")
        == "Ignore",
        actions=frozenset(actions),
        controllers=_controllers(spec),
        variables=variables,
        annotations=each(spec, "auditAnnotations", _annotation),
        validations=validations,
    )


def _evaluation(spec: Fields) -> str:
    inner = child(spec, "evaluation", "mode", "admission", "background")
    for key in ("admission", "background"):
        flag(child(inner, key, "enabled"), "enabled", default=True)
    return one_of(inner, "mode", ("Kubernetes", "JSON"), "Kubernetes")


def _webhook(spec: Fields) -> None:
    inner = child(spec, "webhookConfiguration", "timeoutSeconds")
    longest = 30
    if inner.has("timeoutSeconds") and not (
        1 <= inner.count("timeoutSeconds") <= longest
    ):
        raise InvalidInput(
            f"is not 1 to {longest} seconds", where=inner.path("timeoutSeconds")
        )


def _controllers(spec: Fields) -> frozenset[str] | None:
    """Return the controllers that copies are made for; None for all of them."""
    pods = child(
        child(spec, "autogen", "podControllers"), "podControllers", "controllers"
    )
    return frozenset(texts(pods, "controllers")) if pods.has("controllers") else None


def _credentials(spec: Fields) -> None:
    """Check what says how Kyverno logs in; modelpack has logins of its own."""
    inner = child(spec, "credentials", "allowInsecureRegistry", "providers", "secrets")
    flag(inner, "allowInsecureRegistry", default=False)
    texts(inner, "secrets")
    for provider in texts(inner, "providers"):
        if provider not in _HOSTS:
            raise InvalidInput(
                f"{provider[:80]!r} is none of {', '.join(_HOSTS)}",
                where=inner.path("providers"),
            )


def _named(value: object, where: str) -> Named:
    fields = section(value, where, "name", "expression")
    return Named(required(fields, "name"), expression(fields))


def _annotation(value: object, where: str) -> Named:
    fields = section(value, where, "key", "valueExpression")
    return Named(required(fields, "key"), expression(fields, "valueExpression"))


def _validation(value: object, where: str) -> Validation:
    fields = section(
        value, where, "expression", "message", "messageExpression", "reason"
    )
    one_of(fields, "reason", _REASONS, "")
    return Validation(
        expression=expression(fields),
        message=text(fields, "message"),
        message_expression=optional_expression(fields, "messageExpression"),
    )


def _reference(value: object, where: str) -> Glob | Expression:
    fields = section(value, where, "glob", "expression")
    if fields.has("glob") == fields.has("expression"):
        raise InvalidInput("needs one of glob and expression", where=where)
    if fields.has("glob"):
        return Glob.parse(required(fields, "glob"), fields.path("glob"))
    return expression(fields)


def _attestation(value: object, where: str) -> Attestation:
    fields = section(value, where, "name", "intoto", unsupported=("referrer",))
    inner = section(fields.get("intoto"), fields.path("intoto"), "type")
    return Attestation(required(fields, "name"), required(inner, "type"))
