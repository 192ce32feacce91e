"""Changes to a checked expression, so that the library can run it.

Values of the type ``optional_type`` can neither be given to the library nor be had from
it, and no value can be found out only when it is asked for. Lists and functions can:

* a variable that is found out late becomes a call of a function without parameters;
* an optional variable, or the result of a function, arrives as a list of one value or
  of none, and ``[?0]`` is put behind it;
* an overload that only its result tells from another is called by a name of its own,
  and so is what runs instead of a function of the library;
* `==` of two values of a library's type becomes a call of what compares them;
* an optional result leaves as such a list, ``[?result]``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from modelpack.policy.cel.functions import equality
from modelpack.policy.cel.tree import (
    CALL,
    CONSTANT,
    IDENT,
    LIST,
    CheckedExpression,
    Node,
    children,
    expression_of,
    node_of,
    with_children,
)
from modelpack.policy.cel.wire import message, replaced

__all__ = ["LATE", "Rewriter"]

# The prefix of the function that finds out a variable.
LATE = "@late:"

_OPTIONAL = "optional_type"
_EQUALITIES = {"_==_": False, "_!=_": True}
_NAME = 1  # of Ident
_FUNCTION, _ARGUMENTS = 2, 3  # of Call
_INT64 = 3  # of Constant
_ELEMENTS, _OPTIONAL_INDICES = 1, 2  # of CreateList
# Ids need only be unlike those of the expression.
_FIRST_NEW_ID = 1 << 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewriter:
    """Knows the names that need it: of variables, and of overloads of functions."""

    late: Collection[str]
    optional_variables: Collection[str]
    optional_overloads: Collection[str]
    called_by: Mapping[str, str]
    """The names that functions are called by instead, by their overloads."""
    equalities: Collection[str]
    """The names of functions that compare values of a library's type."""
    corrected_by: Mapping[str, str]
    """The functions that results are given to, by the overloads that gave them."""

    def rewrite(self, checked: CheckedExpression) -> bytes:
        """Return the expression as ``deserialize`` takes it."""
        is_optional = checked.result.name == _OPTIONAL
        if not is_optional and not self._concerns(checked):
            return checked.raw
        walk = _Pass(self, checked)
        root = walk.change(checked.root)
        return checked.rewritten(_listed(root) if is_optional else root, walk.calls)

    def _concerns(self, checked: CheckedExpression) -> bool:
        names = checked.variables
        if not names.isdisjoint(self.late):
            return True
        if not names.isdisjoint(self.optional_variables):
            return True
        if self.equalities and not _EQUALITIES.keys().isdisjoint(checked.functions):
            return True
        called = {overload for many in checked.overloads.values() for overload in many}
        if not called.isdisjoint(self.called_by.keys() | self.corrected_by.keys()):
            return True
        return not called.isdisjoint(self.optional_overloads)


class _Pass:
    """One walk over an expression."""

    def __init__(self, rewriter: Rewriter, checked: CheckedExpression) -> None:
        self._rewriter = rewriter
        self._checked = checked
        self.calls: dict[int, str] = {}

    def change(self, expression: bytes) -> bytes:
        node = with_children(node_of(expression), self.change)
        name = self._checked.names.get(node.id, "")
        overloads = self._checked.overloads.get(node.id, ())
        if node.kind == IDENT and name in self._rewriter.late:
            node = self._call(node, LATE + name, message([(_FUNCTION, b"")]))
        elif len(overloads) == 1 and overloads[0] in self._rewriter.called_by:
            node = self._call(node, self._rewriter.called_by[overloads[0]], node.body)
        elif name in _EQUALITIES and self._comparison(expression, name):
            comparison = self._comparison(expression, name)
            node = self._call(node, comparison, node.body)
        whole = expression_of(node)
        if len(overloads) == 1 and overloads[0] in self._rewriter.corrected_by:
            return self._corrected(whole, node.id, overloads[0])
        return _unlisted(whole, node.id) if self._is_optional(node.id) else whole

    def _call(self, node: Node, function: str, body: bytes) -> Node:
        """Return a call of a function that has one overload."""
        self.calls[node.id] = function
        return Node(node.id, CALL, replaced(body, _FUNCTION, function.encode()))

    def _comparison(self, expression: bytes, name: str) -> str:
        """Return the function that compares two values of one type, if it has one."""
        kinds = {self._checked.type_of(c) for c in children(node_of(expression))}
        if len(kinds) != 1:
            return ""
        function = equality(kinds.pop(), negated=_EQUALITIES[name])
        return function if function in self._rewriter.equalities else ""

    def _corrected(self, expression: bytes, key: int, overload: str) -> bytes:
        """Return a call of a function on the whole of an expression."""
        body = message([(_FUNCTION, b""), (_ARGUMENTS, expression)])
        node = Node(_new(key, 0), CALL, body)
        function = self._rewriter.corrected_by[overload]
        return expression_of(self._call(node, function, body))

    def _is_optional(self, key: int) -> bool:
        overloads = self._checked.overloads.get(key, ())
        if not overloads:
            name = self._checked.names.get(key, "")
            return name in self._rewriter.optional_variables
        return any(o in self._rewriter.optional_overloads for o in overloads)


def _unlisted(expression: bytes, identity: int) -> bytes:
    """Return ``expression[?0]``."""
    zero = message([(_INT64, 0)])
    arguments = [expression, expression_of(Node(_new(identity, 1), CONSTANT, zero))]
    body = [
        (_FUNCTION, b"_[?_]"),
        *((_ARGUMENTS, argument) for argument in arguments),
    ]
    return expression_of(Node(_new(identity, 0), CALL, message(body)))


def _listed(expression: bytes) -> bytes:
    """Return ``[?expression]``."""
    body = message([(_ELEMENTS, expression), (_OPTIONAL_INDICES, 0)])
    return expression_of(Node(_FIRST_NEW_ID - 1, LIST, body))


def _new(identity: int, number: int) -> int:
    return _FIRST_NEW_ID + 2 * identity + number
