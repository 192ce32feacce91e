"""One of the real services, as a process of ours."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import urllib3

from tests.interop.peers import program

_PATIENCE = 30.0  # seconds, on a machine that is busy with other tests
_POLL = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A process; what is started is ended, and nothing else."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def answer(self, url: str) -> bytes:
        """Wait until it answers, and return the body."""
        deadline = time.monotonic() + _PATIENCE
        with urllib3.PoolManager(retries=False, timeout=2.0) as http:
            while self.process.poll() is None and time.monotonic() < deadline:
                try:
                    response = http.request("GET", url)
                except urllib3.exceptions.HTTPError:
                    pass
                else:
                    if response.status == 200:
                        return response.data
                time.sleep(_POLL)
        message = f"{self.name} did not start:\n{self.log.read_text()[-2000:]}"
        raise RuntimeError(message)


@contextmanager
def running(name: str, folder: Path, *arguments: str) -> Iterator[Service]:
    """Run a peer's `serve` with `folder` as its working directory."""
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program(name), "serve", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
    with process:
        try:
            yield Service(name=name, process=process, log=log)
        finally:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:  # nothing here is worth saving
                process.kill()
