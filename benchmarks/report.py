"""Show results: as a table for people, as JSON for programs, as a chart."""

import json
from dataclasses import asdict, dataclass

from benchmarks.chart import Bar, Case, draw
from benchmarks.measure import Sample, median

_MIB = 1 << 20


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
        cases = [
            Case(title=title, bars=[_bar(row) for row in rows if row.samples])
            for title, rows in self._by_case()
            if any(row.samples for row in rows)
        ]
        about = " · ".join(self.machine[key] for key in ("registry", "machine", "date"))
        words = f"Seconds (shorter is better; each case has its own scale). {about}"
        return draw(cases, words)

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


def _bar(row: Row) -> Bar:
    middle = row.middle
    return Bar(program=row.program, seconds=middle.wall, mebibytes=middle.memory / _MIB)
