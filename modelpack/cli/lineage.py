"""``modelpack lineage``."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import (
    json_text,
    progress,
    show_json,
    show_raw,
    write_new,
)
from modelpack.cli.text import plain

if TYPE_CHECKING:
    from rich.tree import Tree

    from modelpack.documents.lineage import Kin


class LineageFormat(StrEnum):
    """How a lineage is shown."""

    TEXT = "text"
    JSON = "json"
    SVG = "svg"


def lineage(  # noqa: PLR0913 - one parameter for each flag
    target: options.Target,
    *,
    follow: Annotated[
        bool,
        typer.Option("--follow", help="Ask other registries than its own, too."),
    ] = False,
    key: Annotated[
        list[str] | None,
        typer.Option(
            help="Believe only what this public key has signed; repeatable.",
            metavar="KEY",
        ),
    ] = None,
    shape: Annotated[
        LineageFormat, typer.Option("--format", help="A tree, JSON, or a picture.")
    ] = LineageFormat.TEXT,
    into: options.Into = None,
    plain_http: options.PlainHttp = False,
    ca_file: options.CaFile = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Show what a model was made from: base models and data sets, and theirs."""
    from modelpack.api import believe_keys
    from modelpack.api import lineage as walk

    del debug  # read in main
    with progress(quiet=quiet) as notify:
        root = walk(
            target,
            believe=believe_keys(key) if key else None,
            follow=follow,
            settings=options.settings(plain_http=plain_http, ca_file=ca_file),
            notify=notify,
        )
    if shape is LineageFormat.TEXT and into is None:
        _draw(root)
        return
    content = _content(root, shape)
    if into is not None:
        write_new(into, content)
    elif shape is LineageFormat.JSON:
        show_json(root.document())
    else:
        show_raw(content)


def _content(root: Kin, shape: LineageFormat) -> bytes:
    if shape is LineageFormat.SVG:
        from modelpack.documents.lineage_picture import lineage_svg

        return lineage_svg(root)
    if shape is LineageFormat.JSON:
        return f"{json_text(root.document())}\n".encode()
    from io import StringIO

    from rich.console import Console

    text = StringIO()
    Console(file=text, width=200).print(_tree(root))
    return text.getvalue().encode()


def _draw(root: Kin) -> None:
    """Print the tree; in a pipe without colours, and as wide as it is."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else 200
    Console(width=width, highlight=False, soft_wrap=width is not None).print(
        _tree(root), soft_wrap=width is not None
    )


def _tree(kin: Kin) -> Tree:
    from rich.text import Text
    from rich.tree import Tree

    # Text, never markup: names are other people's.
    label = Text(plain(kin.name), style="bold")
    what = f"{kin.kind}, {kin.relation}" if kin.relation else kin.kind
    label.append(f"  {plain(what)}", style="dim")
    where = kin.digest or kin.purl
    if where:
        label.append(f"\n{plain(where)}", style="cyan")
    if kin.basis:
        label.append(f"\nsays: {plain(kin.basis)}", style="dim")
    if kin.note:
        label.append(f"\n{plain(kin.note)}", style="yellow")
    tree = Tree(label, guide_style="dim")
    for parent in kin.parents:
        tree.children.append(_tree(parent))
    return tree
