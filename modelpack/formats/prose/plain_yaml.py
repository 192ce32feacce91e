"""YAML as text: `no` stays `no`, and nothing is built but lists and mappings.

Read event by event. PyYAML's C composer recurses without a bound: one file of
`[[[[...` ends the process with a segmentation fault, so the composer and the
constructors behind it never see bytes from outside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

import yaml

from modelpack.errors import InvalidInput
from modelpack.formats.names import shown

try:
    from yaml import CSafeLoader as Loader
except ImportError:  # PyYAML built without libyaml
    from yaml import SafeLoader as Loader  # type: ignore[assignment]

__all__ = ["Node", "plain_yaml"]

Node: TypeAlias = "str | list[Node] | dict[str, Node] | None"

MAX_NODES: Final = 200_000
MAX_DEPTH: Final = 32

_DIRECTIVE = re.compile(r"^%", re.MULTILINE)
_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("bool", "float", "int", "map", "null", "seq", "str", "timestamp")
)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


def plain_yaml(
    text: str, where: str, *, line: int = 1, aliases: bool = True
) -> Iterator[Node]:
    """Yield each document; ``line`` is the text's first, for errors.

    Without ``aliases`` a document may not repeat a part of itself by its name.
    Raises ``InvalidInput`` for what is no YAML, and for tags, directives, merge keys
    and duplicate keys, by which a file says to another reader what it does not say
    here.
    """
    if _DIRECTIVE.search(text):
        # Many of them take the scanner quadratic time, too.
        raise InvalidInput("has a YAML directive", where=where)
    try:
        yield from _Composer(text, where, aliases=aliases).documents()
    except yaml.YAMLError as error:
        raise InvalidInput(f"is not YAML{_place(error, line)}", where=where) from error


def _place(error: yaml.YAMLError, line: int) -> str:
    mark = getattr(error, "problem_mark", None)
    return "" if mark is None else f", line {mark.line + line}"


class _Composer:
    """Builds nodes from events, and counts those that aliases repeat."""

    def __init__(self, text: str, where: str, *, aliases: bool) -> None:
        self._where = where
        self._aliases = aliases
        self._events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=Loader))
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._nodes = 0

    def documents(self) -> Iterator[Node]:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors = {}
                yield self._node(next(self._events), self._where, 0)

    def _node(self, event: yaml.Event, path: str, depth: int) -> Node:
        self._count(1, path)
        if depth > MAX_DEPTH:
            raise InvalidInput(f"nested more than {MAX_DEPTH} deep", where=path)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        tag = getattr(event, "tag", None)
        if tag is not None and tag not in _TAGS:
            raise InvalidInput(f"tag {shown(tag)} is not supported", where=path)
        before = self._nodes
        value = self._value(event, path, depth)
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            self._anchors[event.anchor] = value, self._nodes - before
        return value

    def _value(self, event: yaml.Event, path: str, depth: int) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            plain = event.style is None or event.style == ""
            return None if plain and event.value in _NULLS else str(event.value)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path, depth)
        return self._mapping(path, depth)

    def _sequence(self, path: str, depth: int) -> Node:
        items: list[Node] = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._node(event, f"{path}[{len(items)}]", depth + 1))
        return items

    def _mapping(self, path: str, depth: int) -> Node:
        fields: dict[str, Node] = {}
        separator = "." if depth else ": "
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, yaml.ScalarEvent):
                raise InvalidInput("a key that is no text", where=path)
            key = str(event.value)
            place = f"{path}{separator}{shown(key)}"
            if key in fields:
                raise InvalidInput("duplicate key", where=place)
            if key == "<<":
                raise InvalidInput("merge keys are not supported", where=path)
            fields[key] = self._node(next(self._events), place, depth + 1)
        return fields

    def _alias(self, event: yaml.AliasEvent, path: str) -> Node:
        # An anchor is known only when its node is complete: none holds itself.
        anchor = str(event.anchor)
        if not self._aliases:
            raise InvalidInput(f"alias {shown(anchor)} is not supported", where=path)
        if anchor not in self._anchors:
            raise InvalidInput(f"unknown alias {shown(anchor)}", where=path)
        value, size = self._anchors[anchor]
        self._count(size, path)
        return value

    def _count(self, nodes: int, path: str) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise InvalidInput(f"more than {MAX_NODES} values", where=path)
