"""Fuzz the parsers, guided by what they cover: `python -m tests.fuzz.run [NAME...]`.

Each target gets its share of `--seconds` in a process of its own, which libFuzzer ends
at a crash, at 2 GiB, or at 20 s for one input. What crashed is kept in `--corpus`, with
all that reached something new, and the next run starts there.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.interop.peers import cache_folder

_MEMORY = 2048  # MiB
_SLOWEST = 20  # seconds for one input
_LONGEST = 1 << 16  # bytes of one input


def main(arguments: list[str]) -> int:
    """Fuzz each target in turn; 1 where one crashed."""
    from tests.fuzz.targets import TARGETS

    chosen = _parser(list(TARGETS)).parse_args(arguments)
    names = chosen.targets or list(TARGETS)
    share = max(1, chosen.seconds // len(names))
    failed = [name for name in names if not _fuzzed(name, chosen.corpus, share)]
    sys.stdout.write(
        f"{len(names)} targets, {share} s each: "
        f"{'failed: ' + ', '.join(failed) if failed else 'nothing found'}\n"
    )
    return 1 if failed else 0


def _parser(names: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.fuzz.run", description=__doc__)
    parser.add_argument("targets", metavar="NAME", nargs="*", help=", ".join(names))
    parser.add_argument("--seconds", type=int, default=600, help="for all together")
    parser.add_argument("--corpus", type=Path, default=cache_folder() / "fuzz")
    return parser


def _fuzzed(name: str, corpus: Path, seconds: int) -> bool:
    from tests.fuzz.targets import TARGETS

    folder = corpus / name
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(TARGETS[name].seeds()):
        (folder / f"seed-{number}").write_bytes(seed)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz.one", name, str(folder)),
            *(f"-max_total_time={seconds}", f"-rss_limit_mb={_MEMORY}"),
            *(f"-timeout={_SLOWEST}", f"-max_len={_LONGEST}", "-print_final_stats=1"),
            f"-artifact_prefix={folder}/crash-",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    told = (done.stdout + done.stderr).splitlines()
    runs = next((line for line in told if "number_of_executed_units" in line), "")
    sys.stdout.write(f"{name}: {runs.rpartition(' ')[2] or 'no'} inputs\n")
    if done.returncode:
        sys.stdout.write("\n".join(told[-40:]) + "\n")
    sys.stdout.flush()
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
