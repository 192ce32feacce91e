"""Declared cases in the form of ``kyverno test``: which object, which verdict.

kyverno ``apis/v1alpha1/test.go``: of its fields those that say something about policies
that are supported here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from modelpack.errors import InvalidInput
from modelpack.policy.kyverno.reading import (
    child,
    each,
    flag,
    one_of,
    required,
    section,
    texts,
)

FILE: Final = "kyverno-test.yaml"
_VERSION: Final = "cli.kyverno.io/v1alpha1"
_RESULTS: Final = ("pass", "fail", "warn", "error", "skip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What one policy has to say of each of these objects."""

    policy: str
    kind: str
    objects: tuple[str, ...]
    result: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredTest:
    """One file: paths are relative to it."""

    name: str
    policies: tuple[str, ...]
    resources: tuple[str, ...]
    exceptions: tuple[str, ...]
    expected: tuple[Expected, ...]

    @classmethod
    def parse(cls, value: object, where: str) -> Self:
        """Parse a document of kind ``Test``; ``InvalidInput`` if it proves nothing."""
        top = section(
            value,
            where,
            *("apiVersion", "kind", "metadata"),
            *("policies", "resources", "exceptions", "results"),
        )
        one_of(top, "apiVersion", (_VERSION,), "")
        one_of(top, "kind", ("Test",), "")
        declared = cls(
            name=required(child(top, "metadata", "name"), "name"),
            policies=texts(top, "policies"),
            resources=texts(top, "resources"),
            exceptions=texts(top, "exceptions"),
            expected=each(top, "results", _expected),
        )
        for key, found in (
            ("policies", declared.policies),
            ("resources", declared.resources),
            ("results", declared.expected),
        ):
            if not found:
                raise InvalidInput("is empty: nothing is tested", where=top.path(key))
        return declared


def _expected(value: object, where: str) -> Expected:
    fields = section(
        value,
        where,
        *("policy", "kind", "resources", "result"),
        *("isImageValidatingPolicy", "isValidatingPolicy"),
    )
    for key in ("isImageValidatingPolicy", "isValidatingPolicy"):
        flag(fields, key, default=False)
    objects = texts(fields, "resources")
    if not objects:
        raise InvalidInput(
            "is empty: nothing is tested", where=fields.path("resources")
        )
    return Expected(
        policy=required(fields, "policy"),
        kind=required(fields, "kind"),
        objects=objects,
        result=one_of(fields, "result", _RESULTS, ""),
        where=where,
    )
