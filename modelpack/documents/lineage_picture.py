"""The lineage of a model as an SVG picture that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from modelpack.documents.card.page.graph import fitted
from modelpack.documents.lineage import Kin

__all__ = ["lineage_svg"]

_WIDTH: Final = 300
_HEIGHT: Final = 64
_COLUMN: Final = 380
_ROW: Final = 80
_MARGIN: Final = 16
_MOST: Final = 400  # boxes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    """A node with its place; ``lines`` go from its right side to its parents."""

    kin: Kin
    x: int
    y: float
    name: str
    note: str
    lines: tuple[str, ...] = ()


def lineage_svg(root: Kin) -> bytes:
    """Return the picture: the model on the left, what it was made from to the right.

    It is light or dark as the page around it.
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    boxes = list(_placed(root))
    environment = Environment(
        loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined
    )
    picture = environment.get_template("lineage.svg.j2").render(
        boxes=boxes,
        width=max(box.x for box in boxes) + _WIDTH + _MARGIN,
        height=max(box.y for box in boxes) + _HEIGHT + _MARGIN,
        box_width=_WIDTH,
        box_height=_HEIGHT,
        title=root.name,
    )
    return picture.encode() + b"\n"


def _text(name: str) -> str:
    return files("modelpack.documents").joinpath(name).read_text("utf-8")


def _placed(root: Kin) -> Iterator[_Box]:
    """Give each leaf a row of its own, each other node the middle of its parents."""
    rows = 0
    left = _MOST

    def place(kin: Kin, depth: int) -> list[_Box]:
        nonlocal rows, left
        left -= 1
        shown = kin.parents[: max(left, 0)]
        below = [place(parent, depth + 1) for parent in shown]
        heads = [boxes[0] for boxes in below]
        if heads:
            y = (heads[0].y + heads[-1].y) / 2
        else:
            y = _MARGIN + rows * _ROW
            rows += 1
        x = _MARGIN + depth * _COLUMN
        box = _Box(
            kin=kin,
            x=x,
            y=y,
            name=fitted(kin.name, _WIDTH - 32),
            note=fitted(kin.note or kin.digest or kin.purl, (_WIDTH - 32) * 1.15),
            lines=tuple(_line(x + _WIDTH, y, head.x, head.y) for head in heads),
        )
        return [box, *(each for boxes in below for each in boxes)]

    yield from place(root, 0)


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    middle = (x1 + x2) / 2
    a, b = y1 + _HEIGHT / 2, y2 + _HEIGHT / 2
    return f"M{x1} {a}C{middle} {a} {middle} {b} {x2} {b}"
