"""Numbers as bars: each with its label, so that the picture needs no legend."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from modelpack.documents.card.words import number, share, short
from modelpack.formats.prose.results import Result

__all__ = ["Bar", "Scale", "measured_bars", "result_scales", "stack"]

_COLOURS: Final = 6
_MOST_BARS: Final = 10
# Metrics that are shares of a whole. How large others can be, nobody says.
_SHARES: Final = re.compile(
    r"(?:acc|rouge|pass@|prompt_level|inst_level|spearman|pearson|.*accuracy)|"
    r"(?:f1|exact_match|em|precision|recall|roc_auc|auc|map|mrr|ndcg|mean_iou|bleu|"
    r"sacrebleu|google_bleu|chrf|meteor|bertscore|wer|cer|mc1|mc2)(?![a-z])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A bar from ``start`` to ``end``, in hundredths of its scale.

    ``low`` and ``high`` bound what it may be; None where nobody says. ``colour`` is a
    number of the palette.
    """

    label: str
    value: str
    end: float
    start: float = 0.0
    low: float | None = None
    high: float | None = None
    colour: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Bars that can be compared, from 0 to ``top``; and numbers that have no top."""

    title: str
    top: str
    bars: tuple[Bar, ...]
    numbers: tuple[Bar, ...]


def stack(counts: Mapping[str, int]) -> tuple[Bar, ...]:
    """Return the shares of a whole, one after the other."""
    total = sum(counts.values())
    return tuple(
        Bar(label=name, value=share(count, total), start=start, end=end, colour=colour)
        for name, count, start, end, colour in _pieces(counts, total)
    )


def _pieces(
    counts: Mapping[str, int], total: int
) -> Iterator[tuple[str, int, float, float, int]]:
    start = 0.0
    for index, (name, count) in enumerate(_most(counts)):
        end = start + 100 * count / max(total, 1)
        yield name, count, round(start, 3), round(end, 3), index % _COLOURS
        start = end


def measured_bars(counts: Mapping[str, int]) -> tuple[Bar, ...]:
    """Return counts as bars, the largest filling the scale."""
    total, most = sum(counts.values()), max(counts.values(), default=0)
    return tuple(
        Bar(
            label=name,
            value=short(count),
            note=share(count, total),
            end=round(100 * count / max(most, 1), 3),
        )
        for name, count in _most(counts)
    )


def _most(counts: Mapping[str, int]) -> Sequence[tuple[str, int]]:
    shown = list(counts.items())
    if len(shown) <= _MOST_BARS:
        return shown
    rest = sum(count for _, count in shown[_MOST_BARS - 1 :])
    left = len(shown) - _MOST_BARS + 1
    return [*shown[: _MOST_BARS - 1], (f"{left} others", rest)]


def result_scales(results: Iterable[Result]) -> tuple[Scale, ...]:
    """Return results in groups of one task and data set, on scales that they share."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        title = " · ".join(filter(None, (result.task, result.dataset)))
        groups.setdefault(title or "Results", []).append(result)
    return tuple(_scale(title, group) for title, group in groups.items())


def _scale(title: str, group: Sequence[Result]) -> Scale:
    shares = [result for result in group if _SHARES.match(result.metric)]
    largest = max((result.value for result in shares), default=0.0)
    top = 1.0 if largest <= 1 else 100.0
    if largest > 100 or any(result.value < 0 for result in shares):  # noqa: PLR2004
        shares = []
    return Scale(
        title=title,
        top=f"0 to {top:g}" if shares else "",
        bars=tuple(_result_bar(result, top) for result in shares),
        numbers=tuple(
            _result_bar(result, 0) for result in group if result not in shares
        ),
    )


def _result_bar(result: Result, top: float) -> Bar:
    def place(value: float | None) -> float | None:
        if value is None or not top:
            return None
        return round(min(100.0, max(0.0, 100 * value / top)), 3)

    note = ""
    if result.lower is not None and result.upper is not None:
        note = f"{number(result.lower)} to {number(result.upper)}"
    return Bar(
        label=result.metric,
        value=number(result.value),
        end=place(result.value) or 0.0,
        low=place(result.lower),
        high=place(result.upper),
        note=note,
    )
