"""The keys of a JSON document that is too large to be held in memory.

Vocabularies of tokenizers have tens of megabytes and a million values. Read strictly
all the same (RFC 8259): a document that another reader could take apart in another
way is none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from typing import Final

from modelpack.errors import InvalidInput

__all__ = ["json_keys"]

MAX_TOKENS: Final = 6_000_000
MAX_KEYS: Final = 1_000_000
MAX_DEPTH: Final = 64

_TOKEN: Final = re.compile(
    rb"[ \t\n\r]*+(?:"
    rb'("[^"\\\0-\x1f]*+(?:\\[^\0-\x1f][^"\\\0-\x1f]*+)*+")'
    rb"|(-?(?:0|[1-9]\d*+)(?:\.\d++)?(?:[eE][+-]?\d++)?|true|false|null)"
    rb"|([{}\[\]:,]))"
)
_SPACE: Final = re.compile(rb"[ \t\n\r]*")
# The groups of that pattern; to the numbers belong true, false and null.
_NUMBER, _MARK = 2, 3
_CLOSING: Final = frozenset({b"}", b"]"})


def json_keys(raw: bytes, where: str) -> Iterator[tuple[str, bool]]:
    """Yield each key, and whether its value is a mere number, ``true`` or ``null``.

    ``raw`` is valid UTF-8. Raises ``InvalidInput`` where it is no JSON, or too much;
    what was yielded before is no document either.
    """
    yield from _Walk(raw, where).keys()


class _Walk:
    def __init__(self, raw: bytes, where: str) -> None:
        self._raw = raw
        self._where = where
        self._at = 0
        self._group = 0
        self._tokens = MAX_TOKENS
        self._keys = MAX_KEYS
        # One for each open container: the keys of an object, nothing for an array.
        self._open: list[set[bytes] | None] = []

    def keys(self) -> Iterator[tuple[str, bool]]:
        token = self._next()
        while True:
            token = yield from self._item(token)
            while token in _CLOSING:
                self._close(token)
                token = self._next() if self._open else b""
            if not self._open:
                break
            if token != b",":
                raise self._bad("expected a comma")
            token = self._next()
        if not _SPACE.fullmatch(self._raw, self._at):
            raise self._bad("something follows the value")

    def _item(self, token: bytes) -> Generator[tuple[str, bool], None, bytes]:
        """Read what begins with a token, as far as something closes or ends.

        Returns the token after it; nothing after the outermost value.
        """
        while True:
            inside = self._open[-1] if self._open else None
            if inside is not None:
                key = self._key(token, inside)
                token = self._next()
                yield key, self._group == _NUMBER
            if token in {b"{", b"["}:
                self._enter(token)
                token = self._next()
                if token in _CLOSING:  # with nothing inside
                    return token
            elif self._group == _MARK:
                raise self._bad("expected a value")
            else:
                return self._next() if self._open else b""

    def _key(self, token: bytes, inside: set[bytes]) -> str:
        if not token.startswith(b'"'):
            raise self._bad("expected a key")
        if b"\\" in token:
            try:
                token = json.dumps(json.loads(token), ensure_ascii=False).encode()
            except ValueError as error:
                raise self._bad("a key that is no text") from error
        if token in inside:
            raise self._bad("duplicate key")
        inside.add(token)
        self._keys -= 1
        if self._keys < 0:
            raise self._bad(f"over {MAX_KEYS} keys")
        if self._next() != b":":
            raise self._bad("expected a colon")
        return str(json.loads(token))

    def _enter(self, token: bytes) -> None:
        self._open.append(set() if token == b"{" else None)
        if len(self._open) > MAX_DEPTH:
            raise self._bad(f"nested more than {MAX_DEPTH} deep")

    def _close(self, token: bytes) -> None:
        if (token == b"}") != (self._open.pop() is not None):
            raise self._bad("closes what it did not open")

    def _next(self) -> bytes:
        match = _TOKEN.match(self._raw, self._at)
        self._tokens -= 1
        if match is None or self._tokens < 0:
            raise self._bad("not a JSON document" if match is None else "too long")
        self._at = match.end()
        self._group = match.lastindex or 0
        return match[self._group]

    def _bad(self, message: str) -> InvalidInput:
        return InvalidInput(f"{message}, at byte {self._at}", where=self._where)
