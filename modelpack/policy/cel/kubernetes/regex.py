"""Matches of regular expressions.

They are RE2's, as in Go: Python's would read some of them otherwise, and take for ever
over others. The library has no function that gives all matches as Go does, but one that
replaces them: each is put between two marks.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from modelpack.policy.cel.engine import Environment, Program
from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.functions import Function, member
from modelpack.policy.cel.regexp import GoPattern
from modelpack.policy.cel.types import INT, STRING, list_of

__all__ = ["FUNCTIONS", "find_all"]

_OPEN, _CLOSE = "\x01", "\x02"
_ALL: Final = -1


@cache
def _marking() -> Program:
    names = {"text": STRING, "pattern": STRING, "marked": STRING, "most": INT}
    return Environment(variables=names).compile(
        "regex.replace(text, '(' + pattern + ')', marked, most)", where="regex"
    )


def find_all(text: str, pattern: str, most: int = _ALL) -> list[str]:
    """Return the matches as Go's ``FindAllString`` does."""
    if _OPEN in text or _CLOSE in text:
        raise CelError("a control character in the text to search")
    # It must be a pattern before there are brackets around it: `a)(b` is none.
    GoPattern(pattern)
    marked = _marking().evaluate(
        {
            "text": text,
            "pattern": pattern,
            "marked": f"{_OPEN}\\1{_CLOSE}",
            "most": _ALL if most < 0 else most,
        }
    )
    return [part.partition(_CLOSE)[0] for part in str(marked).split(_OPEN)[1:]]


def _find(text: str, pattern: str) -> str:
    return next(iter(find_all(text, pattern, 1)), "")


FUNCTIONS: Final[tuple[Function, ...]] = (
    member("find", (STRING, STRING), STRING, _find),
    member("findAll", (STRING, STRING), list_of(STRING), find_all),
    member("findAll", (STRING, STRING, INT), list_of(STRING), find_all),
)
