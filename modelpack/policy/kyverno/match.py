"""Which requests a policy is about.

``admissionregistration.k8s.io/v1``, MatchResources: Kubernetes' own matchers, as
Kyverno 1.19 calls them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from modelpack.errors import InvalidInput
from modelpack.oci.fields import Fields
from modelpack.policy.kyverno.reading import child, each, one_of, section, texts
from modelpack.policy.request import Request, Resource

_OPERATIONS: Final = ("CREATE", "UPDATE", "DELETE", "CONNECT", "*")
_SELECTOR: Final = ("matchLabels", "matchExpressions")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on labels (``meta/v1``, LabelSelectorRequirement)."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet it."""
        if self.operator == "Exists":
            return self.key in labels
        if self.operator == "DoesNotExist":
            return self.key not in labels
        among = labels.get(self.key) in self.values and self.key in labels
        return among if self.operator == "In" else not among


@dataclass(frozen=True, slots=True)
class Selector:
    """A label selector; without requirements it selects everything."""

    requirements: tuple[Requirement, ...] = ()

    @classmethod
    def parse(cls, fields: Fields, key: str) -> Self:
        """Parse a LabelSelector, which may be left out."""
        inner = child(fields, key, *_SELECTOR)
        equal = tuple(
            Requirement(name, "In", (value,))
            for name, value in inner.texts("matchLabels").items()
        )
        return cls(equal + each(inner, "matchExpressions", _requirement))

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet every requirement."""
        return all(requirement.holds(labels) for requirement in self.requirements)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A kind of request (NamedRuleWithOperations)."""

    groups: tuple[str, ...]
    versions: tuple[str, ...]
    operations: tuple[str, ...]
    resources: tuple[str, ...]
    names: tuple[str, ...] = ()
    scope: str = "*"

    def covers(self, request: Request) -> bool:
        """Whether a request is of this kind."""
        resource = request.resource
        return (
            _among(resource.group, self.groups)
            and _among(resource.version, self.versions)
            and _among(request.operation, self.operations)
            and self.scope in ("*", "Namespaced" if request.namespace else "Cluster")
            and any(_is(resource, request.subresource, name) for name in self.resources)
            and self._named(request)
        )

    def _named(self, request: Request) -> bool:
        if not self.names:
            return True
        if request.name:
            return request.name in self.names
        return any(request.generate_name.startswith(name) for name in self.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchConstraints:
    """What a policy is about. Without rules it is about everything."""

    rules: tuple[Rule, ...] = ()
    excluded: tuple[Rule, ...] = ()
    namespaces: Selector = Selector()
    objects: Selector = Selector()

    @classmethod
    def parse(cls, fields: Fields, key: str = "matchConstraints") -> Self:
        """Parse a MatchResources."""
        inner = child(
            fields,
            key,
            "resourceRules",
            "excludeResourceRules",
            "namespaceSelector",
            "objectSelector",
            "matchPolicy",
        )
        # Which version of an object is looked at is not ours to choose: it is given.
        one_of(inner, "matchPolicy", ("Exact", "Equivalent"), "Equivalent")
        return cls(
            rules=each(inner, "resourceRules", _rule),
            excluded=each(inner, "excludeResourceRules", _rule),
            namespaces=Selector.parse(inner, "namespaceSelector"),
            objects=Selector.parse(inner, "objectSelector"),
        )

    def match(self, request: Request) -> bool:
        """Whether a policy is about a request."""
        labels = request.namespace_labels
        if request.namespace and not self.namespaces.selects(labels):
            return False
        if self.objects.requirements and not any(
            self.objects.selects(labelled)
            for labelled in (request.labels, request.old_labels)
            if labelled is not None
        ):
            return False
        if any(rule.covers(request) for rule in self.excluded):
            return False
        return not self.rules or any(rule.covers(request) for rule in self.rules)

    def only_pods(self) -> bool:
        """Whether Kyverno makes copies for what creates Pods (its ``CanAutoGen``)."""
        return (
            not self.objects.requirements
            and not self.excluded
            and len(self.rules) == 1
            and replace(self.rules[0], operations=(), scope="*")
            == Rule(groups=("",), versions=("v1",), operations=(), resources=("pods",))
        )


def _requirement(value: object, where: str) -> Requirement:
    fields = section(value, where, "key", "operator", "values")
    operator = one_of(fields, "operator", ("In", "NotIn", "Exists", "DoesNotExist"), "")
    values = texts(fields, "values")
    if bool(values) != (operator in ("In", "NotIn")):
        raise InvalidInput(
            f"{operator} goes {'without' if values else 'with'} values", where=where
        )
    return Requirement(fields.text("key"), operator, values)


def _rule(value: object, where: str) -> Rule:
    fields = section(
        value,
        where,
        "apiGroups",
        "apiVersions",
        "operations",
        "resources",
        "resourceNames",
        "scope",
    )
    rule = Rule(
        groups=texts(fields, "apiGroups"),
        versions=texts(fields, "apiVersions"),
        operations=texts(fields, "operations"),
        resources=texts(fields, "resources"),
        names=texts(fields, "resourceNames"),
        scope=one_of(fields, "scope", ("*", "Namespaced", "Cluster"), "*"),
    )
    for operation in rule.operations:
        if operation not in _OPERATIONS:
            raise InvalidInput(
                f"{operation[:80]!r} is none of {', '.join(_OPERATIONS)}",
                where=fields.path("operations"),
            )
    return rule


def _among(word: str, words: Sequence[str]) -> bool:
    return "*" in words or word in words


def _is(resource: Resource, subresource: str, name: str) -> bool:
    wanted, _, sub = name.partition("/")
    if wanted not in ("*", resource.plural):
        return False
    if name == "*/*":
        return True
    return sub in ("*", subresource)
