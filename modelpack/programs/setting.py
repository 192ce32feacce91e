"""What all programs are run with, and how their JSON is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from modelpack.errors import InvalidInput, LocalError
from modelpack.oci.fields import Fields
from modelpack.programs.process import Bounds, Finished, run

__all__ = ["Setting", "answered"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """``program`` is where it is, where that is said; else it is looked for in PATH."""

    environment: Mapping[str, str]
    program: str = ""
    bounds: Bounds = field(default_factory=Bounds)
    check: Callable[[], None] = lambda: None

    def run(
        self, *command: str | Path, folder: Path, more: Mapping[str, str] | None = None
    ) -> Finished:
        """Run a program by these rules."""
        return run(
            command,
            folder=folder,
            environment=self.environment,
            more=more,
            bounds=self.bounds,
            check=self.check,
        )

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Make a folder of its own for one run."""
        with TemporaryDirectory(prefix="modelpack-") as made:
            yield Path(made)


def answered(finished: Finished, name: str, read: Callable[[Fields], T]) -> T:
    """Return what is read from the JSON object that a program has printed."""
    try:
        return read(Fields.of_json(finished.output))
    except InvalidInput as error:
        raise LocalError(
            f"gives no answer that can be read ({error}): {finished.told()}",
            where=name,
        ) from error
