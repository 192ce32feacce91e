"""Read untrusted JSON: the right type, or an error that names the field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Self, TypeVar

from modelpack.errors import InvalidInput
from modelpack.oci.strict_json import strict_json

T = TypeVar("T")


class Fields:
    """A JSON object whose fields are checked as they are read."""

    def __init__(self, value: object, where: str = "") -> None:
        if not isinstance(value, dict):
            raise InvalidInput("expected an object", where=where)
        self._fields: Mapping[str, object] = value
        self._where = where

    @classmethod
    def of_json(cls, raw: bytes, *, where: str = "") -> Self:
        """Parse a document whose top level is an object."""
        return cls(strict_json(raw, where), where)

    def __contains__(self, key: str) -> bool:
        return key in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    @property
    def members(self) -> Mapping[str, object]:
        """All of it, not checked."""
        return self._fields

    def has(self, key: str) -> bool:
        """Whether there is something: a missing field and ``null`` are nothing."""
        return self._fields.get(key) is not None

    def get(self, key: str) -> object:
        """Return any value; raise if the field is missing."""
        if key not in self._fields:
            raise InvalidInput("missing", where=self.path(key))
        return self._fields[key]

    def text(self, key: str, *, default: str | None = None) -> str:
        """Return a string."""
        if default is not None and key not in self._fields:
            return default
        value = self.get(key)
        if not isinstance(value, str):
            raise InvalidInput("expected a string", where=self.path(key))
        return value

    def count(self, key: str) -> int:
        """Return a whole number, zero or more, that fits 63 bits."""
        value = self.get(key)
        # bool is an int in Python, but not in JSON.
        if not isinstance(value, int) or isinstance(value, bool):
            raise InvalidInput("expected a whole number", where=self.path(key))
        if not 0 <= value < 1 << 63:
            raise InvalidInput(f"out of range: {value}", where=self.path(key))
        return value

    def array(self, key: str) -> Sequence[object]:
        """Return an array of anything; ``null`` counts as empty.

        Go programs write an empty list as ``null`` (seen in olareg 0.1.2).
        """
        value = self.get(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise InvalidInput("expected an array", where=self.path(key))
        return value

    def texts(self, key: str) -> Mapping[str, str]:
        """Return a map of strings; empty if the field is missing or null."""
        if self._fields.get(key) is None:
            return {}
        inner = Fields(self._fields[key], self.path(key))
        return {name: inner.text(name) for name in inner}

    def parsed(self, key: str, parse: Callable[[str], T]) -> T:
        """Return a string, parsed by ``parse``."""
        try:
            return parse(self.text(key))
        except InvalidInput as error:
            if error.where:
                raise
            raise InvalidInput(error.message, where=self.path(key)) from error

    def path(self, key: str) -> str:
        """Return where ``key`` stands in the whole document."""
        return f"{self._where}.{key}" if self._where else key
