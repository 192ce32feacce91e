"""Measure the scan: how fast, how small, how strict: `python -m benchmarks.scanning`.

Other scanners look at the same files in a process of their own Python, through the
script by which `modelpack scan --with` asks them. What they cannot read counts as
refused, to their advantage.
"""

from __future__ import annotations

import json
import os
import pickle
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import Sample, median, run
from benchmarks.peers import Command
from modelpack.formats.pickled.walk import parse_pickle
from modelpack.formats.window import Window
from modelpack.programs import ask_scanner
from modelpack.scanning.file import judge
from tests.formats.files import minilm
from tests.interop.peers import PEERS, Unavailable, install, location
from tests.scanning.hostile import HOSTILE

_ROUNDS: Final = 3
_MIB: Final = 1 << 20
_AT_ONCE: Final = 25
_SLOWEST: Final = 10
_SHARDS: Final = 1000
_TENSORS: Final = 300
_TENSOR: Final = 16 << 10  # bytes, sparse
_LARGE: Final = 2 << 30
_RESULTS: Final = Path(__file__).with_name("results") / "scanning.md"
_OTHERS: Final = ("picklescan", "fickling", "modelaudit-picklescan")
# What a scanner of pickles is made for.
_PICKLED: Final = ("pickle-", "disguised-", "torch-")


@dataclass(frozen=True, slots=True)
class Refused:
    """How many files a scanner refuses, of so many, and the seconds it took."""

    pickled: int
    all: int
    seconds: float


def main() -> None:
    """Measure, print, and keep what was printed."""
    with tempfile.TemporaryDirectory() as folder:
        lines = [*_speeds(Path(folder)), *_compared(Path(folder))]
    text = "\n".join(["# Scan", "", *lines]) + "\n"
    _RESULTS.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


def _speeds(folder: Path) -> Sequence[str]:
    samples = {
        f"headers of a model of {_SHARDS} shards, {_TENSORS} tensors each": _scan(
            _sharded(folder / "sharded")
        ),
        "a safetensors file of 2 GiB": _scan(_large(folder / "large.safetensors")),
        "a model of 13 files, 87 MiB (MiniLM)": _scan(minilm()),
    }
    rows = [
        f"| {what} | {sample.wall:.2f} s | {sample.memory / _MIB:.0f} MiB |"
        for what, sample in samples.items()
    ]
    read = _bytes_read(folder / "large.safetensors")
    return [
        "| `modelpack scan` of | wall | peak memory |",
        "|---|---:|---:|",
        *rows,
        "",
        f"Of the 2 GiB, {read:,} bytes were read.",
        "",
        "| opcodes of a pickle of | MB/s |",
        "|---|---:|",
        *(f"| {what} | {_speed(raw):.0f} |" for what, raw in _pickles().items()),
        "",
    ]


def _scan(path: Path) -> Sample:
    command = Command(
        arguments=[sys.executable, "-m", "modelpack", "scan", "-q", str(path)],
        directory=path.parent,
    )
    return median([run([command], dict(os.environ)) for _ in range(_ROUNDS)])


def _sharded(folder: Path) -> Path:
    folder.mkdir()
    index: dict[str, str] = {}
    for shard in range(_SHARDS):
        name = f"model-{shard + 1:05}-of-{_SHARDS:05}.safetensors"
        names = [f"model.layers.{shard}.block.{n}.weight" for n in range(_TENSORS)]
        _sparse(folder / name, names)
        index |= dict.fromkeys(names, name)
    document = json.dumps({"metadata": {}, "weight_map": index})
    (folder / "model.safetensors.index.json").write_text(document)
    return folder


def _large(path: Path) -> Path:
    _sparse(path, [f"layer.{n}" for n in range(_LARGE // _TENSOR // 64)], 64 * _TENSOR)
    return path


def _sparse(path: Path, names: Sequence[str], size: int = _TENSOR) -> None:
    header = {
        name: {
            "dtype": "F32",
            "shape": [size // 4],
            "data_offsets": [at * size, (at + 1) * size],
        }
        for at, name in enumerate(names)
    }
    raw = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(raw)) + raw)
        file.truncate(8 + len(raw) + len(names) * size)


def _bytes_read(path: Path) -> int:
    total = 0
    with path.open("rb") as file:

        def read_at(offset: int, count: int) -> bytes:
            nonlocal total
            total += count
            return os.pread(file.fileno(), count, offset)

        judge(Window(path.name, path.stat().st_size, read_at))
    return total


def _pickles() -> Mapping[str, bytes]:
    tensors = {f"layer.{n}.weight": (n, (16, 16), 0.5) for n in range(200_000)}
    return {
        "3 million numbers": pickle.dumps(list(range(3_000_000)), 2),
        "200,000 names with tuples": pickle.dumps(tensors, 2),
        "texts of 100 characters": pickle.dumps(
            ["x" * 99 + str(n) for n in range(200_000)], 4
        ),
    }


def _speed(raw: bytes) -> float:
    def once() -> float:
        started = time.perf_counter()
        parse_pickle(raw, "x")
        return time.perf_counter() - started

    return len(raw) / min(once() for _ in range(_ROUNDS)) / 1e6


# --- beside others


def _compared(folder: Path) -> Sequence[str]:
    hostile = _hostile(folder / "hostile")
    pickled = sum(name.startswith(_PICKLED) for name, _, _ in HOSTILE)
    numbers = folder / "numbers.pkl"
    numbers.write_bytes(pickle.dumps(list(range(3_000_000)), 2))
    archive = _archive(folder / "weights.pt")
    times = [_scan_time(numbers), _scan_time(archive)]
    rows = [_row("modelpack", _ours(folder / "hostile"), *times)]
    for name in _OTHERS:
        asked = _Asked(name, _python(), folder)
        refused = _counted(*asked.refused(hostile))
        times = [asked.seconds([numbers]), asked.seconds([archive])]
        rows.append(_row(f"{name} {asked.version}", refused, *times))
        sys.stderr.write(f"{rows[-1]}\n")
    head = f"| | of {pickled} pickles | of all {len(HOSTILE)} | all, s "
    return [
        "How many hostile files, made by named techniques (tests/scanning/hostile.py),",
        "each refuses. One at which it fails, or takes over 10 s, counts as refused.",
        "",
        f"{head}| a pickle of 15 MB, s | an archive of 512 MiB, s |",
        "|---|---:|---:|---:|---:|---:|",
        *rows,
    ]


def _row(name: str, refused: Refused, *times: float) -> str:
    told = " | ".join(f"{seconds:.1f}" for seconds in times)
    counts = f"{refused.pickled} | {refused.all} | {refused.seconds:.1f}"
    return f"| {name} | {counts} | {told} |"


def _hostile(folder: Path) -> Sequence[Path]:
    places = []
    for number, (_, path, raw) in enumerate(HOSTILE):
        place = folder / f"{number:04}" / path
        place.parent.mkdir(parents=True)
        place.write_bytes(raw)
        places.append(place)
    return places


def _ours(folder: Path) -> Refused:
    started = time.perf_counter()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "modelpack", "scan", "-q", "--format", "json"),
            *("--allow", "torch-weights-only", str(folder)),
        ],
        capture_output=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    files = json.loads(done.stdout)["files"]
    outcomes = {file["path"][:4]: file["outcome"] != "pass" for file in files}
    refused = [outcomes[f"{number:04}"] for number in range(len(HOSTILE))]
    return _counted(refused, seconds)


def _counted(refused: Sequence[bool], seconds: float) -> Refused:
    pickled = sum(
        no
        for no, (name, _, _) in zip(refused, HOSTILE, strict=True)
        if name.startswith(_PICKLED)
    )
    return Refused(pickled, sum(refused), seconds)


def _scan_time(path: Path) -> float:
    return _timed(
        lambda: subprocess.run(
            [sys.executable, "-m", "modelpack", "scan", "-q", str(path)],
            capture_output=True,
            check=False,
        )
    )


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _python() -> Path:
    peer = PEERS["picklescan"]
    install(peer)
    return location(peer).parent / "environment" / "bin" / "python"


class _Asked:
    """Another scanner, asked about many files at once where it gets through them."""

    def __init__(self, name: str, python: Path, folder: Path) -> None:
        self._command = [str(python), "-I", ask_scanner.__file__, name]
        self._listed = folder / "list.json"
        self.version = str(self._ask([])["version"])

    def refused(self, places: Sequence[Path]) -> tuple[Sequence[bool], float]:
        """Say which it refuses, and how long all of it took."""
        refused: list[bool] = []
        started = time.perf_counter()
        for start in range(0, len(places), _AT_ONCE):
            refused += self._of(places[start : start + _AT_ONCE])
        return refused, time.perf_counter() - started

    def seconds(self, places: Sequence[Path]) -> float:
        return _timed(lambda: self._ask(places))

    def _of(self, places: Sequence[Path]) -> Sequence[bool]:
        try:
            answers = self._ask(places, timeout=3 * _SLOWEST)["files"]
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return [self._alone(place) for place in places]
        return [bool(each["findings"] or each["error"]) for each in answers]

    def _alone(self, place: Path) -> bool:
        try:
            (answer,) = self._ask([place], timeout=_SLOWEST)["files"]
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return True
        return bool(answer["findings"] or answer["error"])

    def _ask(self, places: Sequence[Path], timeout: float | None = None) -> Any:  # noqa: ANN401 - JSON of a program that we know
        self._listed.write_text(json.dumps([str(place) for place in places]))
        done = subprocess.run(
            [*self._command, str(self._listed)],
            capture_output=True,
            check=True,
            timeout=timeout,
        )
        return json.loads(done.stdout)


def _archive(path: Path) -> Path:
    """Write what torch.save writes of one tensor of 512 MiB."""
    size = 512 * _MIB
    body = (
        b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01X\x01\x00\x00\x00wq\x02"
        b"ctorch._utils\n_rebuild_tensor_v2\nq\x03((X\x07\x00\x00\x00storageq\x04"
        b"ctorch\nByteStorage\nq\x05X\x01\x00\x00\x000q\x06X\x03\x00\x00\x00cpuq\x07J"
        + struct.pack("<i", size)
        + b"tq\x08QK\x00J"
        + struct.pack("<i", size)
        + b"\x85q\x09K\x01\x85q\x0a\x89h\x00)Rq\x0btq\x0cRq\x0ds."
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("w/data.pkl", body)
        archive.writestr("w/byteorder", b"little")
        archive.writestr("w/data/0", bytes(size))
        archive.writestr("w/version", b"3\n")
    return path


if __name__ == "__main__":
    try:
        main()
    except Unavailable as error:
        sys.exit(f"cannot be compared: {error}")
