"""Functions that expressions may call besides those of the language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from modelpack.policy.cel.types import CelType

__all__ = ["Function", "Overload", "function", "member"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overload:
    """One signature, and what runs for it.

    ``call`` gets plain Python values and gives one. Whatever it raises becomes an
    error of CEL with its text, which ``||`` and ``&&`` may absorb (cel-spec,
    langdef.md, "Logical Operators"). The first parameter of a member is its
    receiver.
    """

    parameters: tuple[CelType, ...]
    result: CelType
    call: Callable[..., object]
    is_member: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """A name, such as ``json.unmarshal``, and its overloads."""

    name: str
    overloads: tuple[Overload, ...]


def function(
    name: str,
    parameters: tuple[CelType, ...],
    result: CelType,
    call: Callable[..., object],
) -> Function:
    """Return a global or namespaced function with one overload."""
    return Function(name, (Overload(parameters=parameters, result=result, call=call),))


def member(
    name: str,
    parameters: tuple[CelType, ...],
    result: CelType,
    call: Callable[..., object],
) -> Function:
    """Return a function that is called on its first parameter."""
    overload = Overload(parameters=parameters, result=result, call=call, is_member=True)
    return Function(name, (overload,))
