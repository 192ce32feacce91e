"""A request that is not even asked about: it is wrong, too much, or for another."""

from __future__ import annotations


class BadRequest(Exception):
    """Whoever sent this is told so by an HTTP status; it is never a pass."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
