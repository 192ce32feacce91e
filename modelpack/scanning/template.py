"""Chat templates: parsed, never rendered, and judged by what they reach for.

Templates run in every server that loads the model: CVE-2024-34359 and
CVE-2026-5760 were templates that walked from a string to the operating system.
An honest one formats messages; it needs no attribute that begins with an
underscore, imports nothing, and names nothing but what it was given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from modelpack.formats.names import shown
from modelpack.scanning.assignments import every_node
from modelpack.scanning.made_texts import MadeTexts
from modelpack.scanning.rules import Rule
from modelpack.scanning.verdict import Finding

if TYPE_CHECKING:
    from jinja2 import Environment, nodes

__all__ = ["judge_templates"]

MAX_SIZE: Final = 128 << 10
MAX_TEMPLATES: Final = 64
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
_FILTERS: Final = frozenset({"attr", "format", "pprint", "xmlattr"})
_PLAIN_MAP: Final = frozenset(
    {"lower", "upper", "trim", "string", "tojson", "length", "join", "list", "int"}
    | {"first", "last", "replace", "title", "capitalize"}
)
# Filters that read an attribute, and the place of its name among their arguments.
_BY_ATTRIBUTE: Final[Mapping[str, int]] = {
    **dict.fromkeys(("groupby", "selectattr", "rejectattr", "sum"), 0),
    **dict.fromkeys(("join", "max", "min", "unique"), 1),
    "sort": 2,
}
# What may be called. A template that can call nothing else can look at whatever it
# finds by subscripts that it computes, but cannot run it.
_FUNCTIONS: Final = frozenset(
    {"dict", "namespace", "range", "raise_exception", "strftime_now", "caller"}
)
_METHODS: Final = frozenset(
    {"append", "capitalize", "copy", "count", "endswith", "extend", "find", "get"}
    | {"index", "insert", "isalnum", "isalpha", "isdigit", "isspace", "items", "join"}
    | {"keys", "lower", "lstrip", "pop", "removeprefix", "removesuffix", "replace"}
    | {"rfind", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip"}
    | {"strftime", "title", "update", "upper", "values"}
)


def judge_templates(sources: Sequence[str]) -> Iterator[Finding]:
    """Say what a file's templates do that formatting messages does not need."""
    if len(sources) > MAX_TEMPLATES or sum(map(len, sources)) > MAX_SIZE:
        yield Finding(
            rule=Rule.NOT_JUDGED,
            message=f"over {MAX_TEMPLATES} templates, or {MAX_SIZE} characters of them",
        )
        return
    for source in sources:
        yield from _of_template(source)


def _of_template(source: str) -> Iterator[Finding]:
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


@cache
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
    own = _own_names(tree)
    if not own.texts.settled:
        yield Finding(rule=Rule.NOT_JUDGED, message="a template of too many names")
    for node in every_node(tree):
        message = _objection(node, own)
        if message:
            yield Finding(rule=Rule.CHAT_TEMPLATE, message=message, line=node.lineno)


@dataclass(frozen=True, slots=True)
class _OwnNames:
    """What the template itself names: its macros, all that it sets, and fields.

    ``called`` are the nodes that are called, or asked whether they are defined.
    """

    macros: AbstractSet[str]
    variables: AbstractSet[str]
    fields: AbstractSet[str]
    called: AbstractSet[int]
    texts: MadeTexts


def _own_names(tree: nodes.Template) -> _OwnNames:
    macros: set[str] = set()
    variables: set[str] = set()
    fields: set[str] = set()
    called: set[int] = set()
    for node in every_node(tree):
        match type(node).__name__:
            case "Macro":
                macros.add(getattr(node, "name", ""))
            case "Name" if getattr(node, "ctx", "") in {"store", "param"}:
                variables.add(getattr(node, "name", ""))
            case "Call" | "Test":
                called.add(id(getattr(node, "node", None)))
            case "NSRef":
                fields.add(getattr(node, "attr", ""))
            case "Keyword":  # of namespace(), for one
                fields.add(getattr(node, "key", ""))
    return _OwnNames(macros, variables, fields, called, MadeTexts(tree, macros))


def _objection(node: nodes.Node, own: _OwnNames) -> str:
    """Say what is wrong with one node of a template; nothing, if it is plain."""
    check = _CHECKS.get(type(node).__name__)
    return check(node, own) if check else ""


def _of_attribute(node: nodes.Getattr, _: _OwnNames) -> str:
    return f"reads the attribute {shown(node.attr)}" if _reaches(node.attr) else ""


def _of_item(node: nodes.Getitem, own: _OwnNames) -> str:
    key = getattr(node.arg, "value", None)
    if isinstance(key, str) and _reaches(key):
        return f"reads the item {shown(key)}"
    if own.texts.holds(node.arg):
        return "reads an item whose name it puts together"
    return ""


def _of_constant(node: nodes.Const, _: _OwnNames) -> str:
    if isinstance(node.value, str) and _DUNDER.search(node.value):
        return f"spells out {shown(node.value)}"
    return ""


def _of_name(node: nodes.Name, own: _OwnNames) -> str:
    if node.name in _NAMES and node.name not in own.variables:
        return f"names {node.name}"
    # It has a name of its own, and the names of its arguments, and more beside.
    if node.name in _FUNCTIONS | own.macros and id(node) not in own.called:
        return f"takes {shown(node.name)} for a value"
    return ""


def _of_key(node: nodes.Node, _: _OwnNames) -> str:
    """Judge an identifier that becomes a text: of an argument, of a field."""
    name = str(getattr(node, "key", "") or getattr(node, "attr", ""))
    return f"has the name {shown(name)}" if _reaches(name) else ""


def _of_loading(node: nodes.Node, _: _OwnNames) -> str:
    return f"loads another template ({type(node).__name__.lower()})"


def _of_power(_: nodes.Pow, __: _OwnNames) -> str:
    return "raises to a power, which can take for ever"


def _of_product(node: nodes.Mul, _: _OwnNames) -> str:
    sides = [getattr(side, "value", None) for side in (node.left, node.right)]
    if not any(isinstance(side, str) for side in sides):
        return ""
    # A text times what is computed has no bound.
    small = any(isinstance(side, int) and side <= MAX_REPEAT for side in sides)
    return "" if small else "repeats a text many times"


def _of_call(node: nodes.Call, own: _OwnNames) -> str:
    called = node.node
    match type(called).__name__:
        case "Name":
            name = getattr(called, "name", "")
            known = (_FUNCTIONS | own.macros) - own.variables
        case "Getattr":
            name, known = getattr(called, "attr", ""), _METHODS
        case _:
            return "calls what it has computed"
    if name not in known:
        return f"calls {shown(name)}"
    if name in own.fields and type(called).__name__ == "Getattr":
        return f"calls what it has put under {shown(name)}"
    return _counted(node) if name == "range" else ""


def _counted(node: nodes.Call) -> str:
    for argument in node.args:
        for inner in every_node(argument):
            number = getattr(inner, "value", None)
            if isinstance(number, int) and abs(number) > MAX_RANGE:
                return f"counts to {number}"
    return ""


def _of_filter(node: nodes.Filter, _: _OwnNames) -> str:
    if node.name in _FILTERS:
        return f"uses the filter {node.name}"
    place = _BY_ATTRIBUTE.get(node.name)
    if node.name == "map":
        named = [getattr(argument, "value", None) for argument in node.args]
        if len(named) == 1 and not node.kwargs and named[0] in _PLAIN_MAP:
            return ""
        if named or [str(each.key) for each in node.kwargs] != ["attribute"]:
            return "maps by what it may choose"
    elif place is None:
        return ""
    read = [each.value for each in node.kwargs if each.key == "attribute"]
    if place is not None:
        read += node.args[place : place + 1]
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        return f"uses the filter {node.name} with arguments that it computes"
    return next(filter(None, map(_of_attribute_name, read)), "")


def _of_attribute_name(node: nodes.Node) -> str:
    name = getattr(node, "value", None)
    if isinstance(name, int):
        return ""
    if not isinstance(name, str):
        return "reads an attribute whose name it computes"
    parts = name.split(".")
    return f"reads the attribute {shown(name)}" if any(map(_reaches, parts)) else ""


def _reaches(name: str) -> bool:
    return _ATTRIBUTE.fullmatch(name) is not None


_CHECKS: Final[Mapping[str, Callable[..., str]]] = {
    "Getattr": _of_attribute,
    "Getitem": _of_item,
    "Const": _of_constant,
    "Name": _of_name,
    "Keyword": _of_key,
    "NSRef": _of_key,
    "Include": _of_loading,
    "Import": _of_loading,
    "FromImport": _of_loading,
    "Extends": _of_loading,
    "Pow": _of_power,
    "Mul": _of_product,
    "Call": _of_call,
    "Filter": _of_filter,
}
