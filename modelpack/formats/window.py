"""The one way a parser reads: a bounded window over bytes it does not own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from modelpack.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Window:
    """``size`` bytes that are fetched only when read.

    ``read_at(offset, count)`` returns exactly ``count`` bytes, from a file or
    from ranged requests; whoever makes the window answers for that. ``name``
    goes into errors.
    """

    name: str
    size: int
    read_at: Callable[[int, int], bytes]

    def read(self, offset: int, count: int) -> bytes:
        """Return ``count`` bytes at ``offset``, or raise ``InvalidInput``."""
        if offset < 0 or count < 0 or offset + count > self.size:
            raise InvalidInput(
                f"wants bytes {offset} to {offset + count} of {self.size}",
                where=self.name,
            )
        data = self.read_at(offset, count)
        if len(data) != count:
            raise InvalidInput(
                f"only {len(data)} of {count} bytes at {offset}", where=self.name
            )
        return data

    @classmethod
    def of(cls, data: bytes, name: str = "data") -> Window:
        """Look at bytes already in memory."""
        return cls(name, len(data), lambda offset, count: data[offset : offset + count])
