"""What a Kitfile (KitOps, manifestVersion 1) declares of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.declaration.declaration import Dataset, Declaration, Party
from modelpack.formats.declaration.mapping import one_mapping
from modelpack.formats.names import checked_text, shown
from modelpack.formats.prose.plain_yaml import Node
from modelpack.formats.window import Window

__all__ = ["parse_kitfile"]

MAX_TEXT: Final = 1024
MAX_ITEMS: Final = 1000
_TOP: Final = frozenset(
    {"manifestVersion", "package", "model", "code", "datasets", "docs", "prompts"}
    | {"mcpServers"}
)
_PACKAGE: Final = frozenset({"name", "version", "description", "license", "authors"})
_MODEL: Final = frozenset(
    {"name", "path", "license", "framework", "format", "version", "description"}
    | {"parts", "parameters"}
)
_DATASET: Final = frozenset(
    {"name", "path", "description", "license", "parameters", "remotePath", "hash"}
)


def parse_kitfile(window: Window) -> Declaration:
    """Read what it says of the model; fields that kit does not know are refused."""
    top = _Part(one_mapping(window), f"{window.name}: ")
    top.refuse_others(_TOP)
    if not (top.text("manifestVersion") or "").startswith("1."):
        raise InvalidInput("expected 1.0.0", where=f"{window.name}: manifestVersion")
    package = top.inner("package", _PACKAGE)
    model = top.inner("model", _MODEL)
    licences = (model.text("license"), package.text("license"))
    return Declaration(
        name=model.text("name") or package.text("name"),
        version=model.text("version") or package.text("version"),
        description=model.text("description") or package.text("description"),
        authors=tuple(Party(name=name) for name in package.texts("authors")),
        licenses=tuple(dict.fromkeys(filter(None, licences))),
        library=model.text("framework"),
        datasets=tuple(
            Dataset(
                name=name,
                description=item.text("description"),
                license=item.text("license"),
            )
            for item in top.each("datasets", _DATASET)
            if (name := item.text("name") or item.text("path"))
        ),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """A mapping of a Kitfile, and where it stands."""

    fields: Mapping[str, Node]
    where: str

    def refuse_others(self, known: frozenset[str]) -> None:
        for name in self.fields:
            if name not in known:
                raise InvalidInput(
                    "unknown field in a Kitfile", where=f"{self.where}{shown(name)}"
                )

    def text(self, key: str) -> str | None:
        value = self.fields.get(key)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise InvalidInput("expected a text", where=f"{self.where}{key}")
        # kit folds paragraphs; here a description is one line.
        line = " ".join(value.split())
        return checked_text(line, f"{self.where}{key}", limit=MAX_TEXT)

    def texts(self, key: str) -> list[str]:
        items = _items(self.fields.get(key), f"{self.where}{key}")
        parts = [
            _Part({"": item}, f"{self.where}{key}[{i}]") for i, item in enumerate(items)
        ]
        return [text for part in parts if (text := part.text("")) is not None]

    def inner(self, key: str, known: frozenset[str]) -> _Part:
        return _part(self.fields.get(key), f"{self.where}{key}", known)

    def each(self, key: str, known: frozenset[str]) -> list[_Part]:
        where = f"{self.where}{key}"
        items = _items(self.fields.get(key), where)
        return [_part(item, f"{where}[{i}]", known) for i, item in enumerate(items)]


def _part(value: Node, where: str, known: frozenset[str]) -> _Part:
    if value is not None and not isinstance(value, dict):
        raise InvalidInput("expected fields", where=where)
    part = _Part(value or {}, f"{where}.")
    part.refuse_others(known)
    return part


def _items(value: Node, where: str) -> list[Node]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        raise InvalidInput(f"expected a list of at most {MAX_ITEMS}", where=where)
    return value
