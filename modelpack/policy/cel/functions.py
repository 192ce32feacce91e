"""Functions that expressions may call besides those of the language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.types import DYN, CelType

__all__ = ["Function", "Overload", "equality", "function", "member", "refused"]


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
    """A name, such as ``json.unmarshal``, and its overloads.

    With a ``refusal`` no expression may call it, and that is why.
    """

    name: str
    overloads: tuple[Overload, ...]
    refusal: str = ""


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


def equality(kind: CelType, *, negated: bool = False) -> str:
    """Return the name of the function behind `==`, or `!=`, of a library's type.

    Without one, values of it are equal when their texts are.
    """
    return f"@{'unequal' if negated else 'equal'}:{kind.name}"


def refused(name: str, refusal: str, *, most: int) -> Function:
    """Return a function that is known, so that it can be refused by its name.

    It takes ``most`` parameters, or fewer.
    """

    def never(*_: object) -> object:
        raise CelError(refusal)

    overloads = tuple(
        Overload(parameters=(DYN,) * count, result=DYN, call=never)
        for count in range(most + 1)
    )
    return Function(name, overloads, refusal)
