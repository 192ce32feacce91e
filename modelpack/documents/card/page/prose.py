"""A README as HTML: of its Markdown only what can do nothing.

Raw HTML shows as text. A link leads to the web, or is none; a picture would be fetched
from somewhere, and is a link.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

__all__ = ["safe_html"]

_MOST: Final = 100_000  # characters; beyond, the page would be a book
_SCHEMES: Final = ("https://", "http://", "mailto:")
_LOWER: Final = 2  # the page has its own headings above those of the README


def safe_html(markdown: str) -> tuple[str, bool]:
    """Return HTML, and whether a part of the text was left out for its length."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table"])
    # What is refused as a link stays what was written.
    parser.validateLink = lambda url: url.strip().lower().startswith(_SCHEMES)  # type: ignore[method-assign]
    text = markdown[:_MOST]
    tokens = parser.parse(text)
    return _rendered(parser, tokens), len(markdown) > _MOST


def _rendered(parser: MarkdownIt, tokens: Sequence[Token]) -> str:
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1]) + _LOWER)}"
        for child in token.children or ():
            if child.type == "link_open":
                child.attrSet("rel", "noopener noreferrer nofollow")
            elif child.type == "image":
                # Its text takes its place.
                child.type, child.content = "text", child.content or "picture"
                child.children = None
        if token.attrs:
            # Of tables, which would need a style of their own.
            token.attrs.pop("style", None)
    return str(parser.renderer.render(tokens, parser.options, {}))
