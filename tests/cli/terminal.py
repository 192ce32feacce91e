"""A terminal without a person: a pty, and the screen that its output draws."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass, field
from pathlib import Path

_TOKEN = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])|\x1b(.)|([\r\n])|([^\x1b\r\n]+)")
ROWS = 40


@dataclass(slots=True)
class Screen:
    """The lines that a terminal of so many columns would show; colours are left out."""

    columns: int
    lines: list[str] = field(default_factory=lambda: [""])
    row: int = 0
    column: int = 0
    cursor_shown: bool = True
    wrapped: int = 0
    """How often a line was too long."""

    def feed(self, text: str) -> None:
        for match in _TOKEN.finditer(text):
            parameter, command, other, control, written = match.groups()
            if other:
                raise AssertionError(f"an escape that nobody should print: {other!r}")
            if command:
                self._act(parameter, command)
            elif control == "\r":
                self.column = 0
            elif control == "\n":
                self._down()
            else:
                self._write(written)

    def _act(self, parameter: str, command: str) -> None:
        match command, parameter:
            case "A", _:
                self.row = max(0, self.row - int(parameter or 1))
            case "K", "2":
                self.lines[self.row] = ""
            case "m", _:
                pass
            case "l" | "h", "?25":
                self.cursor_shown = command == "h"
            case _:
                raise AssertionError(f"what is {command!r} {parameter!r}?")

    def _down(self) -> None:
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append("")

    def _write(self, text: str) -> None:
        for character in text:
            if self.column == self.columns:
                self.wrapped += 1
                self.column = 0
                self._down()
            line = self.lines[self.row].ljust(self.column)
            after = line[self.column + 1 :]
            self.lines[self.row] = line[: self.column] + character + after
            self.column += 1

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines).rstrip("\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How a program ended, and what it wrote: to a pipe, and to a terminal."""

    code: int
    out: str
    raw: str
    screen: Screen


class Terminal:
    """Runs the program with its standard error in a terminal."""

    def __init__(self, folder: Path, *, columns: int = 100) -> None:
        self._folder = folder
        self._columns = columns

    def run(self, *arguments: str | Path, **environment: str) -> Shown:
        """Run modelpack to its end, reading what it writes meanwhile.

        The parent lets go of the program's end: else reading would never end. And
        it reads all the time: else the program would wait for it to.
        """
        ours, theirs = pty.openpty()
        size = struct.pack("HHHH", ROWS, self._columns, 0, 0)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
        process = subprocess.Popen(
            [sys.executable, "-m", "modelpack", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=theirs,
            cwd=self._folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self._folder / "home"),
                "TERM": "xterm-256color",
                "LC_ALL": "C.UTF-8",
                **environment,
            },
        )
        os.close(theirs)
        with process, os.fdopen(ours, "rb", buffering=0) as reader:
            raw = b""
            try:
                while block := reader.read(1 << 16):
                    raw += block
            except OSError:
                pass  # EIO: on Linux the end of a terminal that nobody writes to
            assert process.stdout is not None
            out = process.stdout.read().decode()
        screen = Screen(self._columns)
        text = raw.decode()
        screen.feed(text)
        return Shown(code=process.returncode, out=out, raw=text, screen=screen)
