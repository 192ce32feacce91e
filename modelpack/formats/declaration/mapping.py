"""A YAML file that is one mapping, and repeats no part of itself."""

from __future__ import annotations

from modelpack.errors import InvalidInput
from modelpack.formats.prose.plain_yaml import Node, plain_yaml
from modelpack.formats.small_text import small_text
from modelpack.formats.window import Window

__all__ = ["one_mapping"]


def one_mapping(window: Window) -> dict[str, Node]:
    """Return its fields; raise ``InvalidInput`` for aliases and for anything else."""
    documents = list(plain_yaml(small_text(window), window.name, aliases=False))
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise InvalidInput("is not one mapping", where=window.name)
    return dict(documents[0])
