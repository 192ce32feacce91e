"""The time, which is given, and parts of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Final

from modelpack.policy.cel.functions import Function, function
from modelpack.policy.cel.types import DURATION, STRING, TIMESTAMP

__all__ = ["time_functions"]

# Where Go counts from.
_BEGINNING: Final = dt.datetime(1, 1, 1, tzinfo=dt.UTC)


def _truncate(time: dt.datetime, step: dt.timedelta) -> dt.datetime:
    if step <= dt.timedelta():
        return time
    return time - (time - _BEGINNING) % step


def _to_cron(time: dt.datetime) -> str:
    weekday = time.isoweekday() % 7
    return f"{time.minute} {time.hour} {time.day} {time.month} {weekday}"


def time_functions(now: Callable[[], dt.datetime]) -> Sequence[Function]:
    """Return the functions; every look at the time is one at ``now``."""
    return (
        function("time.now", (), TIMESTAMP, now),
        function("time.truncate", (TIMESTAMP, DURATION), TIMESTAMP, _truncate),
        function("time.toCron", (TIMESTAMP,), STRING, _to_cron),
    )
