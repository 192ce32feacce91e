"""YAML, strictly: nothing is built but lists, mappings and scalars.

``plain_yaml`` leaves every scalar a text, so that `no` stays `no`. ``kubernetes_yaml``
gives scalars the types that Kubernetes gives them, and refuses those on which readers
of YAML 1.1 and 1.2 differ.

Read event by event. PyYAML's C composer recurses without a bound: one file of
`[[[[...` ends the process with a segmentation fault, so the composer and the
constructors behind it never see bytes from outside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

import yaml

from modelpack.errors import InvalidInput
from modelpack.formats.names import shown

try:
    from yaml import CSafeLoader as Loader
except ImportError:  # PyYAML built without libyaml
    from yaml import SafeLoader as Loader  # type: ignore[assignment]

__all__ = ["Json", "Node", "kubernetes_yaml", "plain_yaml"]

Node: TypeAlias = "str | list[Node] | dict[str, Node] | None"
Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

MAX_NODES: Final = 200_000
MAX_DEPTH: Final = 32


@dataclass(frozen=True, slots=True)
class _Dialect:
    """How scalars are read, and whether a value may be named and repeated."""

    scalar: Callable[[yaml.ScalarEvent, str], Json]
    aliases: bool


_DIRECTIVE = re.compile(r"^%", re.MULTILINE)
_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("bool", "float", "int", "map", "null", "seq", "str", "timestamp")
)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {
    text: text.lower() == "true"
    for text in ("true", "True", "TRUE", "false", "False", "FALSE")
}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)?(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?")
_MOST_DIGITS: Final = 19
# Numbers and truth values of YAML 1.1 alone, or of some of its readers.
_AMBIGUOUS = re.compile(
    r"(?i:y|n|yes|no|on|off)|[-+]?(?:0[0-7_]+|0x[0-9a-f_]+|0o[0-7_]+|0b[01_]+"
    r"|[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?|[0-9][0-9_.]*_[0-9_.]*)"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
    re.IGNORECASE,
)


def plain_yaml(
    text: str, where: str, *, line: int = 1, aliases: bool = True
) -> Iterator[Node]:
    """Yield each document; ``line`` is the text's first, for errors.

    Without ``aliases`` a document may not repeat a part of itself by its name.
    Raises ``InvalidInput`` for what is no YAML, and for tags, directives, merge keys
    and duplicate keys, by which a file says to another reader what it does not say
    here.
    """
    # Every scalar of it is a text.
    dialect = _Dialect(_as_text, aliases=aliases)
    yield from cast("Iterator[Node]", _documents(text, where, line, dialect))


def kubernetes_yaml(text: str, where: str) -> Iterator[Json]:
    """Yield each document with the types that Kubernetes reads (``sigs.k8s.io/yaml``).

    Raises ``InvalidInput`` as ``plain_yaml`` does, for aliases as well, and for plain
    scalars that readers take for different things, such as ``yes`` and ``010``.
    """
    yield from _documents(text, where, 1, _KUBERNETES)


def _documents(text: str, where: str, line: int, dialect: _Dialect) -> Iterator[Json]:
    if _DIRECTIVE.search(text):
        # Many of them take the scanner quadratic time, too.
        raise InvalidInput("has a YAML directive", where=where)
    try:
        yield from _Composer(text, where, dialect).documents()
    except yaml.YAMLError as error:
        raise InvalidInput(f"is not YAML{_place(error, line)}", where=where) from error


def _as_text(event: yaml.ScalarEvent, where: str) -> Json:
    del where
    text = str(event.value)
    return None if _is_plain(event) and text in _NULLS else text


def _is_plain(event: yaml.ScalarEvent) -> bool:
    return event.style is None or event.style == ""


def _as_kubernetes(event: yaml.ScalarEvent, where: str) -> Json:
    text = str(event.value)
    if event.tag is not None:
        raise InvalidInput("a tag is not supported here", where=where)
    if not _is_plain(event):
        return text
    if text in _NULLS:
        return None
    return _number_or_text(text, where)


def _number_or_text(text: str, where: str) -> Json:
    if text in _BOOLS:
        return _BOOLS[text]
    if _AMBIGUOUS.fullmatch(text):
        raise InvalidInput(
            f"{shown(text)} means different things to readers of YAML 1.1 and 1.2",
            where=where,
            hint="put a text in quotes; write true, false and decimal numbers",
        )
    digits = len(text.lstrip("+-"))
    if _INTEGER.fullmatch(text) and digits <= _MOST_DIGITS:
        number = int(text)
        return number if -(1 << 63) <= number < 1 << 63 else float(number)
    if any(character.isdigit() for character in text) and _FLOAT.fullmatch(text):
        return float(text)
    return text


_KUBERNETES: Final = _Dialect(_as_kubernetes, aliases=False)


def _place(error: yaml.YAMLError, line: int) -> str:
    mark = getattr(error, "problem_mark", None)
    return "" if mark is None else f", line {mark.line + line}"


class _Composer:
    """Builds nodes from events, and counts those that aliases repeat."""

    def __init__(self, text: str, where: str, dialect: _Dialect) -> None:
        self._where = where
        self._dialect = dialect
        self._events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=Loader))
        self._anchors: dict[str, tuple[Json, int]] = {}
        self._nodes = 0

    def documents(self) -> Iterator[Json]:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors = {}
                yield self._node(next(self._events), self._where, 0)

    def _node(self, event: yaml.Event, path: str, depth: int) -> Json:
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

    def _value(self, event: yaml.Event, path: str, depth: int) -> Json:
        if isinstance(event, yaml.ScalarEvent):
            return self._dialect.scalar(event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path, depth)
        return self._mapping(path, depth)

    def _sequence(self, path: str, depth: int) -> Json:
        items: list[Json] = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._node(event, f"{path}[{len(items)}]", depth + 1))
        return items

    def _mapping(self, path: str, depth: int) -> Json:
        fields: dict[str, Json] = {}
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

    def _alias(self, event: yaml.AliasEvent, path: str) -> Json:
        # An anchor is known only when its node is complete: none holds itself.
        anchor = str(event.anchor)
        if not self._dialect.aliases:
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
