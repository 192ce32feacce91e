"""Which failures pass by waiting, and how long to wait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from modelpack.errors import RegistryError

T = TypeVar("T")

# 0: no answer at all. 401 from a stream: the credentials were renewed, but the
# body was already on its way and has to be sent again. 416: out of step; the
# next try asks the store where to go on.
_PASSING: Final = frozenset({0, 401, 408, 416, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to try again. Pure: ``wait`` sleeps, or a test counts.

    ``wait(seconds, error)`` returns when it is time for the next try, or raises
    to give up at once.
    """

    wait: Callable[[float, RegistryError], None]
    tries: int = 5
    first: float = 0.25
    longest: float = 60.0

    def run(self, action: Callable[[], T]) -> T:
        """Do ``action`` until it succeeds, fails for good, or fails too often."""
        for attempt in range(self.tries - 1):
            try:
                return action()
            except RegistryError as error:
                self.pause(attempt, error)
        return action()

    def pause(self, attempt: int, error: RegistryError) -> None:
        """Wait as the ``attempt``-th failure in a row asks for, or re-raise it."""
        if error.status not in _PASSING or attempt >= self.tries - 1:
            raise error
        seconds = self.first * 2**attempt
        if error.retry_after is not None:
            if error.retry_after > self.longest:
                raise error
            seconds = max(seconds, error.retry_after)
        self.wait(min(seconds, self.longest), error)
