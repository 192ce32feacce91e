"""What a card says something about, and what it should say and does not.

The names are those of docs/predicates.md; the headings those of the hub's template
and of what people write in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

__all__ = ["SECTIONS", "TITLES", "sections_of"]

_HEADINGS: Final[dict[str, str]] = {
    "description": r"description|overview|introduction|model (?:details|summary)|about",
    "intended-use": r"intended use|\buses\b|use cases?|direct use|applications?",
    "out-of-scope-use": r"out[- ]of[- ]scope|misuse|not intended|prohibited",
    "limitations": r"limitation|\bbias|\brisks?\b|ethical|caveats?|known issues?",
    "training-data": r"training data|data ?sets?\b|pre-?training data|corpus",
    "training": r"training (?:procedure|details|regime|setup|process)|^training$|"
    r"pre-?training|fine-?tuning|how (?:it|this) was (?:made|trained)",
    "evaluation": r"evaluation|results?\b|benchmarks?|performance|metrics",
    "environmental-impact": r"environment|carbon|emission|energy|footprint",
    "citation": r"citation|citing|cite|bibtex|references?$",
    "contact": r"contact|authors?\b|maintainers?|developers?|team",
}
SECTIONS: Final = tuple(_HEADINGS)
TITLES: Final = {
    "license": "a licence",
    "datasets": "the data sets that it was trained on",
    "description": "what the model is",
    "intended-use": "what it is meant for",
    "out-of-scope-use": "what it is not meant for",
    "limitations": "its limits, risks and biases",
    "training-data": "its training data",
    "training": "how it was trained",
    "evaluation": "how good it is, measured",
    "environmental-impact": "the energy that it took",
    "citation": "how to cite it",
    "contact": "whom to ask",
}
_PATTERNS: Final = {
    name: re.compile(text, re.IGNORECASE) for name, text in _HEADINGS.items()
}
_ATX: Final = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_FENCE: Final = re.compile(r" {0,3}(```+|~~~+)")
_COMMENT: Final = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
# The hub's template, where nobody has filled it in.
_EMPTY: Final = re.compile(
    r"\[?more information needed\]?|\*\*[^*\n]{1,60}:?\*\*:?|[\s\-*_>|:]", re.IGNORECASE
)
_SOME_TEXT: Final = 20  # letters: fewer say nothing
_SOME_LEAD: Final = 60


def sections_of(markdown: str) -> tuple[str, ...]:
    """Return what a text says something about, in the order of ``SECTIONS``."""
    found: set[str] = set()
    open_: list[tuple[int, set[str]]] = []
    lead = ""
    for level, heading, text in _parts(_COMMENT.sub("", markdown)):
        while open_ and open_[-1][0] >= level:
            open_.pop()
        names = {n for n, pattern in _PATTERNS.items() if pattern.search(heading)}
        open_.append((level, names))
        said = _EMPTY.sub("", text)
        if level <= 1:
            lead += said
        if len(said) >= _SOME_TEXT:
            found.update(*(each for _, each in open_))
    if len(lead) >= _SOME_LEAD:
        found.add("description")
    return tuple(name for name in SECTIONS if name in found)


def _parts(markdown: str) -> Iterator[tuple[int, str, str]]:
    """Yield (level, heading, text below); level 0 for what stands before any."""
    level, heading, text = 0, "", []
    fence = ""
    for line in markdown.splitlines():
        mark = _FENCE.match(line)
        if mark is not None and (not fence or line.strip().startswith(fence)):
            fence = "" if fence else mark[1]
        title = None if fence else _ATX.fullmatch(line)
        if title is None:
            text.append(line)
            continue
        yield level, heading, "\n".join(text)
        level, heading, text = len(title[1]), title[2] or "", []
    yield level, heading, "\n".join(text)
