"""The provenance of a model as a picture: what it was made from, and what it became.

Twice: from left to right where there is room, from top to bottom on a narrow screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Box", "Edge", "Graph", "Node", "fitted", "stacked", "wide"]

# Px of a letter at 13 px, in the widest type of common systems.
_LETTER: Final = 9.1
_FACTORS: Final = dict.fromkeys("fijlrtI.,:;'|!()[]/- ", 0.58) | dict.fromkeys(
    "mwMW@%…", 1.45
)
_WIDTH: Final = 270
_HEIGHT: Final = 58
_GAP: Final = 14
_COLUMNS: Final = (0, 360, 720)
_NARROW: Final = 340
_INDENT: Final = 26


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Something in the picture. ``kind`` is its class, ``role`` a word above its name.

    ``column`` is 0 for what was there before, 1 for the model, 2 for what followed.
    """

    column: int
    kind: str
    role: str
    name: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A node with its place; ``shown`` is as much of its name as fits."""

    node: Node
    x: int
    y: int
    width: int
    height: int
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A line as SVG's path data."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A picture of this size."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]


def wide(nodes: Sequence[Node]) -> Graph:
    """Put the three kinds into three columns, each centred."""
    columns = [[node for node in nodes if node.column == at] for at in range(3)]
    height = max(_column_height(column) for column in columns)
    boxes: list[Box] = []
    for at, column in enumerate(columns):
        y = (height - _column_height(column)) // 2
        for node in column:
            boxes.append(_box(node, _COLUMNS[at], y, _WIDTH))
            y += _HEIGHT + _GAP
    (model,) = [box for box in boxes if box.node.column == 1]
    edges = [
        _curve(box, model) if box.node.column == 0 else _curve(model, box)
        for box in boxes
        if box is not model
    ]
    width = _COLUMNS[2] + _WIDTH if columns[2] else _COLUMNS[1] + _WIDTH
    return Graph(width=width, height=height, boxes=tuple(boxes), edges=tuple(edges))


def stacked(nodes: Sequence[Node]) -> Graph:
    """Put all into one column, the model between what was and what became."""
    ordered = sorted(nodes, key=lambda node: node.column)
    boxes, edges = [], []
    y = 0
    for node in ordered:
        indent = 0 if node.column == 1 else _INDENT
        boxes.append(_box(node, indent, y, _NARROW - indent))
        y += _HEIGHT + _GAP
    (model,) = [box for box in boxes if box.node.column == 1]
    rail = _INDENT // 2
    for box in boxes:
        if box is model:
            continue
        middle = box.y + _HEIGHT // 2
        end = model.y if box.y < model.y else model.y + _HEIGHT
        edges.append(Edge(path=f"M{box.x} {middle}H{rail}V{end}"))
    return Graph(width=_NARROW, height=y - _GAP, boxes=tuple(boxes), edges=tuple(edges))


def _column_height(column: Sequence[Node]) -> int:
    return max(0, len(column) * (_HEIGHT + _GAP) - _GAP)


def _box(node: Node, x: int, y: int, width: int) -> Box:
    shown = fitted(node.name, width - 30)
    return Box(node=node, x=x, y=y, width=width, height=_HEIGHT, shown=shown)


def fitted(name: str, width: float) -> str:
    """Return as much of a name as fits: its beginning, and its end."""
    if _wide(name) <= width:
        return name
    for letters in range(len(name) - 1, 1, -1):
        tail = letters // 3
        shown = f"{name[: letters - tail]}…{name[len(name) - tail :]}"
        if _wide(shown) <= width:
            return shown
    return "…"


def _wide(text: str) -> float:
    return sum(_LETTER * _FACTORS.get(letter, 1.0) for letter in text)


def _curve(start: Box, end: Box) -> Edge:
    x1, y1 = start.x + start.width, start.y + start.height // 2
    x2, y2 = end.x, end.y + end.height // 2
    middle = (x1 + x2) // 2
    return Edge(path=f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}")
