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
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import Sample, median, run
from benchmarks.peers import Command
from modelpack.disk.file import FileContent
from modelpack.disk.source.tree import list_model
from modelpack.formats.pickled.walk import parse_pickle
from modelpack.formats.window import Window
from modelpack.model.facts import combine, examine
from modelpack.programs import ask_scanner
from modelpack.scanning.file import judge
from tests.formats.files import TORCH, minilm
from tests.interop.peers import PEERS, Unavailable, install, location
from tests.scanning.hostile import HOSTILE, torch_zip

_ROUNDS: Final = 3
_MIB: Final = 1 << 20
_AT_ONCE: Final = 25
_SLOWEST: Final = 10
_SHARDS: Final = 1000
_TENSORS: Final = 100
_TENSOR: Final = 16 << 10  # bytes, sparse
_LARGE: Final = 2 << 30
_RESULTS: Final = Path(__file__).with_name("results") / "scanning.md"
_OTHERS: Final = ("picklescan", "fickling", "modelaudit-picklescan")
# What a scanner of pickles is made for.
_PICKLED: Final = ("pickle-", "disguised-", "torch-")


def main() -> None:
    """Measure, print, and keep what was printed."""
    with tempfile.TemporaryDirectory() as folder:
        lines = [*_speeds(Path(folder)), *_compared(Path(folder))]
    text = "\n".join(["# Scan", "", *lines]) + "\n"
    _RESULTS.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


def _speeds(folder: Path) -> Sequence[str]:
    samples = {
        f"a model of {_SHARDS} shards, {_TENSORS} tensors each": _scan(
            _sharded(folder / "sharded")
        ),
        "a safetensors file of 2 GiB": _scan(_large(folder / "large.safetensors")),
        "a model of 13 files, 87 MiB (MiniLM)": _scan(minilm()),
    }
    rows = [
        f"| {what} | {sample.wall:.2f} | {sample.cpu:.2f} "
        f"| {sample.memory / _MIB:.0f} MiB |"
        for what, sample in samples.items()
    ]
    read = _bytes_read(folder / "large.safetensors")
    headers = _headers(folder / "sharded")
    return [
        "| `modelpack scan` of | wall, s | CPU, s | peak memory |",
        "|---|---:|---:|---:|",
        *rows,
        "",
        f"Of the 2 GiB, {read:,} bytes were read.",
        f"The headers of the {_SHARDS} shards alone take {headers:.2f} s of CPU.",
        "",
        "| opcodes of a pickle of | MB for a second of CPU |",
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


def _headers(folder: Path) -> float:
    started = time.process_time()
    facts = []
    for file in list_model(folder):
        with FileContent(file) as content:
            facts.append(examine(content.window()))
    combine(facts)
    return time.process_time() - started


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
        started = time.process_time()
        parse_pickle(raw, "x")
        return time.process_time() - started

    return len(raw) / min(once() for _ in range(_ROUNDS)) / 1e6


# --- beside others


def _compared(folder: Path) -> Sequence[str]:
    hostile = _written(
        folder / "hostile", [(p, raw) for n, p, raw in HOSTILE if _asks(n)]
    )
    honest = _written(folder / "honest", _honest())
    numbers = folder / "numbers.pkl"
    numbers.write_bytes(pickle.dumps(list(range(3_000_000)), 2))
    archive = _archive(folder / "weights.pt")
    rows = []
    for name in ("modelpack", *_OTHERS):
        asked = _Asked(name, _python(), folder) if name in _OTHERS else _Ours()
        refused, seconds = asked.refused(hostile)
        alarms, _ = asked.refused(honest)
        times = [asked.seconds([numbers]), asked.seconds([archive])]
        rows.append(
            f"| {name} {asked.version} | {sum(refused)} | {sum(alarms)} "
            f"| {seconds:.1f} | {times[0]:.1f} | {times[1]:.1f} |"
        )
        sys.stderr.write(f"{rows[-1]}\n")
    head = f"| | of {len(hostile)} hostile | of {len(honest)} honest | s "
    return [
        f"Of {len(hostile)} hostile pickles and archives of torch, made by named",
        "techniques (tests/scanning/hostile.py), and of honest weights, how many each",
        "refuses; modelpack with `--allow torch-weights-only`. A file at which one",
        "fails, or takes over 10 s, counts as refused.",
        "",
        f"{head}| a pickle of 15 MB, s | an archive of 512 MiB, s |",
        "|---|---:|---:|---:|---:|---:|",
        *rows,
    ]


def _asks(name: str) -> bool:
    """Whether a hostile file is of what scanners of pickles are made for."""
    return name.startswith(_PICKLED)


def _honest() -> Sequence[tuple[str, bytes]]:
    """Return weights alone, as torch 2.13 saved them, and an empty state."""
    state = (TORCH / "state_dict.pt").read_bytes()
    return [
        ("state_dict.pt", state),
        ("pytorch_model.bin", state),
        ("m.pt", torch_zip()),
    ]


class _Ours:
    """Our own scanner, by the same questions."""

    version = ""

    def refused(self, places: Sequence[Path]) -> tuple[Sequence[bool], float]:
        """Say which it refuses, and how long all of it took."""
        root = places[0].parents[1]
        started = time.perf_counter()
        done = subprocess.run(
            [
                *(sys.executable, "-m", "modelpack", "scan", "-q", "--format", "json"),
                *("--allow", "torch-weights-only", str(root)),
            ],
            capture_output=True,
            check=False,
        )
        seconds = time.perf_counter() - started
        files = json.loads(done.stdout)["files"]
        bad = {str(root / f["path"]) for f in files if f["outcome"] != "pass"}
        return [str(place) in bad for place in places], seconds

    def seconds(self, places: Sequence[Path]) -> float:
        return _scan_time(places[0])


def _written(folder: Path, files: Sequence[tuple[str, bytes]]) -> Sequence[Path]:
    places = []
    for number, (path, raw) in enumerate(files):
        place = folder / f"{number:04}" / path
        place.parent.mkdir(parents=True)
        place.write_bytes(raw)
        places.append(place)
    return places


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
