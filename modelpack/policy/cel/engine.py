"""Compiles and evaluates CEL.

The library answers an error as a value that is true in Python. Here it is raised.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.functions import Function
from modelpack.policy.cel.library import cel
from modelpack.policy.cel.signatures import Signatures, declared, native
from modelpack.policy.cel.tree import CheckedExpression
from modelpack.policy.cel.types import BOOL, CelType
from modelpack.policy.cel.values import from_native, to_native

__all__ = ["MAX_SOURCE", "Bindings", "CelError", "Environment", "Program"]

MAX_SOURCE: Final = 64 << 10

# In the versions that Kubernetes and Kyverno have, as far as the library goes.
_LIBRARIES: Final = [
    {"name": "optional"},
    {"name": "bindings"},
    {"name": "encoders"},
    {"name": "lists", "version": 2},
    {"name": "math", "version": 2},
    {"name": "regex"},
    {"name": "sets"},
    {"name": "strings", "version": 2},
    {"name": "two-var-comprehensions"},
]

_STATUS: Final = re.compile(r"^[A-Z_]+: | \[[A-Z_]+\]$")
_FAULT: Final = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_CONTAINER: Final = " (in container '')"
_CALLBACK: Final = re.compile("'Python function '<function .* at 0x[0-9a-f]+>''")
_UNBOUND: Final = re.compile(r'No value with name "(.*)" found in Activation')

# An interrupt inside a function would be absorbed by `||`, as any error is.
_interrupted = threading.local()


class Environment:
    """Knows the variables and functions that expressions may use."""

    def __init__(
        self,
        *,
        variables: Mapping[str, CelType],
        functions: Sequence[Function] = (),
    ) -> None:
        self.variables: Mapping[str, CelType] = dict(variables)
        signatures = Signatures(functions, guard=_guarded)
        # Two of them, for the library cannot run what it can check: types of our
        # own, parameters of the type `dyn`, and comparisons of unlike numbers.
        self._checker = cel.NewEnv(
            config=_config(
                {
                    "variables": [
                        {"name": name, **declared(kind)}
                        for name, kind in self.variables.items()
                    ],
                    **signatures.declarations(),
                }
            ),
            extensions=[_extension(signatures.additions())],
        )
        self._runtime = cel.NewEnv(
            config=_config({}),
            variables={name: native(kind) for name, kind in self.variables.items()},
            functions=signatures.implementations(shared=False),
            extensions=[_extension(signatures.implementations(shared=True))],
        )
        # Until it has compiled something it does not know the types of its variables.
        self._runtime.compile("true")

    def compile(
        self, source: str, *, where: str, result: CelType | None = None
    ) -> Program:
        """Check an expression, or raise ``InvalidInput`` with line and column.

        ``result`` is the type that it must have as it stands: one of the type ``dyn``
        could turn out to be anything, and Kyverno refuses it as well.
        """
        try:
            size = len(source.encode())
        except UnicodeEncodeError as error:
            raise InvalidInput("half of a surrogate pair", where=where) from error
        if size > MAX_SOURCE:
            raise InvalidInput(f"an expression of over {MAX_SOURCE} bytes", where=where)
        try:
            raw: bytes = self._checker.compile(source).serialize()
        except RuntimeError as error:
            raise InvalidInput(_faults(str(error)), where=where) from error
        checked = CheckedExpression.parse(raw)
        if result is not None and checked.result != result:
            raise InvalidInput(
                f"the expression must be of the type {result}, and is {checked.result}",
                where=where,
            )
        return Program(self, self._runtime.deserialize(raw), checked)

    def bind(self, values: Mapping[str, object]) -> Bindings:
        """Convert values once, for several programs of this environment.

        A variable may be left out: using it is then an error. Raises ``CelError``
        for what is no value of CEL.
        """
        unknown = sorted(set(values) - set(self.variables))
        if unknown:
            raise ValueError(f"no variables of this environment: {unknown}")
        converted = {}
        for name, value in values.items():
            try:
                converted[name] = to_native(value)
            except CelError as error:
                raise CelError(f"{name}: {error}") from error
        return Bindings(self, self._runtime.Activation(converted))


class Bindings:
    """Values of variables, ready for the programs of one environment."""

    def __init__(self, environment: Environment, activation: object) -> None:
        self.environment = environment
        self.activation = activation


class Program:
    """A checked expression. ``type`` is what it gives."""

    def __init__(
        self, environment: Environment, expression: object, checked: CheckedExpression
    ) -> None:
        self._environment = environment
        self._expression = expression
        self.type = checked.result
        self.variables = checked.variables & environment.variables.keys()

    def evaluate(self, bindings: Mapping[str, object] | Bindings) -> object:
        """Return the value as plain Python, or raise ``CelError``.

        What is of the type ``bool`` is exactly ``True`` or ``False``.
        """
        if not isinstance(bindings, Bindings):
            bindings = self._environment.bind(bindings)
        if bindings.environment is not self._environment:
            raise ValueError("values of another environment")
        value = self._run(bindings)
        if self.type == BOOL and not isinstance(value, bool):
            raise CelError(f"gives no boolean, but {type(value).__name__}")
        return value

    def _run(self, bindings: Bindings) -> object:
        _interrupted.by = None
        try:
            answer = self._expression.eval(bindings.activation)  # type: ignore[attr-defined]
            failed = answer.type() in (cel.Type.ERROR, cel.Type.UNKNOWN)
            plain = answer.plain_value()
        except (RuntimeError, TypeError) as error:
            failed, plain = True, str(error)
        if _interrupted.by is not None:
            raise _interrupted.by
        if failed:
            raise CelError(_reason(str(plain)))
        return from_native(plain)


def _config(parts: Mapping[str, object]) -> object:
    """Return a configuration; JSON is the YAML that needs no care with quotes."""
    return cel.NewEnvConfigFromYaml(json.dumps({"extensions": _LIBRARIES, **parts}))


def _extension(functions: list[object]) -> object:
    return cel.CelExtension("modelpack", functions)


def _guarded(call: Callable[..., object]) -> Callable[..., object]:
    """Return what the library calls: it gives and takes plain values."""

    def guarded(*arguments: object) -> object:
        try:
            return to_native(call(*map(from_native, arguments)))
        except Exception as error:
            text = str(error) or type(error).__name__
            raise CelError(text) from error
        except BaseException as error:
            _interrupted.by = error
            raise

    return guarded


def _faults(text: str) -> str:
    """Return the library's faults in one line: `1:7: undeclared reference to 'x'`."""
    found = [
        fault if line.startswith("-") else f"{line}:{column}: {fault}"
        for line, column, fault in _FAULT.findall(_STATUS.sub("", text))
    ]
    faults = list(dict.fromkeys(f.replace(_CONTAINER, "") for f in found))
    return "; ".join(faults) if faults else _reason(text)


def _reason(text: str) -> str:
    """Return the text of an error of the library, without its status."""
    text = _CALLBACK.sub("the result of a function", _STATUS.sub("", text))
    unbound = _UNBOUND.fullmatch(text)
    return f"{unbound[1]} has no value" if unbound else text
