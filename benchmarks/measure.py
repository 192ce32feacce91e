"""Take samples: wall time, CPU time and peak memory of commands, and the floor."""

import hashlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import Command

_METER = Path(__file__).with_name("meter.py")
_MIB = 1 << 20
_BLOCK = bytearray(_MIB)
_FLOOR_BYTES = 512 * _MIB
_FLOOR_ROUNDS = 3


class Failed(Exception):
    """A program ended with an error, or did not do what it was measured at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one run took: seconds of wall and CPU time, bytes of memory at the peak.

    Memory is that of the largest process; where a program has several, not their sum.
    """

    wall: float
    cpu: float
    memory: int


def median(samples: list[Sample]) -> Sample:
    """Each figure's own median."""
    return Sample(
        wall=statistics.median(sample.wall for sample in samples),
        cpu=statistics.median(sample.cpu for sample in samples),
        memory=int(statistics.median(sample.memory for sample in samples)),
    )


def run(commands: list[Command], environment: dict[str, str]) -> Sample:
    """Run the commands after each other: times add up, the largest memory counts."""
    os.sync()  # what is still to be written is not this run's
    samples = [_run(command, environment) for command in commands]
    return Sample(
        wall=sum(sample.wall for sample in samples),
        cpu=sum(sample.cpu for sample in samples),
        memory=max(sample.memory for sample in samples),
    )


def _run(command: Command, environment: dict[str, str]) -> Sample:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        meter = [sys.executable, "-I", "-S", str(_METER), str(report)]
        done = subprocess.run(
            [*meter, *command.arguments],
            cwd=command.directory,
            env=environment,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if done.returncode != 0:
            said = done.stdout.decode(errors="replace").strip()[-1000:]
            message = f"{' '.join(command.arguments)}: exit {done.returncode}: {said}"
            raise Failed(message)
        return Sample(**json.loads(report.read_text()))


def warm(folder: Path) -> None:
    """Read every file once, so that each run finds the page cache alike."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb", buffering=0) as file:
                while file.readinto(_BLOCK):
                    pass


def floor(folder: Path) -> dict[str, float]:
    """Bytes a second of the work that no program here can do without."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "floor"
    source.write_bytes(os.urandom(_FLOOR_BYTES))
    try:
        return {
            "SHA-256, one core": _speed(_hash),
            "copy in memory": _speed(_copier()),
            "copy of a file": _speed(lambda: _copy_file(source)),
            "sendfile to a socket": _speed(lambda: _send(source)),
        }
    finally:
        source.unlink()


def _speed(work: Callable[[], None]) -> float:
    def once() -> float:
        started = time.monotonic()
        work()
        return time.monotonic() - started

    return _FLOOR_BYTES / statistics.median(once() for _ in range(_FLOOR_ROUNDS))


def _blocks() -> Iterator[int]:
    return iter(range(0, _FLOOR_BYTES, _MIB))


def _hash() -> None:
    digest = hashlib.sha256()
    for _ in _blocks():
        digest.update(_BLOCK)


def _copier() -> Callable[[], None]:
    """Copy between two buffers that no cache holds; both have their pages already."""
    times = 8
    source = b"\1" * (_FLOOR_BYTES // times)
    target = bytearray(source)

    def copy() -> None:
        view = memoryview(target)
        for _ in range(times):
            view[:] = source

    return copy


def _copy_file(source: Path) -> None:
    target = source.with_name("copy")
    shutil.copyfile(source, target)
    target.unlink()


def _send(source: Path) -> None:
    """Over loopback, to a thread that takes the bytes and drops them."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as sender,
        source.open("rb") as file,
    ):
        receiver, _ = listener.accept()
        sink = threading.Thread(target=_drain, args=[receiver])
        sink.start()
        sender.sendfile(file)
        sender.shutdown(socket.SHUT_WR)
        sink.join()


def _drain(receiver: socket.socket) -> None:
    buffer = bytearray(_MIB)
    with receiver:
        while receiver.recv_into(buffer):
            pass
