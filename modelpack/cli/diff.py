"""``modelpack diff``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelpack.cli import options
from modelpack.cli.console import say, show_json, tell
from modelpack.cli.text import human

if TYPE_CHECKING:
    from modelpack.formats.tensor import Tensor
    from modelpack.workflows.inspect import FileChange, TensorChange


def diff(
    before: Annotated[str, typer.Argument(help="A model.", metavar="A")],
    after: Annotated[str, typer.Argument(help="Another.", metavar="B")],
    *,
    plain_http: options.PlainHttp = False,
    ca_file: options.CaFile = None,
    output: options.Output = options.Format.TEXT,
    debug: options.Debug = False,
) -> None:
    """Say which files, and which tensors in them, differ between two models."""
    from modelpack.api import diff as compare

    del debug  # read in main
    found = compare(
        before,
        after,
        settings=options.settings(plain_http=plain_http, ca_file=ca_file),
    )
    if output is options.Format.JSON:
        show_json(
            {
                "files": [_file_document(change) for change in found.files],
                "unverifiedTensors": [_tensor_document(c) for c in found.tensors],
            }
        )
        return
    if not found.files:
        say("they have the same files")
    for file in found.files:
        tensors = [tensor for tensor in found.tensors if tensor.file == file.path]
        changed = file.before is not None and file.after is not None
        count = _count(len(tensors)) if tensors and not changed else ""
        tell(f"{_mark(file)} {file.path}  {_sizes(file)}{count}")
        for tensor in tensors if changed else ():
            tell(f"    {_mark(tensor)} {tensor.name}  {_shapes(tensor)}")


def _count(tensors: int) -> str:
    return f"  {tensors} tensor{'' if tensors == 1 else 's'}"


def _mark(change: FileChange | TensorChange) -> str:
    if change.before is None:
        return "+"
    return "-" if change.after is None else "~"


def _sizes(change: FileChange) -> str:
    sides = (change.before, change.after)
    return " → ".join(human(side.size) for side in sides if side is not None)


def _shapes(change: TensorChange) -> str:
    sides = (change.before, change.after)
    return " → ".join(_shape(side) for side in sides if side is not None)


def _shape(tensor: Tensor) -> str:
    return f"{tensor.dtype}[{', '.join(map(str, tensor.shape))}]"


def _file_document(change: FileChange) -> dict[str, object]:
    return {
        "path": change.path,
        "before": str(change.before.digest) if change.before else None,
        "after": str(change.after.digest) if change.after else None,
    }


def _tensor_document(change: TensorChange) -> dict[str, object]:
    return {
        "file": change.file,
        "name": change.name,
        "before": _shape(change.before) if change.before else None,
        "after": _shape(change.after) if change.after else None,
    }
