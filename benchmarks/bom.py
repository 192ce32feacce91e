"""Describe a model of many small files: processor time and memory of each document.

`python -m benchmarks.bom [FILES]`. Every file is listed, read, hashed, named with its
digest, and the document is held against its schema. Processor time counts: it is what
grows with the files, whatever else the machine does.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_KINDS = ("cyclonedx", "spdx")


def main(count: int) -> None:
    """Print a line for each kind of document."""
    with tempfile.TemporaryDirectory() as name:
        model = Path(name, "model")
        model.mkdir()
        for index in range(count):
            (model / f"part-{index:05}.txt").write_text(f"{index}\n")
        for kind in _KINDS:
            _measure(kind, model, Path(name, f"{kind}.json"))


def _measure(kind: str, model: Path, into: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    subprocess.run(
        [
            *(sys.executable, "-m", "modelpack", "sbom", "--quiet"),
            *("--type", kind, "--output", str(into), str(model)),
        ],
        check=True,
    )
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"{kind:<10} {spent:6.2f} s of processor time, {wall:6.2f} s, "
        f"{after.ru_maxrss >> 10} MiB at most, {into.stat().st_size >> 20} MiB written"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
