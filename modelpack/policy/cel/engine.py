"""Compiles and evaluates CEL.

The library answers an error as a value that is true in Python. Here it is raised.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.policy.cel.bindings import (
    Bindings,
    Late,
    found_late,
    native_value,
    shut,
)
from modelpack.policy.cel.encoders import FUNCTIONS as ENCODERS
from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.functions import Function
from modelpack.policy.cel.instead import CORRECTED, INSTEAD, REPLACED
from modelpack.policy.cel.library import cel
from modelpack.policy.cel.literals import first_mixture
from modelpack.policy.cel.messages import faults, place, reason
from modelpack.policy.cel.rewrite import LATE, Rewriter
from modelpack.policy.cel.signatures import Signatures, declared, is_native, native
from modelpack.policy.cel.tree import CheckedExpression
from modelpack.policy.cel.types import BOOL, CelType
from modelpack.policy.cel.values import OptionalValue, from_native

__all__ = ["MAX_SOURCE", "Bindings", "CelError", "Environment", "Late", "Program"]

MAX_SOURCE: Final = 64 << 10

# In the versions that Kubernetes and Kyverno have, as far as the library goes.
_LIBRARIES: Final = [
    {"name": "optional"},
    {"name": "bindings"},
    {"name": "lists", "version": 2},
    {"name": "math", "version": 2},
    {"name": "regex"},
    {"name": "sets"},
    {"name": "strings", "version": 2},
]
# Macros need no library to run, but for the function behind two of them, which the
# library lacks.
_CHECKED_LIBRARIES: Final = [*_LIBRARIES, {"name": "two-var-comprehensions"}]

# An interrupt inside a function would be absorbed by `||`, as any error is.
_interrupted = threading.local()


class Environment:
    """Knows the variables and functions that expressions may use.

    ``late`` are variables that are bound to functions without parameters.
    """

    def __init__(
        self,
        *,
        variables: Mapping[str, CelType],
        late: Mapping[str, CelType] | None = None,
        functions: Sequence[Function] = (),
    ) -> None:
        self._early = dict(variables)
        self._late = dict(late or {})
        signatures = Signatures((*ENCODERS, *functions), guard=_guarded)
        # Two of them, for the library cannot run what it can check: types of our
        # own, parameters of the type `dyn`, and comparisons of unlike numbers.
        self._checker = cel.NewEnv(
            config=_config(
                {
                    "extensions": _CHECKED_LIBRARIES,
                    "variables": [
                        {"name": name, **declared(kind)}
                        for name, kind in self.variables.items()
                        if not is_native(kind)
                    ],
                    **signatures.declarations(),
                }
            ),
            variables={
                name: native(kind)
                for name, kind in self.variables.items()
                if is_native(kind)
            },
            extensions=[_extension(signatures.additions())],
        )
        self._runtime = cel.NewEnv(
            config=_config({"extensions": _LIBRARIES}),
            variables={name: native(kind) for name, kind in self._early.items()},
            functions=[
                *signatures.implementations(shared=False),
                *Signatures(INSTEAD, guard=_guarded).implementations(shared=False),
                *(_finder(name, kind) for name, kind in self._late.items()),
            ],
            extensions=[_extension(signatures.implementations(shared=True))],
        )
        # Until it has compiled something it does not know the types of its variables.
        self._runtime.compile("true")
        self._refusals = signatures.refusals
        self._rewriter = Rewriter(
            late=self._late.keys(),
            optional_variables=frozenset(
                name for name, kind in self.variables.items() if kind.is_optional
            ),
            optional_overloads=signatures.optional_overloads(),
            corrected_by=CORRECTED,
            equalities={f.name for f in functions if f.name.startswith("@")},
            called_by={**REPLACED, **{o: o for o in signatures.exact_overloads()}},
        )

    @property
    def variables(self) -> Mapping[str, CelType]:
        """All variables, late ones among them."""
        return {**self._early, **self._late}

    def compile(
        self, source: str, *, where: str, result: CelType | None = None
    ) -> Program:
        """Check an expression, or raise ``InvalidInput`` with line and column.

        ``result`` is the type that it must have as it stands: one of the type ``dyn``
        could turn out to be anything, and Kyverno refuses it as well.
        """
        checked = self._check(source, where)
        for name in sorted(checked.functions & self._refusals.keys()):
            raise InvalidInput(
                f"uses {name}, which modelpack does not support",
                where=where,
                hint=self._refusals[name],
            )
        if result is not None and checked.result != result:
            raise InvalidInput(
                f"the expression must be of the type {result}, and is {checked.result}",
                where=where,
            )
        mixture = first_mixture(checked)
        if mixture is not None:
            raise InvalidInput(
                f"{place(source, mixture.position)}: expected the type "
                f"{mixture.expected}, but found {mixture.found}",
                where=where,
                hint="put each element in dyn(...) if they are meant to be unlike",
            )
        expression = self._runtime.deserialize(self._rewriter.rewrite(checked))
        used = checked.variables & self.variables.keys()
        return Program(self, expression, checked.result, used)

    def bind(self, values: Mapping[str, object]) -> Bindings:
        """Convert values once, for several programs of this environment.

        A variable may be left out: using it is then an error. Raises ``CelError``
        for what is no value of CEL.
        """
        unknown = sorted(set(values) - set(self.variables))
        if unknown:
            raise ValueError(f"no variables of this environment: {unknown}")
        late: dict[str, Late] = {}
        early: dict[str, object] = {}
        for name, value in values.items():
            if name in self._early:
                early[name] = _bound(name, value)
            elif callable(value):
                late[name] = value
            else:
                raise TypeError(f"{name} is found out late: bind it to a function")
        return Bindings(self, self._runtime.Activation(early), late)

    def _check(self, source: str, where: str) -> CheckedExpression:
        try:
            size = len(source.encode())
        except UnicodeEncodeError as error:
            raise InvalidInput("half of a surrogate pair", where=where) from error
        if size > MAX_SOURCE:
            raise InvalidInput(f"an expression of over {MAX_SOURCE} bytes", where=where)
        try:
            raw: bytes = self._checker.compile(source).serialize()
        except RuntimeError as error:
            raise InvalidInput(faults(str(error)), where=where) from error
        return CheckedExpression.parse(raw)


class Program:
    """A checked expression, its type, and the variables that it names."""

    def __init__(
        self,
        environment: Environment,
        expression: object,
        result: CelType,
        variables: frozenset[str],
    ) -> None:
        self._environment = environment
        self._expression = expression
        self.type = result
        self.variables = variables

    def evaluate(self, bindings: Mapping[str, object] | Bindings) -> object:
        """Return the value as plain Python, or raise ``CelError``.

        What is of the type ``bool`` is exactly ``True`` or ``False``; what is of an
        ``optional_type`` is an ``OptionalValue``.
        """
        if not isinstance(bindings, Bindings):
            bindings = self._environment.bind(bindings)
        if bindings.environment is not self._environment:
            raise ValueError("values of another environment")
        value = self._run(bindings)
        if self.type == BOOL and not isinstance(value, bool):
            raise CelError(f"gives no boolean, but {type(value).__name__}")
        if self.type.is_optional:
            return OptionalValue(tuple(value) if isinstance(value, list) else ())
        return value

    def _run(self, bindings: Bindings) -> object:
        _interrupted.by = None
        try:
            with bindings.opened():
                answer = self._expression.eval(bindings.activation)  # type: ignore[attr-defined]
            failed = answer.type() in (cel.Type.ERROR, cel.Type.UNKNOWN)
            plain = answer.plain_value()
        except (RuntimeError, TypeError, MemoryError) as error:
            failed, plain = True, str(error)
        if _interrupted.by is not None:
            raise _interrupted.by
        if failed:
            raise CelError(reason(str(plain)))
        return from_native(plain)


def _config(parts: Mapping[str, object]) -> object:
    """Return a configuration; JSON is the YAML that needs no care with quotes."""
    return _read_config(json.dumps(parts))


@lru_cache(maxsize=32)
def _read_config(text: str) -> object:
    # The library takes 12 ms for that of a policy, and more than for all the rest.
    return cel.NewEnvConfigFromYaml(text)


def _extension(functions: list[object]) -> object:
    return cel.CelExtension("modelpack", functions)


def _bound(name: str, value: object) -> object:
    try:
        return native_value(value)
    except CelError as error:
        raise CelError(f"{name}: {error}") from error


def _finder(name: str, kind: CelType) -> object:
    """Return the function that stands for a late variable."""
    function = LATE + name
    overload = cel.Overload(
        function,
        return_type=native(kind),
        parameters=[],
        impl=_guarded(found_late(name)),
    )
    return cel.FunctionDecl(function, [overload])


def _guarded(call: Callable[..., object]) -> Callable[..., object]:
    """Return what the library calls: it gives and takes plain values."""
    inner = shut(call)

    def guarded(*arguments: object) -> object:
        try:
            return inner(*map(from_native, arguments))
        except Exception:
            raise
        except BaseException as error:
            _interrupted.by = error
            raise

    return guarded
