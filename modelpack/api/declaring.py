"""``init``: a `modelpack.yaml`, filled from what a model's files say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from modelpack.api.command import Command
from modelpack.api.settings import Settings
from modelpack.disk.file import FileContent, LocalFile
from modelpack.disk.source.tree import list_model
from modelpack.errors import InvalidInput
from modelpack.formats.declaration.declaration import (
    FILE_NAME,
    BaseModel,
    Dataset,
    Declaration,
)
from modelpack.formats.declaration.drafting import draft
from modelpack.formats.declaration.kitfile import parse_kitfile
from modelpack.formats.declaration.modelfile import parse_modelfile
from modelpack.formats.window import Window
from modelpack.model.facts import FileFacts, combine, examine, nearest_first
from modelpack.transfer.progress import Listener, nobody

_OTHER_TOOLS: Final[Mapping[str, Callable[[Window], Declaration]]] = {
    "Kitfile": parse_kitfile,
    "kitfile": parse_kitfile,
    ".kitfile": parse_kitfile,
    "Modelfile": parse_modelfile,
}
_CLAIMED: Final = ("name", "licenses", "languages", "task", "library")


def draft_declaration(
    source: str | Path,
    *,
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> bytes:
    """Return a draft of the `modelpack.yaml` of a folder.

    A Kitfile and a Modelfile are read for it, then the model's own files. What
    cannot be read is warned of, and says nothing.
    """
    command = Command(settings, notify)
    folder = Path(source)
    if not folder.is_dir():
        raise InvalidInput("is no folder", where=str(source))
    files = [file for file in list_model(folder) if file.path != FILE_NAME]
    found = [_of_other_tool(file, command) for file in files]
    found.append(_of_facts(files, command))
    return draft(*_first_of_each(found))


# Fields by their names, whose types the declarations that they come from have.
_MADE: Final[Callable[..., Declaration]] = Declaration
_Found = tuple[Declaration, Mapping[str, str]]


def _first_of_each(found: Sequence[_Found]) -> _Found:
    """Take each field from the first that says something, and note who that was."""
    empty = Declaration()
    values: dict[str, object] = {}
    sources: dict[str, str] = {}
    for field in Declaration.__dataclass_fields__:
        for declaration, origin in found:
            value = getattr(declaration, field)
            if value != getattr(empty, field):
                values[field] = value
                sources[field] = origin.get(field, "")
                break
    return _MADE(**values), sources


def _of_other_tool(file: LocalFile, command: Command) -> _Found:
    parse = _OTHER_TOOLS.get(file.path)
    if parse is None:
        return Declaration(), {}
    try:
        with FileContent(file) as opened:
            declaration = parse(opened.window())
    except InvalidInput as error:
        command.warn(f"says nothing here, for it cannot be read: {error}")
        return Declaration(), {}
    return declaration, dict.fromkeys(Declaration.__dataclass_fields__, file.path)


def _of_facts(files: Sequence[LocalFile], command: Command) -> _Found:
    each: list[FileFacts] = []
    for file in files:
        with FileContent(file) as opened:
            each.append(examine(opened.window()))
    facts = combine(each)
    for fault in facts.faults:
        command.warn(f"says nothing here, for it cannot be read: {fault}")
    claims = facts.claims
    declaration = Declaration(
        **{name: getattr(claims, name) for name in _CLAIMED},
        base_models=tuple(BaseModel(name=name) for name in claims.base_models),
        datasets=tuple(Dataset(name=name) for name in claims.datasets),
    )
    sources: dict[str, str] = {}
    for made in sorted(each, key=nearest_first):
        for name in (*_CLAIMED, "base_models", "datasets"):
            if getattr(made.claims, name):
                sources.setdefault(name, made.path)
    return declaration, sources
