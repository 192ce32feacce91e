"""Policies as YAML that people read: folded expressions, keys as they stand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeGuard

_WIDTH: Final = 88
# What means itself without quotes; YAML 1.1 takes some words for other things.
_PLAIN: Final = re.compile(r"[A-Za-z/][A-Za-z0-9 ./@_-]*[A-Za-z0-9]")
_RESERVED: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off"})
_FOLDABLE: Final = re.compile(r"\S+(?: \S+)*")


def yaml_of(documents: Sequence[Mapping[str, object]]) -> str:
    """Return a YAML stream; keys are names of fields, and need no quotes."""
    return "---\n".join("\n".join(_lines(each, "")) + "\n" for each in documents)


def _lines(value: object, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _entry(f"{indent}{key}:", each, indent)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for each in value:
            yield from _item(each, indent)


def _item(value: object, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        first, *rest = _lines(value, f"{indent}  ")
        yield f"{indent}- {first.strip()}"
        yield from rest
    else:
        yield from _entry(f"{indent}-", value, indent)


def _entry(start: str, value: object, indent: str) -> Iterator[str]:
    inner = f"{indent}  "
    if isinstance(value, Mapping) and value:
        yield start
        yield from _lines(value, inner)
    elif _is_list_of_words(value):
        yield f"{start} [{', '.join(_scalar(each) for each in value)}]"
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        yield start
        yield from _lines(value, inner)
    elif isinstance(value, str) and "\n" in value.rstrip("\n"):
        yield f"{start} |" if value.endswith("\n") else f"{start} |-"
        yield from (f"{inner}{line}" for line in value.rstrip("\n").split("\n"))
    elif _is_long(value, f"{start} "):
        yield f"{start} >-"
        yield from _folded(value, inner)
    else:
        yield f"{start} {_scalar(value)}"


def _is_list_of_words(value: object) -> TypeGuard[Sequence[str]]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return False
    return all(isinstance(each, str) for each in value) and (
        len(str(value)) < _WIDTH // 2
    )


def _is_long(value: object, start: str) -> TypeGuard[str]:
    if not isinstance(value, str) or not _FOLDABLE.fullmatch(value):
        return False
    return len(start) + len(_scalar(value)) > _WIDTH or '"' in value


def _folded(value: str, indent: str) -> Iterator[str]:
    """Break at spaces: a reader joins the lines with one space each."""
    line = ""
    for word in value.split(" "):
        if line and len(indent) + len(line) + 1 + len(word) > _WIDTH:
            yield indent + line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield indent + line


def _scalar(value: object) -> str:
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and value.lower() not in _RESERVED:
            return value
        return json.dumps(value)
    return json.dumps(value)
