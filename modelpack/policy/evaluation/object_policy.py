"""A ValidatingPolicy that is ready to judge.

Kyverno 1.19, ``pkg/cel/policies/vpol``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from modelpack.policy.cel.kyverno import certificate_functions
from modelpack.policy.cel.types import STRING, list_of, map_of
from modelpack.policy.evaluation.environment import Compiler
from modelpack.policy.evaluation.validations import (
    Broken,
    Conditions,
    Scope,
    Validations,
    values_of,
)
from modelpack.policy.kyverno.exception import PolicyException
from modelpack.policy.kyverno.policy import Named, ValidatingPolicy
from modelpack.policy.request import Payload, Request

__all__ = ["ReadyObjectPolicy"]

_ALLOWED = map_of(STRING, list_of(STRING))


class ReadyObjectPolicy:
    """A policy whose expressions are compiled. For many threads."""

    def __init__(self, policy: ValidatingPolicy, now: Callable[[], datetime]) -> None:
        self.policy = policy
        common = policy.common
        self._compiler = Compiler(
            json_mode=common.json_mode,
            variables=common.variables,
            functions=certificate_functions(),
            more={"exceptions": _ALLOWED},
            now=now,
        )
        self.conditions = Conditions.compile(self._compiler, common.conditions)
        self._validations = Validations.compile(self._compiler, common)

    def compile_conditions(self, conditions: tuple[Named, ...]) -> Conditions:
        """Compile the conditions of an exception, which may use what these may."""
        return Conditions.compile(self._compiler, conditions)

    def scope(
        self, asked: Request | Payload, exceptions: Sequence[PolicyException] = ()
    ) -> Scope:
        """Return the variables that a request gives values to.

        ``exceptions`` are those that allow some images or values, and not everything.
        """
        allowed = {
            "allowedImages": [image for each in exceptions for image in each.images],
            "allowedValues": [value for each in exceptions for value in each.values],
        }
        return Scope(self._compiler, {**values_of(asked), "exceptions": allowed})

    def evaluate(
        self, asked: Request | Payload, exceptions: Sequence[PolicyException] = ()
    ) -> Broken | None:
        """Return the first validation that does not hold; None where all do."""
        return self._validations.broken(self.scope(asked, exceptions))
