"""Between two marks stands what modelpack has added; all else is other people's."""

from __future__ import annotations

from modelpack.errors import InvalidInput

__all__ = ["without"]


def without(text: str, begin: str, end: str, where: str) -> tuple[str, bool]:
    """Return the text without the lines from one mark to the other, if they are there.

    ``InvalidInput`` where they are not one pair: whose the text between them is, nobody
    could say then.
    """
    counts = text.count(begin), text.count(end)
    if counts == (0, 0):
        return text, False
    first, last = text.find(begin), text.find(end)
    line = text.find("\n", last) + 1 or len(text)
    at_line = first == 0 or text[first - 1] == "\n"
    if counts != (1, 1) or last < first or not at_line:
        raise InvalidInput(
            f"the marks `{begin}` and `{end}` are not one pair",
            where=where,
            hint="take out what stands between them, and the marks",
        )
    return text[:first] + text[line:], True
