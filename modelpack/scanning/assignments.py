"""What a template sets to what: each way in which a value gets a name in jinja."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from jinja2 import nodes

__all__ = ["Assignment", "assignments", "every_node", "key_of"]

# Methods that put their arguments into what they are called on.
_MUTATING: Final = frozenset({"append", "extend", "insert", "update"})
_FILLED: Final = ("varargs", "kwargs")  # what a macro did not ask for by name


@dataclass(frozen=True, slots=True)
class Assignment:
    """``name`` may hold what ``value`` gives; None is any text.

    ``inside`` says that the value goes into what the name holds already, and so into
    whatever else has it.
    """

    name: str
    value: nodes.Node | None
    inside: bool = False


def every_node(tree: nodes.Node) -> Iterator[nodes.Node]:
    """Yield a node and all that is in it, each before its own, without recursion."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.iter_child_nodes())


def key_of(node: nodes.Node) -> str:
    """Name a variable, or a field of one: ``ns.text``; nothing for anything else."""
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


def assignments(tree: nodes.Template) -> Iterator[Assignment]:
    """Yield each name that is set, with what it is set to."""
    parameters: dict[str, list[str]] = {}
    calls: list[nodes.Node] = []
    for node in every_node(tree):
        kind = type(node).__name__
        if kind in _SETTING:
            yield from _SETTING[kind](node)
        elif kind == "Macro":
            names = [name for arg in getattr(node, "args", ()) for name in _keys(arg)]
            known = parameters.setdefault(getattr(node, "name", ""), [])
            known.extend((*names, *_FILLED))
            for value in getattr(node, "defaults", ()):
                yield from (Assignment(name, value) for name in names)
        elif kind == "Call":
            calls.append(node)
    for call in calls:
        called = getattr(getattr(call, "node", None), "name", "")
        for name in parameters.get(called, ()):
            for each in _arguments(call):
                yield Assignment(name, each if name in _FILLED else _plain(each))
        yield from _mutated(call)


def _mutated(call: nodes.Node) -> Iterator[Assignment]:
    called: nodes.Node | None = getattr(call, "node", None)
    if called is None or getattr(called, "attr", "") not in _MUTATING:
        return
    for node in every_node(called):
        # Of `ns.list.append(x)` that is `ns.list`, and `ns`.
        key = "" if node is called else key_of(node)
        if key:
            yield from (Assignment(key, each, inside=True) for each in _arguments(call))


def _block(node: nodes.Node) -> Iterator[Assignment]:
    yield from (Assignment(name, None) for name in _names(node, "target"))


def _loop(node: nodes.Node) -> Iterator[Assignment]:
    value = getattr(node, "iter", None)
    yield from (Assignment(name, value) for name in _names(node, "target"))
    yield Assignment("loop", value)  # which knows the items before and after


def _with(node: nodes.Node) -> Iterator[Assignment]:
    values = getattr(node, "values", ())
    for target, value in zip(getattr(node, "targets", ()), values, strict=False):
        yield from (Assignment(name, value) for name in _keys(target))


def _called_back(node: nodes.Node) -> Iterator[Assignment]:
    for arg in getattr(node, "args", ()):
        yield from (Assignment(name, None) for name in _keys(arg))


def _assigned(node: nodes.Node) -> Iterator[Assignment]:
    value: nodes.Node = getattr(node, "node")  # noqa: B009 - of an Assign
    called = getattr(getattr(value, "node", None), "name", "")
    fields = type(value).__name__ == "Call" and called == "namespace"
    for name in _names(node, "target"):
        if not fields:
            yield Assignment(name, value)
            continue
        for each in _arguments(value):
            key = getattr(each, "key", "")
            yield Assignment(f"{name}.{key}" if key else name, _plain(each))


def _arguments(call: nodes.Node) -> Iterator[nodes.Node]:
    yield from getattr(call, "args", ())
    yield from getattr(call, "kwargs", ())
    for more in ("dyn_args", "dyn_kwargs"):
        value = getattr(call, more, None)
        if value is not None:
            yield value


def _plain(argument: nodes.Node) -> nodes.Node:
    """Return what an argument is, without the name that it is given by."""
    value: nodes.Node = getattr(argument, "value", argument)
    return value if type(argument).__name__ == "Keyword" else argument


def _names(node: nodes.Node, field: str) -> Iterator[str]:
    yield from _keys(getattr(node, field))


def _keys(target: nodes.Node) -> Iterator[str]:
    """Yield what an assignment sets: names, or fields of namespaces."""
    for node in every_node(target):
        key = key_of(node)
        if key:
            yield key


_SETTING: Final[Mapping[str, Callable[[nodes.Node], Iterator[Assignment]]]] = {
    "Assign": _assigned,
    "AssignBlock": _block,
    "For": _loop,
    "With": _with,
    "CallBlock": _called_back,
}
