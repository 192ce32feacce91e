"""PolicyException of Kyverno 1.19: who need not meet a policy, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from modelpack.errors import InvalidInput
from modelpack.oci.fields import Fields
from modelpack.policy.kyverno.policy import AnyPolicy, Named
from modelpack.policy.kyverno.reading import (
    each,
    expression,
    one_of,
    required,
    section,
    text,
    texts,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyException:
    """An exception; ``expires`` is None where it never does."""

    name: str
    namespace: str
    policies: tuple[tuple[str, str], ...]
    conditions: tuple[Named, ...] = ()
    images: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    expires: datetime | None = None

    @classmethod
    def parse(cls, fields: Fields, spec: object) -> Self:
        """Parse the document's ``spec``."""
        metadata = Fields(fields.get("metadata"), fields.path("metadata"))
        inner = section(
            spec,
            fields.path("spec"),
            "policyRefs",
            "matchConditions",
            "images",
            "allowedValues",
            "reportResult",
            "expiresAt",
            "properties",
        )
        one_of(inner, "reportResult", ("skip", "pass"), "skip")
        inner.texts("properties")
        policies = each(inner, "policyRefs", _policy)
        if not policies:
            raise InvalidInput("is about no policy", where=inner.path("policyRefs"))
        return cls(
            name=required(metadata, "name"),
            namespace=text(metadata, "namespace"),
            policies=policies,
            conditions=each(inner, "matchConditions", _condition),
            images=texts(inner, "images"),
            values=texts(inner, "allowedValues"),
            expires=_time(inner, "expiresAt"),
        )

    def is_about(self, policy: AnyPolicy) -> bool:
        """Whether it names the policy, by name and kind; there are no wildcards."""
        return (policy.common.name, policy.common.kind) in self.policies

    @property
    def shown(self) -> str:
        """Its name, as Kyverno shows it."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def _policy(value: object, where: str) -> tuple[str, str]:
    fields = section(value, where, "name", "kind")
    return required(fields, "name"), required(fields, "kind")


def _condition(value: object, where: str) -> Named:
    fields = section(value, where, "name", "expression")
    return Named(required(fields, "name"), expression(fields))


def _time(fields: Fields, key: str) -> datetime | None:
    said = text(fields, key)
    if not said:
        return None
    try:
        moment = datetime.fromisoformat(said)
    except ValueError as error:
        raise InvalidInput("is no time of RFC 3339", where=fields.path(key)) from error
    if moment.tzinfo is None:
        raise InvalidInput("is no time of RFC 3339", where=fields.path(key))
    return moment.astimezone(UTC)
