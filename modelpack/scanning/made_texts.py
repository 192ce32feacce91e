"""Which expressions of a template may give a text that it has put together.

By such a text it could name what it may not spell out: an attribute, of which it then
has the value. So this errs to one side: a value is followed into whatever it may get
into, and what is not known to take apart only puts together.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import TYPE_CHECKING, Final

from modelpack.scanning.assignments import (
    Assignment,
    assignments,
    every_node,
    key_of,
)

if TYPE_CHECKING:
    from jinja2 import nodes

__all__ = ["REACHING", "MadeTexts"]

MAX_ROUNDS: Final = 12
MAX_ASSIGNMENTS: Final = 2_000

# Attributes that lead from a value to frames, code and globals; and names that begin
# with an underscore, wherever in a text they do.
REACHING: Final = re.compile(
    r"(?<![A-Za-z0-9])_\w*[A-Za-z]|__|"
    r"(?:gi|cr|ag|tb|co|f|func|im)_(?:frame|code|globals|builtins|back|closure|locals"
    r"|func|self|await|next|origin)|\bmro\b|format_map|subclasses",
    re.IGNORECASE,
)
# Filters that give one of what they get, or a number, or the text as it is.
_TAKING_APART: Final = frozenset(
    {"abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "int"}
    | {"items", "last", "length", "list", "lower", "selectattr", "rejectattr"}
    | {"string", "title", "trim", "unique", "upper"}
)
_PUTTING_TOGETHER: Final = frozenset({"join", "replace", "strftime"})
# With arguments these give any part of a text: `_os` of `x_os`.
_CUTTING: Final = frozenset(
    {"lstrip", "removeprefix", "removesuffix", "rsplit", "rstrip", "split", "strip"}
)
_GIVING_TEXT: Final = frozenset({"caller", "strftime_now"})
# Texts that stand in the configuration beside the template, by the same hand.
_CONFIGURED: Final = ("_token", "_tokens")
_NUMBERS: Final = frozenset({"Compare", "Not", "Test"})
_LOOP: Final = frozenset(
    {"depth", "depth0", "first", "index", "index0", "last", "length", "revindex"}
    | {"revindex0"}
)


class MadeTexts:
    """Follows what is assigned to what, until nothing new is found."""

    def __init__(self, tree: nodes.Template, macros: AbstractSet[str]) -> None:
        self._macros = macros
        self._nodes = [*every_node(tree)]
        places = {id(node): at for at, node in enumerate(self._nodes)}
        self._inside: Sequence[Sequence[int]] = [
            [places[id(child)] for child in node.iter_child_nodes()]
            for node in self._nodes
        ]
        self._places: Mapping[int, int] = places
        self._assignments = [*islice(assignments(tree), MAX_ASSIGNMENTS + 1)]
        same = _aliases(self._assignments[:MAX_ASSIGNMENTS])
        self._same: Mapping[str, str] = same or {}
        self._givers = self._given()
        self._texts: set[str] = set()
        self._made: set[str] = set()
        self._text = bytearray(len(self._nodes))
        self._makes = bytearray(len(self._nodes))
        self.settled = (
            same is not None
            and len(self._assignments) <= MAX_ASSIGNMENTS
            and self._follow()
        )

    def holds(self, expression: nodes.Node) -> bool:
        """Whether an expression may be a text that was put together."""
        return bool(self._makes[self._places[id(expression)]])

    def _given(self) -> Mapping[str, set[str]]:
        """Return for each name those that stand in what it is set to."""
        givers: dict[str, set[str]] = defaultdict(set)
        for each in self._assignments:
            if each.value is not None and not each.inside:
                keys = map(key_of, every_node(each.value))
                givers[self._key(each.name)] |= {self._key(key) for key in keys if key}
        return givers

    def _follow(self) -> bool:
        for _ in range(MAX_ROUNDS):
            before = len(self._texts), len(self._made)
            for at in range(len(self._nodes) - 1, -1, -1):  # what is inside goes first
                self._judge(at)
            for each in self._assignments:
                self._take(each)
            if (len(self._texts), len(self._made)) == before:
                return True
        return False

    def _take(self, assignment: Assignment) -> None:
        value = assignment.value
        at = -1 if value is None else self._places[id(value)]
        keys = {self._key(assignment.name)}
        if assignment.inside:  # what else has it, has it changed
            keys |= self._owners(assignment.name)
        if value is None or self._makes[at]:
            self._made |= keys
        if value is None or self._text[at]:
            self._texts |= keys

    def _owners(self, name: str) -> set[str]:
        """Return all from which a name may have what it holds."""
        found = {self._key(name)}
        waiting = [*found]
        while waiting:
            more = self._givers.get(waiting.pop(), set()) - found
            found |= more
            waiting += more
        return found

    def _judge(self, at: int) -> None:
        """Tell from what is inside a node whether it has text, and makes any."""
        node, kind = self._nodes[at], type(self._nodes[at]).__name__
        if kind in _NUMBERS:
            return
        inside = self._inside[at]
        if kind == "Getitem":  # of the value, not of its name
            inside = [self._places[id(getattr(node, "node"))]]  # noqa: B009
        if kind == "Getattr":
            field = self._of_field(node)
            if field is not None:
                self._text[at], self._makes[at] = field
                return
        text = self._own_text(node, kind) or any(self._text[one] for one in inside)
        makes = any(self._makes[one] for one in inside) or self._own_making(
            node, kind, has_text=text
        )
        self._text[at] = text or makes
        self._makes[at] = makes

    def _of_field(self, node: nodes.Node) -> tuple[bool, bool] | None:
        """Judge a field of a namespace or loop; None for an attribute of others."""
        name = getattr(getattr(node, "node", None), "name", "")
        if name == "loop" and getattr(node, "attr", "") in _LOOP:
            return False, False
        if name not in self._same:
            return None
        key, whole = self._key(key_of(node)), self._same[name]
        made = bool({key, whole} & self._made)
        return bool({key, whole} & self._texts), made

    def _own_text(self, node: nodes.Node, kind: str) -> bool:
        if kind == "Keyword" or getattr(node, "name", "") == "string":
            return True  # its name; and what any value looks like
        if kind == "Const":
            return isinstance(getattr(node, "value", None), str)
        return kind == "Name" and self._knows(self._texts, getattr(node, "name", ""))

    def _own_making(self, node: nodes.Node, kind: str, *, has_text: bool) -> bool:
        if kind in {"Const", "Keyword"}:
            text = getattr(node, "value" if kind == "Const" else "key", None)
            return isinstance(text, str) and bool(REACHING.search(text))
        if kind in {"Add", "Mod", "Mul"}:
            return has_text
        if kind == "Name":
            name = str(getattr(node, "name", ""))
            return name.endswith(_CONFIGURED) or self._knows(self._made, name)
        if kind == "Filter":
            name = getattr(node, "name", "")
            cuts = name == "trim" and bool(getattr(node, "args", ()))
            return name not in _TAKING_APART or (cuts and has_text)
        if kind == "Getitem":
            part = type(getattr(node, "arg", None)).__name__ == "Slice"
            return part and has_text
        return kind == "Concat" or (kind == "Call" and self._gives_text(node))

    def _knows(self, known: AbstractSet[str], name: str) -> bool:
        """Whether a name is known, or is a namespace of which any field is."""
        if name in known:
            return True
        whole = self._same.get(name)
        return whole is not None and any(
            key == whole or key.startswith(f"{whole}.") for key in known
        )

    def _gives_text(self, call: nodes.Node) -> bool:
        called = getattr(call, "node", None)
        name, attr = getattr(called, "name", ""), getattr(called, "attr", "")
        if attr in _CUTTING:
            arguments = len(self._inside[self._places[id(call)]]) > 1
            return arguments and bool(self._text[self._places[id(called)]])
        return attr in _PUTTING_TOGETHER or name in _GIVING_TEXT or name in self._macros

    def _key(self, name: str) -> str:
        """Return a key's one name, by whichever of its namespace's it is used."""
        root, dot, field = name.partition(".")
        return f"{self._same.get(root, root)}{dot}{field}"


def _aliases(found: Sequence[Assignment]) -> Mapping[str, str] | None:
    """Return for each name of a namespace the one name of all that share it.

    None where a namespace is put into another: nobody needs that, and it cannot be
    followed by names.
    """
    same = {each.name.partition(".")[0]: "" for each in found if "." in each.name}
    same |= {each.name: "" for each in found if _is_namespace(each.value)}
    same = {name: name for name in same}
    whole = [(each.name, _whole(each.value)) for each in found if each.value]
    for _ in range(MAX_ROUNDS):
        before = dict(same)
        for name, names in whole:
            shared = names & same.keys()
            if not shared:
                continue
            if "." in name:
                return None
            group = {same[each] for each in shared} | {same.get(name, name)}
            one = min(group)
            same[name] = one
            same = {each: one if own in group else own for each, own in same.items()}
        if same == before:
            return same
    return None


def _is_namespace(value: nodes.Node | None) -> bool:
    called = getattr(getattr(value, "node", None), "name", "")
    return type(value).__name__ == "Call" and called == "namespace"


def _whole(value: nodes.Node) -> set[str]:
    """Return the variables that stand in an expression as they are: not a field."""
    names: set[str] = set()
    fields: set[int] = set()
    for node in every_node(value):  # what has a field goes before it
        if type(node).__name__ == "Getattr":
            fields.add(id(getattr(node, "node")))  # noqa: B009 - of a Getattr
        elif type(node).__name__ == "Name" and id(node) not in fields:
            names.add(getattr(node, "name", ""))
    return names
