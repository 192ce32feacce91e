"""What both kinds of policy do with their expressions, in Kyverno's order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Self

from modelpack.errors import InvalidInput
from modelpack.policy.cel.engine import Bindings, Program
from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.types import BOOL, NULL, STRING
from modelpack.policy.evaluation.environment import Compiler, qualified
from modelpack.policy.kyverno.policy import Common, Named, Validation
from modelpack.policy.kyverno.reading import Expression
from modelpack.policy.request import Payload, Request

__all__ = ["Broken", "Conditions", "Scope", "Validations"]


@dataclass(frozen=True, slots=True)
class Broken:
    """A validation that does not hold, or could not be evaluated."""

    rule: str
    message: str
    is_error: bool = False


class Scope:
    """Values of variables during one evaluation.

    The policy's own variables are evaluated when an expression is that looks at them,
    as Kyverno's lazy ones are; one that fails is an error for whoever uses it.
    """

    def __init__(self, compiler: Compiler, values: Mapping[str, object]) -> None:
        self._compiler = compiler
        self._values = dict(values)
        self._own: dict[str, object] = {}
        self._bindings: Bindings | None = None

    def add(self, name: str, value: object) -> None:
        """Give another variable a value."""
        self._values[name] = value
        self._bindings = None

    def evaluate(self, program: Program) -> object:
        """Return the value of an expression, or raise ``CelError``."""
        if self._bindings is None:
            late = {
                name: partial(self._find, name) for name in self._compiler.variables
            }
            self._bindings = self._compiler.bind(self._values, late)
        return program.evaluate(self._bindings)

    def _find(self, name: str) -> object:
        if name not in self._own:
            try:
                self._own[name] = self.evaluate(self._compiler.variables[name])
            except CelError as error:
                self._own[name] = CelError(f"{qualified(name)}: {error}")
        found = self._own[name]
        if isinstance(found, CelError):
            raise found
        return found


@dataclass(frozen=True, slots=True)
class Conditions:
    """``matchConditions``: whether a policy applies to a request."""

    programs: tuple[Program, ...]

    @classmethod
    def compile(cls, compiler: Compiler, conditions: tuple[Named, ...]) -> Self:
        """Compile conditions, each of which must be statically boolean."""
        return cls(tuple(compiler.compile(c.expression, BOOL) for c in conditions))

    def hold(self, scope: Scope) -> bool:
        """Whether all are true. One that is false settles it, whatever others say.

        Raises ``CelError`` where none is false and one could not be evaluated.
        """
        errors = []
        for program in self.programs:
            try:
                if scope.evaluate(program) is not True:
                    return False
            except CelError as error:
                errors.append(str(error))
        if errors:
            raise CelError("; ".join(errors))
        return True


@dataclass(frozen=True, slots=True)
class _Compiled:
    program: Program
    message: str
    message_program: Program | None


@dataclass(frozen=True, slots=True)
class Validations:
    """``validations``, and the ``auditAnnotations`` that are evaluated after them."""

    compiled: tuple[_Compiled, ...]
    annotations: tuple[Program, ...]

    @classmethod
    def compile(cls, compiler: Compiler, common: Common) -> Self:
        """Compile a policy's validations: statically boolean, messages texts."""
        return cls(
            tuple(_compiled(compiler, each) for each in common.validations),
            tuple(
                _annotation(compiler, each.expression) for each in common.annotations
            ),
        )

    def broken(self, scope: Scope) -> Broken | None:
        """Return the first validation that does not hold; None where all do."""
        for index, each in enumerate(self.compiled):
            rule = f"validations[{index}]"
            try:
                holds = scope.evaluate(each.program)
            except CelError as error:
                return Broken(rule, str(error), is_error=True)
            # Exactly true: nothing else is a yes.
            if holds is not True:
                return self._failed(scope, Broken(rule, _message(scope, each, index)))
        return self._failed(scope, None)

    def _failed(self, scope: Scope, found: Broken | None) -> Broken | None:
        """Evaluate what would be noted; that it cannot be is an error in Kyverno."""
        for program in self.annotations:
            try:
                scope.evaluate(program)
            except CelError as error:
                return Broken("auditAnnotations", str(error), is_error=True)
        return found


def values_of(asked: Request | Payload) -> Mapping[str, object]:
    """Return the variables that every expression has."""
    if isinstance(asked, Payload):
        return {"object": asked.value}
    return {
        "object": asked.object,
        "oldObject": asked.old_object,
        "request": asked.document,
        "namespaceObject": asked.namespace_object,
    }


def _compiled(compiler: Compiler, validation: Validation) -> _Compiled:
    message = validation.message_expression
    return _Compiled(
        compiler.compile(validation.expression, BOOL),
        validation.message,
        compiler.compile(message, STRING) if message else None,
    )


def _annotation(compiler: Compiler, expression: Expression) -> Program:
    program = compiler.compile(expression)
    if program.type not in (STRING, NULL):
        raise InvalidInput(
            f"the expression must be a text or null, and is {program.type}",
            where=expression.where,
        )
    return program


def _message(scope: Scope, validation: _Compiled, index: int) -> str:
    message = validation.message
    if validation.message_program is not None:
        try:
            message = str(scope.evaluate(validation.message_program))
        except CelError as error:
            message = f"failed to evaluate message expression: {error}"
    return message or f"CEL expression validation failed at index {index}"
