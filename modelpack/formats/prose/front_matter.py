"""The YAML front matter of a README, read as text: `no` stays `no`, not False.

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
from modelpack.formats.window import Window

try:
    from yaml import CSafeLoader as Loader
except ImportError:  # PyYAML built without libyaml
    from yaml import SafeLoader as Loader  # type: ignore[assignment]

__all__ = ["Node", "front_matter"]

Node: TypeAlias = "str | list[Node] | dict[str, Node] | None"

MAX_SIZE: Final = 1 << 20
MAX_NODES: Final = 200_000
MAX_DEPTH: Final = 32

_OPENING = re.compile(rb"\s*---[ \t]*\r?\n")
_CLOSING = re.compile(rb"^---[ \t]*\r?$", re.MULTILINE)
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)
_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("bool", "float", "int", "map", "null", "seq", "str", "timestamp")
)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


def front_matter(window: Window) -> dict[str, Node]:
    """Parse what stands between the first two `---`; empty if there is nothing."""
    raw = _block(window)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput("front matter is not UTF-8", where=window.name) from error
    if _DIRECTIVE.search(text):
        # Many of them take the scanner quadratic time, and no card has one.
        raise InvalidInput("front matter has a YAML directive", where=window.name)
    try:
        value = _Composer(text, window.name).document()
    except yaml.YAMLError as error:
        raise InvalidInput(
            f"front matter is not YAML{_place(error)}", where=window.name
        ) from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInput("front matter is no mapping", where=window.name)
    return value


def _block(window: Window) -> bytes:
    head = window.read(0, min(window.size, MAX_SIZE)).removeprefix(b"\xef\xbb\xbf")
    opening = _OPENING.match(head)
    if opening is None:
        return b""
    closing = _CLOSING.search(head, opening.end())
    if closing is not None:
        return head[opening.end() : closing.start()]
    if window.size > MAX_SIZE:
        raise InvalidInput(
            f"front matter is longer than {MAX_SIZE} bytes", where=window.name
        )
    return b""  # a horizontal rule, not front matter


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return "" if mark is None else f", line {mark.line + 2}"


class _Composer:
    """Builds nodes from events, and counts those that aliases repeat."""

    def __init__(self, text: str, where: str) -> None:
        self._where = where
        self._events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=Loader))
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._nodes = 0

    def document(self) -> Node:
        """Return the only document, or None."""
        value: Node = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise InvalidInput(
                        "front matter is two documents", where=self._where
                    )
                value = self._node(next(self._events), self._where, 0)
        return value

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
        if anchor not in self._anchors:
            raise InvalidInput(f"unknown alias {shown(anchor)}", where=path)
        value, size = self._anchors[anchor]
        self._count(size, path)
        return value

    def _count(self, nodes: int, path: str) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise InvalidInput(f"more than {MAX_NODES} values", where=path)
