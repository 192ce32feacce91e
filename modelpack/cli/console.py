"""Standard error: progress, warnings, failures. Standard output is for results.

A progress bar where standard error is a terminal; one line for each finished file
where it is not; nothing with ``--quiet``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from modelpack.cli.text import human, plain
from modelpack.errors import InvalidInput, LocalError
from modelpack.transfer.progress import (
    Done,
    Event,
    Listener,
    Moved,
    Planned,
    Restarted,
    Waiting,
    Warned,
    nobody,
)

_HOW: Final = {
    "push": {"moved": "pushed", "exists": "exists", "mounted": "mounted"},
    "pull": {"moved": "pulled", "kept": "kept"},
    "copy": {"moved": "copied", "exists": "exists", "mounted": "mounted"},
}


def say(line: str) -> None:
    """Print one line to standard error; if it goes nowhere, the exit code speaks."""
    try:
        print(plain(line), file=sys.stderr, flush=True)
    except OSError:  # nobody reads it, or the disk that it goes to is full
        silence(sys.stderr)


def silence(stream: TextIO) -> None:
    """Let what else is written go nowhere: nobody reads this stream any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def tell(line: object) -> None:
    """Print one line of a result to standard output."""
    print(plain(str(line)), flush=True)  # in order with what say() prints


def fail(message: str, *, hint: str = "") -> None:
    """Print why a command failed, and what to do about it."""
    say(f"error: {message}")
    if hint:
        say(f"hint: {hint}")


def usage_error(error: BaseException) -> str | None:
    """Return the message of a wrong use of the command line, else None."""
    describe = getattr(error, "format_message", None)
    # typer says nothing where a group is called without a command.
    return str(describe()) or "needs a command" if callable(describe) else None


def write_new(path: Path, content: bytes) -> None:
    """Write a result to a file that is not there yet."""
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError as error:
        raise InvalidInput("exists already", where=str(path)) from error
    except OSError as error:
        raise LocalError(error.strerror or str(error), where=str(path)) from error


def write_over(path: Path, content: bytes) -> None:
    """Write a file of ours, which may be there from an earlier time."""
    try:
        path.write_bytes(content)
    except OSError as error:
        raise LocalError(error.strerror or str(error), where=str(path)) from error


def show_json(document: Mapping[str, object]) -> None:
    """Print a JSON document to standard output."""
    print(json_text(document))


def show_raw(document: bytes) -> None:
    """Print a document to standard output as it is."""
    sys.stdout.buffer.write(document)
    sys.stdout.buffer.flush()


def json_text(document: Mapping[str, object]) -> str:
    """Return a JSON document as it is printed."""
    return json.dumps(document, indent=2, ensure_ascii=False)


@contextmanager
def progress(*, quiet: bool) -> Iterator[Listener]:
    """Show a command's events for as long as it runs."""
    if quiet:
        yield nobody
    elif sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from modelpack.cli.bars import bars

        with bars(_Lines) as listener:
            yield listener
    else:
        yield _Lines(say)


class _Lines:
    """One line for each file that is done, and for what goes wrong."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._words = _HOW["push"]
        self._resumed: dict[str, int] = {}
        self._reason = ""

    def __call__(self, event: Event) -> None:
        match event:
            case Planned():
                self._words = _HOW[event.verb]
            case Done():
                self._reason = ""
                self._done(event)
            case Moved(resumed=True):
                before = self._resumed.get(event.name, 0)
                self._resumed[event.name] = before + event.count
            case Restarted():
                before = self._resumed.get(event.name, 0)
                self._resumed[event.name] = min(before, event.offset)
            case Waiting() if event.reason != self._reason:
                # The same failure again, or in another stream, is no news.
                self._reason = event.reason
                self._write(f"waiting, to try again: {event.reason}")
            case Warned():
                self._write(f"warning: {event.message}")
            case _:
                pass

    def _done(self, event: Done) -> None:
        word = self._words.get(event.how, event.how)
        resumed = self._resumed.pop(event.name, 0)
        told = f" ({human(resumed)} resumed)" if resumed else ""
        self._write(f"{word:<8}{human(event.size):>10}  {event.name}{told}")
