"""Values of variables, and those that are found out only when they are asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.values import OptionalValue, to_native

__all__ = ["Bindings", "Late", "found_late", "native_value", "shut"]

Late = Callable[[], object]


@dataclass(slots=True)
class _Found:
    """What a late variable came to: a value, or the error that it keeps."""

    value: object = None
    error: CelError | None = None


class Bindings:
    """Values for the programs of one environment, converted once.

    A late variable is found out when it is first asked for, and once.
    """

    def __init__(
        self, environment: object, activation: object, late: Mapping[str, Late]
    ) -> None:
        self.environment = environment
        self.activation = activation
        self._late = late
        self._found: dict[str, _Found] = {}

    def find(self, name: str) -> object:
        """Return a late variable's value, or raise the ``CelError`` that it came to."""
        if name not in self._found:
            if name not in self._late:
                raise CelError(f"{name} has no value")
            # Found out from itself, it would never end.
            self._found[name] = _Found(error=CelError(f"{name} asks for itself"))
            self._found[name] = _find(self._late[name])
        found = self._found[name]
        if found.error is not None:
            raise found.error
        return found.value

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Be what late variables are looked up in."""
        before = getattr(_current, "bindings", None)
        _current.bindings = self
        try:
            yield
        finally:
            _current.bindings = before


# An evaluation stays in its thread; one inside another closes before that goes on.
_current = threading.local()


def found_late(name: str) -> Callable[[], object]:
    """Return the function that finds out a late variable of the running evaluation."""

    def find() -> object:
        bindings: Bindings = _current.bindings
        return bindings.find(name)

    return find


def native_value(value: object) -> object:
    """Convert a value; an optional one travels as a list of one value or of none."""
    if isinstance(value, OptionalValue):
        value = list(value.values)
    return to_native(value)


def shut(call: Callable[..., object]) -> Callable[..., object]:
    """Return a function whose every fault is an error of CEL, except an interrupt."""

    def guarded(*arguments: object) -> object:
        try:
            return native_value(call(*arguments))
        except CelError:
            raise
        except Exception as error:
            raise CelError(str(error) or type(error).__name__) from error

    return guarded


def _find(late: Late) -> _Found:
    try:
        return _Found(value=shut(late)())
    except CelError as error:
        return _Found(error=error)
