"""What an interrupted pull had written: its journal, and how far it is believed."""

from __future__ import annotations

import contextlib
import json
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from modelpack.disk.local import OPEN_OWN, local_error
from modelpack.errors import InvalidInput
from modelpack.oci.fields import Fields

_MAX_BYTES: Final = 64 << 20


class Journal:
    """Which ranges of which pieces were written; one JSON object a line.

    A line that a kill cut short, or that anything else has damaged, ends the
    reading there: less is known, nothing is believed too much.
    """

    def __init__(self, path: Path) -> None:
        self._ranges: dict[str, list[tuple[int, int]]] = defaultdict(list)
        try:
            self._fd = os.open(path, OPEN_OWN | os.O_APPEND, 0o600)
            for line in os.pread(self._fd, _MAX_BYTES, 0).splitlines():
                self._take(line)
        except OSError as error:
            raise local_error(error, path) from error
        except InvalidInput:
            os.ftruncate(self._fd, 0)
            for key, ranges in self._ranges.items():
                for start, end in ranges:
                    self.append({"piece": key, "start": start, "end": end})

    def _take(self, line: bytes) -> None:
        fields = Fields.of_json(line)
        key, start, end = (
            fields.text("piece"),
            fields.count("start"),
            fields.count("end"),
        )
        if start < end:
            self._ranges[key].append((start, end))
        else:
            self._ranges.pop(key, None)

    def ranges(self, key: str, size: int) -> Sequence[tuple[int, int]]:
        return [(s, e) for s, e in self._ranges.get(key, ()) if e <= size]

    def forget(self, key: str) -> None:
        """Note that nothing of a piece is there."""
        self._ranges.pop(key, None)
        self.append({"piece": key, "start": 0, "end": 0})

    def append(self, entry: dict[str, str | int]) -> None:
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        # A journal that cannot be written costs a resume, never the pull.
        with contextlib.suppress(OSError):
            os.write(self._fd, line)

    def close(self) -> None:
        os.close(self._fd)
