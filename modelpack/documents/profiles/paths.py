"""Places in a JSON document: ``components[type=data].name``, ``createdBy[*]->.name``.

A step is a name, ``[*]`` for each item of a list, ``[key=value]`` for those items (or
the object itself) whose field has that value, ``[key^=value]`` for those where it
begins so, and ``->`` for the element that a text names, as in a graph of JSON-LD.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

__all__ = ["Found", "find"]

_STEP: Final = re.compile(
    r"\.?(?P<name>[@A-Za-z_]\w*)|\[(?P<each>\*)\]"
    r"|\[(?P<key>[\w@-]+)(?P<how>\^?=)(?P<value>[^\]]*)\]|(?P<follow>->)"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A value, and its path with indexes in place of conditions."""

    path: str
    value: object


def find(
    document: object, path: str, elements: Mapping[str, object] | None = None
) -> Iterator[Found]:
    """Yield what stands at a path and is not empty; ``elements`` are a graph's."""
    found = [Found("$", document)]
    for step in _steps(path):
        found = [
            next_ for item in found for next_ in _taken(item, step, elements or {})
        ]
    return (item for item in found if item.value not in (None, "", [], {}))


@cache
def _steps(path: str) -> tuple[re.Match[str], ...]:
    steps = tuple(_STEP.finditer(path))
    if "".join(step[0] for step in steps) != path:
        raise ValueError(path)
    return steps


def _taken(
    item: Found, step: re.Match[str], elements: Mapping[str, object]
) -> Iterator[Found]:
    value = item.value
    if step["follow"]:
        if isinstance(value, str) and value in elements:
            yield Found(f"{item.path}->", elements[value])
    elif step["name"]:
        if isinstance(value, dict) and step["name"] in value:
            yield Found(f"{item.path}.{step['name']}", value[step["name"]])
    elif isinstance(value, list):
        for index, each in enumerate(value):
            if step["each"] or _fits(each, step):
                yield Found(f"{item.path}[{index}]", each)
    elif step["each"] or _fits(value, step):
        yield item  # JSON-LD writes a list of one as that one


def _fits(value: object, step: re.Match[str]) -> bool:
    if not isinstance(value, dict):
        return False
    field = value.get(step["key"])
    if not isinstance(field, str):
        return False
    wanted = step["value"]
    return field.startswith(wanted) if step["how"] == "^=" else field == wanted
