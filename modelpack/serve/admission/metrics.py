"""What Prometheus scrapes: counters and one histogram, in its text format 0.0.4."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

_PREFIX: Final = "modelpack_admission"
_BUCKETS: Final = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0)
_HELP: Final = {
    "requests_total": "Answers, by door and outcome.",
    "answers_total": "Where answers came from: judged, kept, shared, not asked.",
    "rejected_requests_total": "Requests that were wrong or too large, by status.",
    "reloads_total": "Times that policies or certificates were read, by success.",
}


class Metrics:
    """Counts, from many threads. ``gauges`` are asked when somebody looks."""

    def __init__(self) -> None:
        self.gauges: dict[str, Callable[[], float]] = {}
        self._counts: Counter[tuple[str, tuple[tuple[str, str], ...]]] = Counter()
        self._buckets = [0] * (len(_BUCKETS) + 1)
        self._sum = 0.0
        self._lock = threading.Lock()

    def count(self, name: str, **labels: str) -> None:
        """Add one."""
        with self._lock:
            self._counts[name, tuple(sorted(labels.items()))] += 1

    def took(self, seconds: float) -> None:
        """Note how long an answer took."""
        with self._lock:
            self._buckets[bisect_left(_BUCKETS, seconds)] += 1
            self._sum += seconds

    def text(self) -> str:
        """Return all of it."""
        with self._lock:
            return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        for name, about in _HELP.items():
            yield f"# HELP {_PREFIX}_{name} {about}"
            yield f"# TYPE {_PREFIX}_{name} counter"
            for (counted, labels), value in sorted(self._counts.items()):
                if counted == name:
                    inner = ",".join(f'{key}="{text}"' for key, text in labels)
                    yield f"{_PREFIX}_{name}{{{inner}}} {value}"
        yield f"# HELP {_PREFIX}_duration_seconds How long an answer took."
        yield f"# TYPE {_PREFIX}_duration_seconds histogram"
        total = 0
        for limit, count in zip((*_BUCKETS, "+Inf"), self._buckets, strict=True):
            total += count
            yield f'{_PREFIX}_duration_seconds_bucket{{le="{limit}"}} {total}'
        yield f"{_PREFIX}_duration_seconds_sum {self._sum:.6f}"
        yield f"{_PREFIX}_duration_seconds_count {total}"
        for name, ask in sorted(self.gauges.items()):
            yield f"# TYPE {_PREFIX}_{name} gauge"
            yield f"{_PREFIX}_{name} {ask():g}"
