"""Show results: as a table for people, as JSON for programs, as a chart."""

import json
from dataclasses import asdict, dataclass
from html import escape

from benchmarks.measure import Sample, median

_MIB = 1 << 20

_BAR = 18
_LABELS = 80
_WIDTH = 640
_FIGURES = 170
_OURS, _THEIRS = "#2563eb", "#94a3b8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The runs of one program in one case."""

    case: str
    title: str
    program: str
    samples: list[Sample]
    failure: str = ""

    @property
    def middle(self) -> Sample:
        return median(self.samples)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that one run of the benchmarks found out."""

    machine: dict[str, str]
    floor: dict[str, float]
    rows: list[Row]

    def json(self) -> str:
        rows = [
            asdict(row) | ({"median": asdict(row.middle)} if row.samples else {})
            for row in self.rows
        ]
        whole = {"machine": self.machine, "floor": self.floor, "rows": rows}
        return json.dumps(whole, indent=2) + "\n"

    def markdown(self) -> str:
        """Tables that also read well as plain text."""
        lines = ["# Measured", ""]
        lines += [f"- {name}: {value}" for name, value in self.machine.items()]
        lines += ["", "The floor on this machine:", ""]
        lines += [
            f"- {name}: {speed / 1e9:.2f} GB/s" for name, speed in self.floor.items()
        ]
        for title, rows in self._by_case():
            lines += ["", f"## {title}", "", *_table(rows)]
        return "\n".join(lines) + "\n"

    def chart(self) -> str:
        """Bars of the median wall times, each case with a scale of its own."""
        parts: list[str] = []
        top = 0
        for title, rows in self._by_case():
            measured = [row for row in rows if row.samples]
            if not measured:
                continue
            top += 2 * _BAR
            parts.append(_text(0, top, title, weight="bold"))
            longest = max(row.middle.wall for row in measured)
            for row in measured:
                top += _BAR + 4
                parts += _bar(row, top, longest)
        height = top + _BAR
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" '
            f'height="{height}" viewBox="0 0 {_WIDTH} {height}" '
            'font-family="sans-serif" font-size="12">\n'
            '<rect width="100%" height="100%" fill="white"/>\n'
            + "\n".join(parts)
            + "\n</svg>\n"
        )

    def _by_case(self) -> list[tuple[str, list[Row]]]:
        titles = dict.fromkeys(row.title for row in self.rows)
        return [
            (title, [row for row in self.rows if row.title == title])
            for title in titles
        ]


def _table(rows: list[Row]) -> list[str]:
    lines = [
        "| program    | wall, s | CPU, s | peak MiB | runs |",
        "| ---------- | ------: | -----: | -------: | ---: |",
    ]
    for row in rows:
        if not row.samples:
            lines.append(f"| {row.program:10} | failed: {row.failure} | | | |")
            continue
        middle = row.middle
        lines.append(
            f"| {row.program:10} | {middle.wall:7.2f} | {middle.cpu:6.2f} "
            f"| {middle.memory / _MIB:8.0f} | {len(row.samples):4} |"
        )
    return lines


def _bar(row: Row, top: int, longest: float) -> list[str]:
    middle = row.middle
    length = max(1, round(middle.wall / longest * (_WIDTH - _LABELS - _FIGURES)))
    colour = _OURS if row.program == "modelpack" else _THEIRS
    figures = f"{middle.wall:.2f} s, {middle.memory / _MIB:.0f} MiB"
    rectangle = (
        f'<rect x="{_LABELS}" y="{top - _BAR + 5}" width="{length}" '
        f'height="{_BAR}" fill="{colour}"/>'
    )
    return [
        _text(0, top, row.program),
        rectangle,
        _text(_LABELS + length + 6, top, figures),
    ]


def _text(x: int, y: int, words: str, *, weight: str = "normal") -> str:
    return f'<text x="{x + 4}" y="{y}" font-weight="{weight}">{escape(words)}</text>'
