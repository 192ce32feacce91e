"""Measure modelpack and its peers side by side: `python -m benchmarks.run [CASE...]`.

Rounds are interleaved, so that a machine that gets slower gets so for everyone. The
results are in `benchmarks/results/`.
"""

import argparse
import datetime as dt
import os
import platform
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.cases import CASES, Case
from benchmarks.measure import Failed, Sample, floor
from benchmarks.peers import PROGRAMS, Program
from benchmarks.report import Report, Row
from tests.interop.peers import PEERS, Unavailable, cache_folder, install

_RESULTS = Path(__file__).with_name("results")
_ROUNDS = 3
_QUICK_FACTOR = 8


def main(arguments: list[str]) -> int:
    """Measure, print and write; 1 where some program failed."""
    chosen = _parser().parse_args(arguments)
    programs = _available([PROGRAMS[name] for name in chosen.only or PROGRAMS])
    cases = [CASES[name] for name in chosen.cases or CASES]
    if chosen.quick:
        cases = [_quick(case) for case in cases]
    bench = Bench(folder=cache_folder() / "benchmarks")
    measured_floor = floor(bench.folder)
    rows: list[Row] = []
    for case in cases:
        print(f"{case.name} ...", file=sys.stderr, flush=True)
        rows += _measure(bench, case, programs, 1 if chosen.quick else chosen.rounds)
    report = Report(machine=_machine(), floor=measured_floor, rows=rows)
    print(report.markdown())
    _write(report, chosen.results)
    return 1 if any(row.failure for row in rows) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.run", description=__doc__)
    parser.add_argument("cases", metavar="CASE", nargs="*", help=", ".join(CASES))
    parser.add_argument(
        "--only", type=_names, metavar="NAME,...", help=", ".join(PROGRAMS)
    )
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    parser.add_argument(
        "--quick", action="store_true", help="one round with an eighth of the data"
    )
    parser.add_argument("--results", type=Path, default=_RESULTS, metavar="DIR")
    return parser


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in PROGRAMS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no such program: {', '.join(unknown)}")
    return names


def _quick(case: Case) -> Case:
    title = f"{case.title} (quick: 1/{_QUICK_FACTOR} of the data)"
    return replace(case, data=case.data.smaller(_QUICK_FACTOR), title=title)


def _available(programs: list[Program]) -> list[Program]:
    """Build what is missing; leave out, with a word, what cannot be had."""
    install(PEERS["registry"])
    found: list[Program] = []
    for program in programs:
        try:
            if program.name in PEERS:
                install(PEERS[program.name])
        except Unavailable as error:
            print(f"without {program.name}: {error}", file=sys.stderr)
        if program.executable.exists():
            found.append(program)
        else:
            print(f"without {program.name}: it is not installed", file=sys.stderr)
    return found


def _measure(
    bench: Bench, case: Case, programs: list[Program], rounds: int
) -> list[Row]:
    taking_part = [program for program in programs if program.name in case.programs]
    samples: dict[str, list[Sample]] = {program.name: [] for program in taking_part}
    failures: dict[str, str] = {}
    with bench.sampler(case) as sample:
        for number in range(rounds):
            turn = number % len(taking_part) if taking_part else 0
            for program in taking_part[turn:] + taking_part[:turn]:
                if program.name in failures:
                    continue
                try:
                    samples[program.name].append(sample(program))
                except Failed as error:
                    failures[program.name] = str(error)
                    print(f"{case.name}: {error}", file=sys.stderr)
    return [
        Row(
            case=case.name,
            title=case.title,
            program=program.name,
            samples=[] if program.name in failures else samples[program.name],
            failure=failures.get(program.name, ""),
        )
        for program in taking_part
    ]


def _machine() -> dict[str, str]:
    release = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    now = dt.datetime.now(dt.UTC)
    return {
        "date": now.strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, "
        f"{memory >> 30} GiB of memory",
        "system": f"{release}, Linux {platform.release()}",
        "Python": platform.python_version(),
        "commit": _commit(),
        "load averages at the end": load,
        "registry": "distribution 3 on loopback",
    }


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def _write(report: Report, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(report.json())
    (folder / "results.md").write_text(report.markdown())
    (folder / "chart.svg").write_text(report.chart())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
