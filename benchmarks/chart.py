"""Medians as bars, in two columns, readable on light and on dark pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_COLUMN, _GAP, _EDGE = 440, 40, 20
_LABELS, _FIGURES = 76, 128
_LINE, _BAR = 20, 14
_ROOT = (
    'xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title" '
    "font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif\""
)
_STYLE = """
    .paper { fill: #f7f9fb }
    text { font-size: 12px; fill: #1d2935 }
    .title { font-size: 13px; font-weight: 600 }
    .quiet { fill: #5c6b7a }
    .ours { fill: #2563eb }
    .theirs { fill: #a3b1c2 }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #161b22 }
      text { fill: #e6edf3 }
      .quiet { fill: #9aa7b4 }
      .ours { fill: #5b8def }
      .theirs { fill: #56657a }
    }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One program in one case."""

    program: str
    seconds: float
    mebibytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What was measured, and how long each program took; shorter is better."""

    title: str
    bars: Sequence[Bar]

    @property
    def height(self) -> int:
        return _LINE * (len(self.bars) + 2)


def draw(cases: Sequence[Case], words: str) -> str:
    """Return the SVG; ``words`` say what was measured where."""
    left, right = _columns(cases)
    height = max(sum(case.height for case in column) for column in (left, right))
    width = 2 * _EDGE + 2 * _COLUMN + _GAP
    bottom = height + 3 * _LINE
    parts = [
        f'<svg {_ROOT} viewBox="0 0 {width} {bottom}">',
        f'<title id="title">{escape(words)}</title>',
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{width}" height="{bottom}" rx="8"/>',
        _text(_EDGE, 2 * _LINE - 8, words, kind="quiet"),
    ]
    for x, column in ((_EDGE, left), (_EDGE + _COLUMN + _GAP, right)):
        top = 2 * _LINE
        for case in column:
            parts += _case(case, x, top)
            top += case.height
    return "\n".join([*parts, "</svg>", ""])


def _columns(cases: Sequence[Case]) -> tuple[Sequence[Case], Sequence[Case]]:
    """Cut the cases, in their order, into two columns of about the same height."""

    def taller(cut: int) -> int:
        both = (cases[:cut], cases[cut:])
        return max(sum(case.height for case in column) for column in both)

    cut = min(range(len(cases) + 1), key=taller)
    return cases[:cut], cases[cut:]


def _case(case: Case, x: int, top: int) -> list[str]:
    parts = [_text(x, top + _LINE, case.title, kind="title")]
    longest = max(bar.seconds for bar in case.bars)
    for number, bar in enumerate(case.bars, 2):
        y = top + number * _LINE
        length = max(2, round(bar.seconds / longest * (_COLUMN - _LABELS - _FIGURES)))
        kind = "ours" if bar.program == "modelpack" else "theirs"
        figures = f"{bar.seconds:.2f} s, {bar.mebibytes:.0f} MiB"
        place = f'x="{x + _LABELS}" y="{y - _BAR + 3}"'
        parts += [
            _text(x, y, bar.program),
            f'<rect class="{kind}" {place} width="{length}" height="{_BAR}" rx="2"/>',
            _text(x + _LABELS + length + 8, y, figures),
        ]
    return parts


def _text(x: int, y: int, words: str, *, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x}" y="{y}">{escape(words)}</text>'
