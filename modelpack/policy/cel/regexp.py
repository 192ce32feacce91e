"""Regular expressions as Go has them (RE2), found anywhere in a text.

Python's own differ: in syntax, in what ``$`` matches, and in the time that they take.
"""

from __future__ import annotations

from functools import cache

from modelpack.errors import InvalidInput
from modelpack.policy.cel.engine import Environment, Program
from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.types import BOOL, STRING

__all__ = ["GoPattern"]


class GoPattern:
    """A pattern, as ``regexp.MatchString`` takes it: part of a name is enough."""

    def __init__(self, pattern: str, where: str = "") -> None:
        self._pattern = pattern
        try:
            self._found("")
        except CelError as error:
            raise InvalidInput(
                f"not a regular expression: {error}", where=where
            ) from error

    def matches(self, name: str) -> bool:
        """Whether it is found in a name."""
        return self._found(name)

    def _found(self, name: str) -> bool:
        bindings = {"name": name, "pattern": self._pattern}
        return _program().evaluate(bindings) is True


@cache
def _program() -> Program:
    environment = Environment(variables={"name": STRING, "pattern": STRING})
    return environment.compile("name.matches(pattern)", where="", result=BOOL)
