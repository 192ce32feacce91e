"""What a Modelfile declares of a model: modctl's kind, or Ollama's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.declaration.declaration import BaseModel, Declaration, Relation
from modelpack.formats.names import checked_text, shown
from modelpack.formats.small_text import small_text
from modelpack.formats.window import Window

__all__ = ["parse_modelfile"]

MAX_TEXT: Final = 1024
# modctl, "Modelfile": each command is a line.
_MODCTL: Final = frozenset(
    {"config", "model", "code", "dataset", "doc", "name", "arch", "family", "format"}
    | {"paramsize", "precision", "quantization"}
)
# Ollama, "Modelfile": instructions, whose texts may have many lines in quotes.
_OLLAMA: Final = frozenset(
    {"from", "parameter", "template", "system", "adapter", "license", "message"}
    | {"requires", "renderer", "parser"}
)
_QUOTES: Final = '"""'
# A name in Ollama's library; what has a suffix or leads somewhere is a file.
_LIBRARY: Final = re.compile(r"(?:[\w.-]+/){0,2}[\w.-]+(?::[\w.-]+)?", re.ASCII)
_FILE: Final = re.compile(r"\.{1,2}(?:/.*)?|/.*|.*\.(?:gguf|bin|safetensors)")
_MOST_IN_A_LICENCE_NAME: Final = 64

_Command = tuple[str, str, int]


def parse_modelfile(window: Window) -> Declaration:
    """Read what it says of the model; a command that neither tool knows is refused."""
    commands = list(_commands(window))
    names = {name for name, _, _ in commands}
    if names & _MODCTL and names & _OLLAMA:
        raise InvalidInput("is half modctl's, half Ollama's", where=window.name)
    if names <= _MODCTL:
        return Declaration(
            name=_only("name", commands, window.name),
            architecture=_only("arch", commands, window.name),
            family=_only("family", commands, window.name),
        )
    return Declaration(
        base_models=tuple(_base_models(commands)), licenses=tuple(_licences(commands))
    )


def _base_models(commands: Sequence[_Command]) -> Iterator[BaseModel]:
    adapted = any(name == "adapter" for name, _, _ in commands)
    for name, text, _ in commands:
        if name == "from" and _LIBRARY.fullmatch(text) and not _FILE.fullmatch(text):
            relation = Relation.ADAPTER if adapted else None
            yield BaseModel(name=text, relation=relation)


def _licences(commands: Sequence[_Command]) -> Iterator[str]:
    for name, text, _ in commands:
        # Most have the licence's whole text there, which is no name of one.
        if name == "license" and len(text) <= _MOST_IN_A_LICENCE_NAME:
            yield text


def _only(wanted: str, commands: Sequence[_Command], where: str) -> str | None:
    found = [(text, line) for name, text, line in commands if name == wanted]
    if len(found) > 1:
        raise InvalidInput(f"line {found[1][1]}: {wanted} is said twice", where=where)
    return found[0][0] if found else None


def _commands(window: Window) -> Iterator[_Command]:
    """Yield each command's name, its text and its line."""
    lines = iter(enumerate(small_text(window).splitlines(), 1))
    for number, line in lines:
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        name, _, rest = stripped.partition(" ")
        name, text = name.lower(), rest.strip()
        where = f"{window.name}, line {number}"
        if name not in _MODCTL | _OLLAMA:
            raise InvalidInput(f"unknown command {shown(name)}", where=where)
        if name in _OLLAMA and _QUOTES in text:
            text = _quoted(text, lines, where)
            yield name, text, number
            continue
        if not text:
            raise InvalidInput(f"{name} says nothing", where=where)
        yield name, checked_text(text.strip('"'), where, limit=MAX_TEXT), number


def _quoted(text: str, lines: Iterator[tuple[int, str]], where: str) -> str:
    before, _, after = text.partition(_QUOTES)
    parts = [before + after]
    while _QUOTES not in parts[-1]:
        following = next(lines, None)
        if following is None:
            raise InvalidInput(f"{_QUOTES} is not closed", where=where)
        parts.append(following[1])
    inner, _, rest = parts[-1].partition(_QUOTES)
    if rest.strip():
        raise InvalidInput(f"text after {_QUOTES}", where=where)
    return "\n".join([*parts[:-1], inner]).strip()
