"""What the registry says: answers as values, and the errors of the specification."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from modelpack.disk.layout.extent import Extent
from modelpack.errors import InvalidInput, ModelpackError, NotFound
from modelpack.oci.manifest import compact

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. Its body is ``content``, or bytes ``start`` to ``end`` of a file.

    Whoever sends the answer closes the file.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    file: Extent | None = None
    start: int = 0
    end: int = 0

    @property
    def length(self) -> int:
        return len(self.content) if self.file is None else self.end - self.start


class Refused(Exception):
    """A request that gets an answer other than it hoped for."""

    def __init__(
        self, status: int, code: str, message: str, **headers: str | int
    ) -> None:
        super().__init__(message)
        self.answer = failure(
            status,
            code,
            message,
            {k.replace("_", "-"): str(headers[k]) for k in headers},
        )


def failure(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> Answer:
    """Write an error as the specification wants it ("Error Codes")."""
    errors = {"errors": [{"code": code, "message": message}]}
    return Answer(
        status,
        {"Content-Type": "application/json", **(headers or {})},
        compact(errors),
    )


def failed(error: ModelpackError) -> Answer:
    """Say that something is not there, or that the fault is the registry's own."""
    if isinstance(error, NotFound):
        return failure(404, error.code or "BLOB_UNKNOWN", error.message)
    # Where on our disk it happened is nothing for a client.
    return failure(500, "UNKNOWN", error.message)


def parsed(code: str, parse: Callable[[str], T], text: str) -> T:
    """Parse what a client sent, or refuse it with ``code``."""
    try:
        return parse(text)
    except InvalidInput as error:
        raise Refused(400, code, str(error)) from error
