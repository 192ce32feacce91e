"""Which names of a template may hold a text that it has put together.

By such a text it could name what it may not spell out: an attribute, of which it then
has the value. A part of a text is none: no constant holds what must not be named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from jinja2 import nodes

    _Source: TypeAlias = tuple[str, nodes.Node | None]

__all__ = ["MadeTexts", "every_node"]

MAX_ROUNDS: Final = 8

# Filters and methods that give a part of what they get, or a number.
_TAKING_APART: Final = frozenset(
    {"abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "int"}
    | {"items", "last", "length", "list", "lower", "selectattr", "rejectattr"}
    | {"string", "title", "trim", "unique", "upper"}
)
_PUTTING_TOGETHER: Final = frozenset({"join", "replace"})
_GIVING_TEXT: Final = frozenset({"caller", "strftime_now"})
_FIELDS: Final = frozenset({"dict", "namespace"})


def every_node(tree: nodes.Node) -> Iterator[nodes.Node]:
    """Yield a node and all that is in it, without recursion."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.iter_child_nodes())


class MadeTexts:
    """Follows what is assigned to what, until nothing new is found."""

    def __init__(self, tree: nodes.Template, macros: AbstractSet[str]) -> None:
        self._macros = macros
        self._texts: set[str] = set()
        self._made: set[str] = set()
        sources = [*_sources(tree)]
        self.settled = False
        for _ in range(MAX_ROUNDS):
            before = len(self._texts), len(self._made)
            for name, value in sources:
                self._take(name, value)
            if (len(self._texts), len(self._made)) == before:
                self.settled = True
                break

    def holds(self, expression: nodes.Node) -> bool:
        """Whether an expression may be a text that was put together."""
        return any(map(self._makes, every_node(expression)))

    def _take(self, name: str, value: nodes.Node | None) -> None:
        if value is None or self.holds(value):
            self._made.add(name)
        if value is None or self._has_text(value):
            self._texts.add(name)

    def _makes(self, node: nodes.Node) -> bool:
        match type(node).__name__:
            case "Concat":
                return True
            case "Filter":
                return getattr(node, "name", "") not in _TAKING_APART
            case "Add" | "Mod" | "Mul":
                return self._has_text(node)
            case "Call":
                return self._gives_text(getattr(node, "node", None))
            case _:
                return _key(node) in self._made

    def _gives_text(self, called: nodes.Node | None) -> bool:
        name = getattr(called, "name", "")
        return (
            getattr(called, "attr", "") in _PUTTING_TOGETHER
            or name in _GIVING_TEXT
            or name in self._macros
        )

    def _has_text(self, expression: nodes.Node) -> bool:
        return any(
            isinstance(getattr(node, "value", None), str) or _key(node) in self._texts
            for node in every_node(expression)
        )


def _sources(tree: nodes.Template) -> Iterator[_Source]:
    """Yield each name that is set, with what it is set to; None is any text."""
    parameters: dict[str, list[str]] = {}
    calls: list[nodes.Node] = []
    for node in every_node(tree):
        kind = type(node).__name__
        if kind in _SETTING:
            yield from _SETTING[kind](node)
        elif kind == "Macro":
            names = [name for arg in getattr(node, "args", ()) for name in _keys(arg)]
            parameters.setdefault(getattr(node, "name", ""), []).extend(names)
            for value in getattr(node, "defaults", ()):
                yield from ((name, value) for name in names)
        elif kind == "Call":
            calls.append(node)
    for call in calls:
        called = getattr(getattr(call, "node", None), "name", "")
        for name in parameters.get(called, ()):
            yield from ((name, value) for value in _arguments(call))


def _block(node: nodes.Node) -> Iterator[_Source]:
    yield from ((name, None) for name in _names(node, "target"))


def _loop(node: nodes.Node) -> Iterator[_Source]:
    value = getattr(node, "iter", None)
    yield from ((name, value) for name in _names(node, "target"))


def _with(node: nodes.Node) -> Iterator[_Source]:
    values = getattr(node, "values", ())
    for target, value in zip(getattr(node, "targets", ()), values, strict=False):
        yield from ((name, value) for name in _keys(target))


def _called_back(node: nodes.Node) -> Iterator[_Source]:
    for arg in getattr(node, "args", ()):
        yield from ((name, None) for name in _keys(arg))


def _assigned(node: nodes.Node) -> Iterator[_Source]:
    value: nodes.Node = getattr(node, "node")  # noqa: B009 - of an Assign
    called = getattr(getattr(value, "node", None), "name", "")
    fields = type(value).__name__ == "Call" and called in _FIELDS
    for name in _names(node, "target"):
        if not fields:
            yield name, value
            continue
        yield from ((name, each) for each in getattr(value, "args", ()))
        for each in getattr(value, "kwargs", ()):
            yield f"{name}.{each.key}", each.value


def _arguments(call: nodes.Node) -> Iterator[nodes.Node]:
    yield from getattr(call, "args", ())
    yield from (each.value for each in getattr(call, "kwargs", ()))
    for more in ("dyn_args", "dyn_kwargs"):
        value = getattr(call, more, None)
        if value is not None:
            yield value


def _names(node: nodes.Node, field: str) -> Iterator[str]:
    yield from _keys(getattr(node, field))


def _keys(target: nodes.Node) -> Iterator[str]:
    """Yield what an assignment sets: names, or fields of namespaces."""
    for node in every_node(target):
        key = _key(node)
        if key:
            yield key


def _key(node: nodes.Node) -> str:
    match type(node).__name__:
        case "Name":
            return str(getattr(node, "name", ""))
        case "NSRef":
            return f"{getattr(node, 'name', '')}.{getattr(node, 'attr', '')}"
        case "Getattr":
            name = getattr(getattr(node, "node", None), "name", "")
            return f"{name}.{getattr(node, 'attr', '')}" if name else ""
        case _:
            return ""


_SETTING: Final[Mapping[str, Callable[[nodes.Node], Iterator[_Source]]]] = {
    "Assign": _assigned,
    "AssignBlock": _block,
    "For": _loop,
    "With": _with,
    "CallBlock": _called_back,
}
