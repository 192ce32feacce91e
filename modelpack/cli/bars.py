"""Progress where standard error is a terminal: a bar for each file, one for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from modelpack.cli.text import human, plain
from modelpack.transfer.progress import (
    Began,
    Done,
    Event,
    Listener,
    Moved,
    Planned,
    Restarted,
)

_NAME: Final = 40  # "total, 1.2 GiB resumed, 3.4 GiB skipped"
_SHORT_NAME: Final = 16
_BAR: Final = 24
_SHORT_BAR: Final = 6
_NUMBERS: Final = 43  # "123.4 MiB of 567.8 MiB 123.4 MiB/s 1:02:03", and its gaps
_FEW_NUMBERS: Final = 14  # "100% 1:02:03"


@contextmanager
def bars(lines: Callable[[Callable[[str], None]], Listener]) -> Iterator[Listener]:
    """Show bars; ``lines`` makes who writes a line above them for what is done."""
    console = Console(stderr=True)
    shape = Shape.of(console.width)
    with Progress(*shape.columns(), console=console, transient=True) as shown:
        write = lines(lambda line: console.out(plain(line), highlight=False))
        yield Bars(shown, write, shape.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What fits into a terminal: how wide a name and a bar may be, which numbers."""

    name: int
    bar: int
    all_numbers: bool

    @classmethod
    def of(cls, width: int) -> Self:
        """Numbers matter more than the bar, and the bar more than a long name."""
        rest = width - _NUMBERS
        all_numbers = rest > _SHORT_NAME + _SHORT_BAR
        if not all_numbers:
            rest = max(0, width - _FEW_NUMBERS)
        name = min(rest, max(_SHORT_NAME, min(_NAME, rest - _BAR - 1)))
        bar = min(_BAR, rest - name - 1)
        return cls(
            name=name, bar=bar if bar >= _SHORT_BAR else 0, all_numbers=all_numbers
        )

    def columns(self) -> Iterator[ProgressColumn]:
        """Yield the columns; none of them is ever broken into two lines."""
        yield TextColumn(
            "{task.description}", markup=False, table_column=_narrow(self.name)
        )
        if self.bar:
            yield BarColumn(self.bar, table_column=Column(width=self.bar))
        if self.all_numbers:
            yield _Sizes(_narrow())
            yield _Rate(_narrow())
        else:
            yield TextColumn("{task.percentage:>3.0f}%", table_column=_narrow())
        yield TimeRemainingColumn(compact=True, table_column=_narrow())


def _narrow(most: int | None = None) -> Column:
    return Column(no_wrap=True, max_width=most, overflow="ellipsis")


class _Sizes(ProgressColumn):
    """How much of how much."""

    def render(self, task: Task) -> Text:
        return Text(
            f"{human(task.completed)} of {human(task.total or 0)}",
            style="progress.download",
        )


class _Rate(ProgressColumn):
    """Bytes a second, as they went lately."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        told = f"{human(speed)}/s" if speed else ""
        return Text(told, style="progress.data.speed")


class Bars:
    """A bar for each file under way, one for all, and a line for each one done."""

    def __init__(self, shown: Progress, lines: Listener, name: int) -> None:
        self._shown = shown
        self._name = name
        self._lines = lines
        self._all: TaskID | None = None
        self._tasks: dict[str, TaskID] = {}
        self._resumed = 0
        self._skipped = 0

    def __call__(self, event: Event) -> None:
        self._show(event)
        if not isinstance(event, Moved) or event.resumed:
            self._lines(event)

    def _show(self, event: Event) -> None:
        match event:
            case Planned():
                self._all = self._shown.add_task("total", total=event.size)
            case Began():
                self._tasks[event.name] = self._shown.add_task(
                    _end_of(plain(event.name), self._name),
                    total=event.size,
                    visible=False,
                )
            case Moved(resumed=True):
                self._resume(event)
            case Moved():
                self._advance(event)
            case Restarted():
                self._set(event.name, event.offset)
            case Done():
                self._done(event)
            case _:
                pass

    def _resume(self, event: Moved) -> None:
        """Count what was here before, as nothing that this run was fast at."""
        self._resumed += event.count
        self._set(event.name, self._task(event.name).completed + event.count)

    def _advance(self, event: Moved) -> None:
        task = self._tasks[event.name]
        self._shown.update(task, advance=event.count, visible=True)
        if self._all is not None:
            self._shown.update(self._all, advance=event.count)

    def _set(self, name: str, completed: float) -> None:
        task = self._task(name)
        if completed == task.completed:
            return
        if self._all is not None:
            total = self._shown.tasks[0]
            at = total.completed + completed - task.completed
            self._shown.reset(self._all, completed=int(at), total=total.total)
            self._describe_all()
        self._shown.reset(task.id, completed=int(completed), total=task.total)

    def _done(self, event: Done) -> None:
        if event.name not in self._tasks:
            return  # it was kept, and not part of what was planned
        task = self._task(event.name)
        missing = event.size - task.completed
        if event.how != "moved" and self._all is not None:
            self._skipped += int(missing)
            total = (self._shown.tasks[0].total or 0) - missing
            self._shown.update(self._all, total=total)
            self._describe_all()
        self._shown.remove_task(self._tasks.pop(event.name))

    def _describe_all(self) -> None:
        counts = ((self._resumed, "resumed"), (self._skipped, "skipped"))
        told = [f"{human(count)} {what}" for count, what in counts if count]
        if self._all is not None:
            self._shown.update(self._all, description=", ".join(("total", *told)))

    def _task(self, name: str) -> Task:
        wanted = self._tasks[name]
        return next(task for task in self._shown.tasks if task.id == wanted)


def _end_of(name: str, most: int) -> str:
    """Keep the end of a long name, which tells shards apart."""
    return name if len(name) <= most else f"…{name[len(name) - most + 1 :]}"
