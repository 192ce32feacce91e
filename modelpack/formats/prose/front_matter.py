"""The YAML front matter of a README."""

from __future__ import annotations

import re
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.prose.plain_yaml import Node, plain_yaml
from modelpack.formats.window import Window

__all__ = ["front_matter"]

MAX_SIZE: Final = 1 << 20

_OPENING = re.compile(rb"\s*---[ \t]*\r?\n")
_CLOSING = re.compile(rb"^---[ \t]*\r?$", re.MULTILINE)


def front_matter(window: Window) -> dict[str, Node]:
    """Parse what stands between the first two `---`; empty if there is nothing."""
    raw = _block(window)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput("front matter is not UTF-8", where=window.name) from error
    documents = list(plain_yaml(text, window.name, line=2))
    if len(documents) > 1:
        raise InvalidInput("front matter is two documents", where=window.name)
    value = documents[0] if documents else None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInput("front matter is no mapping", where=window.name)
    return value


def _block(window: Window) -> bytes:
    head = window.read(0, min(window.size, MAX_SIZE)).removeprefix(b"\xef\xbb\xbf")
    opening = _OPENING.match(head)
    if opening is None:
        return b""
    closing = _CLOSING.search(head, opening.end())
    if closing is not None:
        return head[opening.end() : closing.start()]
    if window.size > MAX_SIZE:
        raise InvalidInput(
            f"front matter is longer than {MAX_SIZE} bytes", where=window.name
        )
    return b""  # a horizontal rule, not front matter
