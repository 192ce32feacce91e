"""Patterns of references, as Kyverno matches them (gobwas/glob, without separators).

``*`` and ``**`` match anything, also ``/``; ``?`` one character; ``[a-z]`` and ``[!a]``
one of some; ``{a,b}`` one of several.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from modelpack.errors import InvalidInput

_LONGEST: Final = 1024
_MOST: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class _One:
    """One character: any, or one of ``low`` to ``high`` or of ``among``, or none."""

    any: bool = False
    low: str = ""
    high: str = ""
    among: str = ""
    negated: bool = False

    def takes(self, character: str) -> bool:
        inside = self.low <= character <= self.high or character in self.among
        return self.any or inside != self.negated


_Token = _One | None  # None is a star
_Tokens = tuple[_Token, ...]


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern, without its braces: a text matches that one of ``ways`` matches."""

    text: str
    ways: tuple[_Tokens, ...]

    @classmethod
    def parse(cls, text: str, where: str = "glob") -> Self:
        """Parse a pattern; ``InvalidInput`` where Kyverno would not compile it."""
        if len(text) > _LONGEST:
            raise InvalidInput(f"is longer than {_LONGEST} characters", where=where)
        return cls(text, _Reading(text, where).whole())

    def matches(self, reference: str) -> bool:
        """Whether all of a reference is matched."""
        return any(_matches(way, reference) for way in self.ways)


def _matches(tokens: Sequence[_Token], text: str) -> bool:
    """Match in time that grows with the product of both lengths, and no faster.

    When something does not fit, only the last star takes one character more: what
    earlier ones took leaves the most for what follows.
    """
    at = token = 0
    star, resumed = -1, 0
    while at < len(text):
        current = tokens[token] if token < len(tokens) else _NOTHING
        if current is None:
            star, resumed = token, at
            token += 1
        elif current.takes(text[at]):
            token, at = token + 1, at + 1
        elif star >= 0:
            resumed += 1
            token, at = star + 1, resumed
        else:
            return False
    return all(left is None for left in tokens[token:])


_NOTHING: Final = _One()


class _Reading:
    """One pattern on its way to tokens."""

    def __init__(self, text: str, where: str) -> None:
        self._text = text
        self._where = where
        self._at = 0

    def whole(self) -> tuple[_Tokens, ...]:
        return tuple(self._sequence(inside=False))

    def _sequence(self, *, inside: bool) -> list[_Tokens]:
        ways: list[_Tokens] = [()]
        while self._peek() and not (inside and self._peek() in ",}"):
            character = self._next()
            if character == "{":
                if inside:
                    raise InvalidInput(
                        "braces within braces are not supported", where=self._where
                    )
                more = self._alternatives()
            else:
                more = [(self._token(character),)]
            ways = [way + after for way in ways for after in more]
            if len(ways) > _MOST:
                raise InvalidInput(
                    f"stands for more than {_MOST} patterns", where=self._where
                )
        return ways

    def _alternatives(self) -> list[_Tokens]:
        found = self._sequence(inside=True)
        while self._peek() == ",":
            self._next()
            found += self._sequence(inside=True)
        if self._next() != "}":
            raise self._wrong()
        return found

    def _token(self, character: str) -> _Token:
        if character == "*":
            return None
        if character == "?":
            return _One(any=True)
        if character == "[":
            return self._class()
        if character == "\\":
            character = self._next()
        return _One(among=character)

    def _class(self) -> _One:
        end = self._text.find("]", self._at + 1)
        body = self._text[self._at : end]
        negated = body.startswith("!")
        body = body.removeprefix("!")
        if end < 0 or not body or set(body) & set("[^\\"):
            raise self._wrong()
        self._at = end + 1
        low, dash, high = body.partition("-")
        if not dash:
            return _One(among=body, negated=negated)
        if (len(low), len(high)) != (1, 1) or low > high:
            raise self._wrong()
        return _One(low=low, high=high, negated=negated)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        character = self._peek()
        if not character:
            raise self._wrong()
        self._at += 1
        return character

    def _wrong(self) -> InvalidInput:
        return InvalidInput(f"{self._text[:160]!r} is no pattern", where=self._where)
