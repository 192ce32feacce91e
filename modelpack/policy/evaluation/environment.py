"""The CEL environments of Kyverno 1.19: which names an expression may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from modelpack.policy.cel.engine import Bindings, Environment, Late, Program
from modelpack.policy.cel.functions import Function
from modelpack.policy.cel.kubernetes import kubernetes_functions
from modelpack.policy.cel.kyverno import image_functions, kyverno_functions
from modelpack.policy.cel.types import (
    DYN,
    STRING,
    CelType,
    list_of,
    map_of,
)
from modelpack.policy.kyverno.policy import Named
from modelpack.policy.kyverno.reading import Expression

__all__ = ["Compiler", "qualified", "reference_environment", "verification_types"]

Clock = Callable[[], datetime]

_KUBERNETES: Final = ("oldObject", "request", "namespaceObject")


class Compiler:
    """Compiles the expressions of one policy.

    Variables have the types of their expressions, and know those before them.
    """

    def __init__(
        self,
        *,
        json_mode: bool,
        variables: Sequence[Named],
        functions: Sequence[Function],
        more: Mapping[str, CelType],
        now: Clock,
    ) -> None:
        self._functions = (*functions, *kubernetes_functions(), *kyverno_functions(now))
        self._types: dict[str, CelType] = {"object": DYN, **more}
        if not json_mode:
            self._types |= dict.fromkeys(_KUBERNETES, DYN)
        self._own: dict[str, CelType] = {}
        self._environment = self._made()
        self._declare(variables)
        self.variables: Mapping[str, Program] = {
            variable.name: self.compile(variable.expression) for variable in variables
        }

    def compile(self, expression: Expression, result: CelType | None = None) -> Program:
        """Compile an expression that may use every variable."""
        return self._environment.compile(
            expression.source, where=expression.where, result=result
        )

    def bind(self, values: Mapping[str, object], late: Mapping[str, Late]) -> Bindings:
        """Give values to variables, and to the policy's own when they are asked for."""
        return self._environment.bind(
            {**values, **{qualified(name): find for name, find in late.items()}}
        )

    def _declare(self, variables: Sequence[Named]) -> None:
        """Find out the variables' types; to make an environment is what takes time."""
        made = 0
        for index, variable in enumerate(variables):
            source = variable.expression.source
            before = variables[:index]
            if len(self._own) > made and any(one.name in source for one in before):
                self._environment = self._made()
                made = len(self._own)
            kind = self.compile(variable.expression).type
            self._own[qualified(variable.name)] = kind
        if len(self._own) > made:
            self._environment = self._made()

    def _made(self) -> Environment:
        return Environment(
            variables=self._types, late=self._own, functions=self._functions
        )


def qualified(name: str) -> str:
    """Return what an expression calls a variable of the policy."""
    return f"variables.{name}"


def verification_types() -> Mapping[str, CelType]:
    """Return the variables that only an ImageValidatingPolicy has."""
    return {
        "images": map_of(STRING, list_of(STRING)),
        "attestors": map_of(STRING, DYN),
        "attestations": map_of(STRING, STRING),
    }


def reference_environment() -> Environment:
    """Return what ``matchImageReferences`` may use: the reference, and functions."""
    return Environment(
        variables={"ref": STRING},
        functions=(*image_functions(), *kubernetes_functions()),
    )
