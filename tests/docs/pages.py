"""What the documentation says that can be held to: commands, sessions, schemas."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
ADDRESS: Final = "127.0.0.1:5000"
"""Where the registry of every example is, as `modelpack registry serve` begins."""

_FENCE: Final = re.compile(r"^```([\w-]*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROMPT: Final = "$ "
_MORE: Final = "> "
_ELLIPSIS: Final = "…"
# One line for each file, in the order in which they happened to be done.
_PROGRESS: Final = re.compile(r"(?:pushed|pulled|exists|mounted|kept|resumed) +\d")


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a page, and what the page says that it prints."""

    command: str
    expected: tuple[str, ...]

    def matches(self, output: str) -> bool:
        """Whether this was printed; `…` stands for any text, alone for any lines."""
        lines = _settled(output.splitlines())
        pattern = "".join(map(_line_pattern, _settled(self.expected)))
        return re.fullmatch(pattern, "".join(f"{line}\n" for line in lines)) is not None

    @property
    def fails(self) -> bool:
        """Whether the page shows an error."""
        return any(line.startswith("error: ") for line in self.expected)


def pages() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> Iterator[str]:
    """Yield the fenced blocks of one language."""
    for match in _FENCE.finditer(page.read_text(encoding="utf-8")):
        if match[1] == language:
            yield match[2]


def steps(page: Path) -> list[Step]:
    """Return the commands of a page's ```console blocks, in order."""
    found: list[tuple[str, list[str]]] = []
    for block in blocks(page, "console"):
        if not block.startswith(_PROMPT):
            raise ValueError(f"{page.name}: a console block without a command")
        for line in block.splitlines():
            if line.startswith(_PROMPT):
                found.append((line.removeprefix(_PROMPT), []))
            elif line.startswith(_MORE) and found[-1][0].endswith("\\"):
                command = f"{found[-1][0]}\n{line.removeprefix(_MORE)}"
                found[-1] = (command, [])
            else:
                found[-1][1].append(line)
    return [Step(command, tuple(expected)) for command, expected in found]


def _settled(lines: list[str] | tuple[str, ...]) -> list[str]:
    """Sort each run of progress lines by the file's name."""
    settled: list[str] = []
    run: list[str] = []
    for line in lines:
        if _PROGRESS.match(line):
            run.append(line)
            continue
        settled += [*sorted(run, key=_name), line]
        run = []
    return settled + sorted(run, key=_name)


def _name(line: str) -> str:
    return line.rpartition("  ")[2]


def _line_pattern(line: str) -> str:
    if line == _ELLIPSIS:
        return r"(?:[^\n]*\n)*?"
    return re.escape(line).replace(_ELLIPSIS, r"[^\n]*") + r"\n"
