"""Chat templates: parsed, never rendered, and judged by what they reach for.

Templates run in every server that loads the model: CVE-2024-34359 and
CVE-2026-5760 were templates that walked from a string to the operating system.
An honest one formats messages; it needs no attribute that begins with an
underscore, imports nothing, and names nothing but what it was given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from modelpack.formats.names import shown
from modelpack.scanning.rules import Rule
from modelpack.scanning.verdict import Finding

if TYPE_CHECKING:
    from jinja2 import Environment, nodes

__all__ = ["judge_template"]

MAX_SIZE: Final = 512 << 10
MAX_RANGE: Final = 1_000_000
MAX_REPEAT: Final = 1024  # far more than any indentation

# Attributes that lead from a value to frames, code and globals.
_ATTRIBUTE: Final = re.compile(
    r"_.*|mro|(?:gi|cr|ag|tb|co|f|func|im)_(?:frame|code|globals|builtins|back|closure"
    r"|locals|func|self|await|next|origin)|format_map|subclasses"
)
_DUNDER: Final = re.compile(r"__\w|\\x5f|\\137|\\u005f", re.IGNORECASE)
# Jinja's own globals through which published escapes went.
_NAMES: Final = frozenset(
    {"cycler", "joiner", "lipsum", "self", "config", "request", "url_for"}
    | {"get_flashed_messages", "session", "g", "application", "environ"}
    | {"getattr", "eval", "exec", "open", "os", "sys", "builtins"}
)
_FILTERS: Final = frozenset({"attr", "map", "format", "pprint", "xmlattr"})
_PLAIN_MAP: Final = frozenset(
    {"lower", "upper", "trim", "string", "tojson", "length", "join", "list", "int"}
    | {"first", "last", "replace", "title", "capitalize"}
)


def judge_template(source: str) -> Iterator[Finding]:
    """Say what a template does that formatting messages does not need."""
    if len(source) > MAX_SIZE:
        yield Finding(rule=Rule.NOT_JUDGED, message=f"a template of over {MAX_SIZE}")
        return
    from jinja2 import TemplateSyntaxError

    try:
        tree = _environment().parse(source)
        yield from dict.fromkeys(_reaching(tree))
    except TemplateSyntaxError as error:
        yield Finding(
            rule=Rule.CHAT_TEMPLATE,
            message=f"is no template: {shown(str(error.message))}",
            line=error.lineno,
        )
    except RecursionError:
        yield Finding(rule=Rule.NOT_JUDGED, message="a template nested too deeply")


def _environment() -> Environment:
    from jinja2 import nodes
    from jinja2.ext import Extension, loopcontrols
    from jinja2.parser import Parser
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """``{% generation %}``, with which transformers marks the answer."""

        tags = {"generation"}  # noqa: RUF012 - as jinja declares it

        def parse(self, parser: Parser) -> nodes.Node:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body, lineno=line)

    return ImmutableSandboxedEnvironment(extensions=[loopcontrols, Generation])


def _reaching(tree: nodes.Template) -> Iterator[Finding]:
    for node in _all(tree):
        message = _objection(node)
        if message:
            yield Finding(rule=Rule.CHAT_TEMPLATE, message=message, line=node.lineno)


def _all(tree: nodes.Node) -> Iterator[nodes.Node]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.iter_child_nodes())


def _objection(node: nodes.Node) -> str:
    """Say what is wrong with one node of a template; nothing, if it is plain."""
    check = _CHECKS.get(type(node).__name__)
    return check(node) if check else ""


def _of_attribute(node: nodes.Getattr) -> str:
    return f"reads the attribute {shown(node.attr)}" if _reaches(node.attr) else ""


def _of_item(node: nodes.Getitem) -> str:
    key = getattr(node.arg, "value", None)
    if isinstance(key, str) and _reaches(key):
        return f"reads the item {shown(key)}"
    return ""


def _of_constant(node: nodes.Const) -> str:
    if isinstance(node.value, str) and _DUNDER.search(node.value):
        return f"spells out {shown(node.value)}"
    return ""


def _of_name(node: nodes.Name) -> str:
    return f"names {node.name}" if node.name in _NAMES else ""


def _of_loading(node: nodes.Node) -> str:
    return f"loads another template ({type(node).__name__.lower()})"


def _of_power(_: nodes.Pow) -> str:
    return "raises to a power, which can take for ever"


def _of_product(node: nodes.Mul) -> str:
    sides = [getattr(side, "value", None) for side in (node.left, node.right)]
    if not any(isinstance(side, str) for side in sides):
        return ""
    # A text times what is computed has no bound.
    small = any(isinstance(side, int) and side <= MAX_REPEAT for side in sides)
    return "" if small else "repeats a text many times"


def _of_call(node: nodes.Call) -> str:
    if getattr(node.node, "name", None) != "range":
        return ""
    for argument in node.args:
        for inner in _all(argument):
            number = getattr(inner, "value", None)
            if isinstance(number, int) and abs(number) > MAX_RANGE:
                return f"counts to {number}"
    return ""


def _of_filter(node: nodes.Filter) -> str:
    if node.name not in _FILTERS:
        return ""
    if node.name != "map":
        return f"uses the filter {node.name}"
    named = [getattr(argument, "value", None) for argument in node.args]
    if len(named) == 1 and not node.kwargs and named[0] in _PLAIN_MAP:
        return ""
    keywords: dict[str, object] = {
        str(each.key): getattr(each.value, "value", None) for each in node.kwargs
    }
    attribute = keywords.get("attribute")
    if named or set(keywords) != {"attribute"} or not isinstance(attribute, str):
        return "maps by what it may choose"
    parts = attribute.split(".")
    return (
        f"reads the attribute {shown(attribute)}" if any(map(_reaches, parts)) else ""
    )


def _reaches(name: str) -> bool:
    return _ATTRIBUTE.fullmatch(name) is not None


_CHECKS: Final[Mapping[str, Callable[..., str]]] = {
    "Getattr": _of_attribute,
    "Getitem": _of_item,
    "Const": _of_constant,
    "Name": _of_name,
    "Include": _of_loading,
    "Import": _of_loading,
    "FromImport": _of_loading,
    "Extends": _of_loading,
    "Pow": _of_power,
    "Mul": _of_product,
    "Call": _of_call,
    "Filter": _of_filter,
}
