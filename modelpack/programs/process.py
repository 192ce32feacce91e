"""Run a program to its end: no shell, no input, little environment, and bounds."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from modelpack.errors import LocalError
from modelpack.formats.names import shown

__all__ = ["Bounds", "Finished", "find", "run"]

_BLOCK: Final = 64 << 10
_TICK: Final = 0.5
_SHOWN_LINES: Final = 3
# All that a program learns of its surroundings; no token, no key, no proxy.
_PASSED: Final = ("HOME", "PATH", "SSL_CERT_FILE", "SYSTEMROOT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """``seconds`` from start to end; ``output`` bytes of each of its two streams."""

    seconds: float = 600
    output: int = 32 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a program ended, and what it wrote."""

    code: int
    output: bytes
    errors: bytes

    def told(self) -> str:
        """Return its last words, for an error that people read."""
        text = (self.errors or self.output).decode("utf-8", "replace")
        lines = [shown(line.strip()) for line in text.splitlines() if line.strip()]
        return " / ".join(lines[-_SHOWN_LINES:]) or "it says nothing"


def find(program: str, environment: Mapping[str, str], *, hint: str) -> Path:
    """Return where a program is: at a path, or where PATH looks."""
    found = shutil.which(program, path=environment.get("PATH", os.defpath))
    if found is None:
        raise LocalError("there is no such program", where=program, hint=hint)
    return Path(found)


def run(
    command: Sequence[str | Path],
    *,
    folder: Path,
    environment: Mapping[str, str],
    more: Mapping[str, str] | None = None,
    bounds: Bounds = Bounds(),
    check: Callable[[], None] = lambda: None,
) -> Finished:
    """Run it in ``folder``, and end it with all that it has started.

    Of the environment it gets a few variables, and ``more``. ``check`` is called
    while it runs, and may raise to stop it. What is over its bounds is a
    ``LocalError``: half an answer is none.
    """
    name = Path(command[0]).name
    given = {key: environment[key] for key in _PASSED if key in environment}
    try:
        process = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env={"LANG": "C.UTF-8", "TMPDIR": str(folder), **given, **(more or {})},
            start_new_session=True,
        )
    except OSError as error:
        raise LocalError(
            f"cannot be run: {error.strerror or error}", where=name
        ) from error
    try:
        return _Watch(process, name, bounds, check).finished()
    finally:
        _end(process)


class _Watch:
    """One program that runs, and its two streams."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        name: str,
        bounds: Bounds,
        check: Callable[[], None],
    ) -> None:
        self._process = process
        self._name = name
        self._bounds = bounds
        self._check = check
        self._end = time.monotonic() + bounds.seconds

    def finished(self) -> Finished:
        output, errors = bytearray(), bytearray()
        with selectors.DefaultSelector() as waiting:
            for stream, into in (
                (self._process.stdout, output),
                (self._process.stderr, errors),
            ):
                if stream is not None:
                    waiting.register(stream, selectors.EVENT_READ, (stream, into))
            while waiting.get_map():
                self._tick()
                for key, _ in waiting.select(_TICK):
                    if not self._read(*key.data):
                        waiting.unregister(key.fileobj)
        while True:
            self._tick()
            with suppress(subprocess.TimeoutExpired):
                code = self._process.wait(_TICK)
                break
        return Finished(code=code, output=bytes(output), errors=bytes(errors))

    def _read(self, stream: IO[bytes], into: bytearray) -> bool:
        """Take what is there; false where the stream has ended."""
        block = os.read(stream.fileno(), _BLOCK)
        into += block
        if len(into) > self._bounds.output:
            raise LocalError(
                f"wrote over {self._bounds.output} bytes", where=self._name
            )
        return bool(block)

    def _tick(self) -> None:
        self._check()
        if time.monotonic() > self._end:
            raise LocalError(
                f"did not end within {self._bounds.seconds:g} s", where=self._name
            )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program's whole session, whatever of it still runs."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    process.wait()
