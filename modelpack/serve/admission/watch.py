"""Files that change under a running server: read again when they do."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self


def contents(paths: Iterable[Path]) -> str:
    """Return a hash of what files, and the files in folders, hold now."""
    found = hashlib.sha256()
    for path in sorted(paths):
        inner = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in inner:
            if file.is_file():
                content = file.read_bytes()
                found.update(f"{file}\0{len(content)}\0".encode() + content)
    return found.hexdigest()


@dataclass(slots=True)
class Watched:
    """``load`` is called when ``paths`` hold something else than at the last time.

    ``seen`` is what they held before they were loaded first.

    What it raises is kept in ``fault``, and what was loaded before stays in use: half
    of a change must neither open the door nor shut it for everybody.
    """

    name: str
    paths: Sequence[Path]
    load: Callable[[], None]
    seen: str
    fault: str = ""

    def look(self) -> bool | None:
        """Return whether a change was loaded; None where there was none."""
        try:
            now = contents(self.paths)
            if now == self.seen:
                return None
            self.load()
        # Files come from outside, and parsers of others read them: an error that nobody
        # thought of must be seen as a fault, not end the watch without a word.
        except Exception as error:  # noqa: BLE001 - see above
            self.fault = f"{self.name}: {str(error) or type(error).__name__}"
            return False
        self.seen, self.fault = now, ""
        return True


class Watcher:
    """Looks every few seconds, in a thread of its own."""

    def __init__(
        self,
        watched: Sequence[Watched],
        seconds: float,
        told: Callable[[Watched, bool], None],
    ) -> None:
        self._watched = watched
        self._seconds = seconds
        self._told = told
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(self._seconds):
            for each in self._watched:
                before = each.fault
                loaded = each.look()
                if loaded or (loaded is False and each.fault != before):
                    # Whoever cannot be told must not end the watch; `fault` stays.
                    with suppress(Exception):
                        self._told(each, loaded)
