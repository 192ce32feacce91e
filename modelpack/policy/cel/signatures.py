"""Functions in the two forms that the library needs: to check them, and to run them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Final

from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.functions import Function, Overload
from modelpack.policy.cel.library import cel
from modelpack.policy.cel.types import (
    ANY_KIND,
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    UINT,
    CelType,
    list_of,
    map_of,
)
from modelpack.policy.cel.values import Opaque

__all__ = ["Signatures", "declared", "is_native", "native"]

_Call = Callable[..., object]

_NATIVE: Final = {
    DYN: cel.Type.DYN,
    BOOL: cel.Type.BOOL,
    INT: cel.Type.INT,
    UINT: cel.Type.UINT,
    DOUBLE: cel.Type.DOUBLE,
    STRING: cel.Type.STRING,
    BYTES: cel.Type.BYTES,
    NULL: cel.Type.NULL,
    TIMESTAMP: cel.Type.TIMESTAMP,
    DURATION: cel.Type.DURATION,
}
_NUMBERS: Final = (INT, UINT, DOUBLE)
_ORDERED: Final = (BOOL, STRING, BYTES, TIMESTAMP, DURATION)
_CONVERTIBLE: Final = (STRING, INT, UINT, DOUBLE, BOOL, BYTES, TIMESTAMP, DURATION)
# Those of the library's extensions that Kubernetes gives more overloads. A
# configuration cannot add to them, an extension of ours can.
_SHARED: Final = frozenset({"indexOf", "lastIndexOf", "math.round"})
_OPAQUE_KIND: Final = map_of(STRING, DYN)


class Signatures:
    """All functions of an environment, with those that share a name put together."""

    def __init__(
        self, functions: Sequence[Function], *, guard: Callable[[_Call], _Call]
    ) -> None:
        self._overloads: dict[str, list[Overload]] = {}
        for function in functions:
            known = self._overloads.setdefault(function.name, [])
            known.extend(o for o in function.overloads if o not in known)
        self.refusals: Mapping[str, str] = {
            function.name: function.refusal
            for function in functions
            if function.refusal
        }
        self._guard = guard

    def declarations(self) -> dict[str, object]:
        """Return what the type checker reads.

        Functions of the language that have more overloads here are taken out of it,
        and declared whole: `string`, and the comparisons of unlike numbers.
        """
        whole = {
            name: [
                _declaration(f"{name}@{'@'.join(map(str, o.parameters))}", o)
                for o in overloads
            ]
            for name, overloads in _OF_THE_LANGUAGE.items()
        }
        for name in self._overloads:
            if name not in _SHARED:
                whole.setdefault(name, []).extend(
                    _declaration(identity, o) for identity, o in self._identified(name)
                )
        return {
            "stdlib": {"exclude_functions": [{"name": n} for n in _OF_THE_LANGUAGE]},
            "functions": [{"name": n, "overloads": o} for n, o in whole.items()],
        }

    def additions(self) -> list[object]:
        """Return what the type checker adds to the library's own functions."""
        return [
            cel.FunctionDecl(
                name, [_addition(identity, o) for identity, o in self._identified(name)]
            )
            for name in self._overloads.keys() & _SHARED
        ]

    def implementations(self, *, shared: bool) -> list[object]:
        """Return what runs: one overload for each combination of kinds.

        At run time a parameter of the type ``dyn`` matches nothing, and one of a
        library's type does not exist. ``shared`` are the additions to functions of
        the library and of the language.
        """
        both = _SHARED | _OF_THE_LANGUAGE.keys()
        found = [
            # An extension takes null for anything.
            _implementation(name, tuple(overloads), self._guard, has_null=not shared)
            for name, overloads in self._overloads.items()
            if name not in self.refusals and (name in both) is shared
        ]
        if not shared:
            found += [
                _implementation(identity, (overload,), self._guard, has_null=True)
                for identity, overload in self._exact.items()
            ]
        return found

    def optional_overloads(self) -> frozenset[str]:
        """Return the overloads that give an optional value."""
        return frozenset(
            identity
            for name in self._overloads
            for identity, overload in self._identified(name)
            if overload.result.is_optional
        )

    def exact_overloads(self) -> frozenset[str]:
        """Return those that must be called by their own names.

        Of two that take the same kinds of values, and give unlike ones, the library
        can run one: what it is given by Python must be of the type that it was told.
        And what is added to its own functions takes no null.
        """
        return frozenset(self._exact)

    @cached_property
    def _exact(self) -> Mapping[str, Overload]:
        return {
            identity: overload
            for name, overloads in self._overloads.items()
            if name not in self.refusals and (name in _SHARED or len(overloads) > 1)
            for identity, overload in self._identified(name)
            if name in _SHARED or overload in _unlike(tuple(overloads))
        }

    def _identified(self, name: str) -> Iterator[tuple[str, Overload]]:
        for number, overload in enumerate(self._overloads[name]):
            yield f"{name}#{number}", overload


@lru_cache(maxsize=512)
def _implementation(
    name: str,
    overloads: tuple[Overload, ...],
    guard: Callable[[_Call], _Call],
    *,
    has_null: bool,
) -> object:
    """Return a function in the library's form; made once for many environments."""
    return cel.FunctionDecl(
        name,
        [
            cel.Overload(
                f"{name}@{number}",
                return_type=_result(candidates),
                parameters=[native(kind) for kind in kinds],
                is_member=is_member,
                impl=guard(_chosen(name, candidates)),
            )
            for number, ((is_member, kinds), candidates) in enumerate(
                _ways(overloads).items()
            )
            if has_null or NULL not in kinds
        ],
    )


@lru_cache(maxsize=512)
def _unlike(overloads: tuple[Overload, ...]) -> frozenset[Overload]:
    """Return those that take what another takes, and give something else."""
    return frozenset(
        overload
        for candidates in _ways(overloads).values()
        for overload in candidates
        if len({o.result for o in candidates}) > 1
    )


def _ways(
    overloads: Sequence[Overload],
) -> Mapping[tuple[bool, tuple[CelType, ...]], Sequence[Overload]]:
    """Return the overloads for each combination of kinds that they take."""
    ways: dict[tuple[bool, tuple[CelType, ...]], list[Overload]] = {}
    for overload in overloads:
        for kinds in itertools.product(*map(_kinds, overload.parameters)):
            ways.setdefault((overload.is_member, kinds), []).append(overload)
    return ways


def declared(kind: CelType) -> dict[str, object]:
    """Return a type as the library's configuration has it."""
    if kind.name.startswith("~"):
        return {"type_name": kind.name[1:], "is_type_param": True}
    if not kind.parameters:
        return {"type_name": kind.name}
    return {"type_name": kind.name, "params": [declared(p) for p in kind.parameters]}


def native(kind: CelType) -> object:
    """Return the type that a value of ``kind`` has when it runs."""
    if kind in _NATIVE:
        return _NATIVE[kind]
    if kind.name == "list" or kind.is_optional:
        return cel.Type.List(native(kind.parameters[0]))
    if kind.name == "map":
        return cel.Type.Map(*map(native, kind.parameters))
    if kind.is_opaque:
        return native(_OPAQUE_KIND)
    return cel.Type.DYN


def is_native(kind: CelType) -> bool:
    """Whether the library knows the type by itself."""
    return kind in _NATIVE or (
        kind.name in ("list", "map") and all(map(is_native, kind.parameters))
    )


def _kinds(parameter: CelType) -> tuple[CelType, ...]:
    if parameter == DYN or parameter.name.startswith("~"):
        return ANY_KIND
    if parameter.name == "list":
        return (list_of(DYN),)
    if parameter.name == "map" or parameter.is_opaque:
        return (_OPAQUE_KIND,)
    return (parameter,)


def _result(candidates: Sequence[Overload]) -> object:
    results = {o.result for o in candidates}
    return native(results.pop()) if len(results) == 1 else cel.Type.DYN


def _chosen(name: str, candidates: Sequence[Overload]) -> _Call:
    """Return what picks the overload that was made for the given library's types."""
    if len(candidates) == 1 and not any(p.is_opaque for p in candidates[0].parameters):
        return candidates[0].call

    def call(*arguments: object) -> object:
        for overload in candidates:
            if all(map(_fits, overload.parameters, arguments)):
                return overload.call(*arguments)
        raise CelError(f"no such overload: {name}")

    return call


def _fits(parameter: CelType, argument: object) -> bool:
    if parameter.is_opaque:
        return isinstance(argument, Opaque) and argument.type == parameter.name
    return parameter == DYN or not isinstance(argument, Opaque)


def _declaration(identity: str, overload: Overload) -> Mapping[str, object]:
    parameters = [declared(p) for p in overload.parameters]
    receiver = {"target": parameters.pop(0)} if overload.is_member else {}
    return {
        "id": identity,
        **receiver,
        "args": parameters,
        "return": declared(overload.result),
    }


def _addition(identity: str, overload: Overload) -> object:
    return cel.Overload(
        identity,
        return_type=native(overload.result),
        parameters=[native(p) for p in overload.parameters],
        is_member=overload.is_member,
        impl=overload.call,
    )


def _run_by_the_library(*parameters: CelType, result: CelType) -> Overload:
    """Return an overload that the library itself runs."""
    return Overload(parameters=parameters, result=result, call=_never)


def _never(*_: object) -> object:
    raise CelError("no such overload")


# cel-go, CrossTypeNumericComparisons: numbers of unlike types have an order.
_COMPARISONS: Final = tuple(
    _run_by_the_library(left, right, result=BOOL)
    for left, right in (
        *itertools.product(_NUMBERS, _NUMBERS),
        *zip(_ORDERED, _ORDERED, strict=True),
    )
)
_OF_THE_LANGUAGE: Final[Mapping[str, Sequence[Overload]]] = {
    "string": [_run_by_the_library(kind, result=STRING) for kind in _CONVERTIBLE],
    **dict.fromkeys(("_<_", "_<=_", "_>_", "_>=_"), _COMPARISONS),
}
