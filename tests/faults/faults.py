"""What can go wrong between a client and a registry: one class for each fault."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from io import BufferedReader
from typing import Self
from urllib.parse import urlsplit

PATIENCE = 20.0  # seconds until a test gives up on an event


class Cut(Exception):
    """The connection ends here; ``reset`` takes back what is still on its way."""

    def __init__(self, *, reset: bool = False) -> None:
        super().__init__()
        self.reset = reset


@dataclass(frozen=True, slots=True)
class Head:
    """The first line and the headers of a request or an answer."""

    line: str
    fields: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, reader: BufferedReader) -> Self | None:
        """Read up to the empty line; None where the connection has ended."""
        if not reader.peek(1)[:1].isalpha():
            return None  # the end, or the first byte of a TLS handshake
        lines = []
        while line := reader.readline(1 << 16):
            if not line.strip():
                break
            lines.append(line.decode("latin-1").rstrip("\r\n"))
        pairs = (line.partition(":") for line in lines[1:])
        return cls(lines[0], tuple((name, value.strip()) for name, _, value in pairs))

    def get(self, name: str) -> str:
        return next((v for n, v in self.fields if n.lower() == name.lower()), "")

    def having(self, name: str, value: str) -> Self:
        return replace(
            self.without(name), fields=(*self.without(name).fields, (name, value))
        )

    def without(self, name: str) -> Self:
        kept = tuple((n, v) for n, v in self.fields if n.lower() != name.lower())
        return replace(self, fields=kept)

    @property
    def method(self) -> str:
        return self.line.split(" ")[0]

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]

    @property
    def status(self) -> int:
        return int(self.line.split(" ")[1])

    @property
    def length(self) -> int:
        return int(self.get("Content-Length") or 0)

    def encoded(self) -> bytes:
        lines = [self.line, *(f"{name}: {value}" for name, value in self.fields)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the proxy says itself, in the registry's place."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def encoded(self) -> bytes:
        fields = {**self.headers, "Content-Length": str(len(self.body))}
        head = Head(f"HTTP/1.1 {self.status} Fault", tuple(fields.items()))
        return head.encoded() + self.body


class Fault:
    """Changes nothing; each fault overrides the moment at which it strikes."""

    def before(self, request: Head) -> Answer | None:
        """Answer in the registry's place, once the request's body is here."""
        del request
        return None

    def request(self, head: Head) -> Head:
        return head

    def sent(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Change the body on its way to the registry; ``Cut`` ends it."""
        return blocks

    def after(self, request: Head, response: Head) -> Answer | None:
        """Answer in the registry's place, although it has done as it was asked."""
        del request, response
        return None

    def response(self, head: Head) -> Head:
        return head

    def received(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Change the body on its way to the client; ``Cut`` ends it."""
        return blocks


@dataclass(frozen=True, slots=True)
class Several(Fault):
    """Faults that strike the same request; the first to answer has the word."""

    faults: tuple[Fault, ...]

    def before(self, request: Head) -> Answer | None:
        answers = (fault.before(request) for fault in self.faults)
        return next((answer for answer in answers if answer), None)

    def request(self, head: Head) -> Head:
        for fault in self.faults:
            head = fault.request(head)
        return head

    def sent(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        for fault in self.faults:
            blocks = fault.sent(blocks)
        return blocks

    def after(self, request: Head, response: Head) -> Answer | None:
        answers = (fault.after(request, response) for fault in self.faults)
        return next((answer for answer in answers if answer), None)

    def response(self, head: Head) -> Head:
        for fault in self.faults:
            head = fault.response(head)
        return head

    def received(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        for fault in self.faults:
            blocks = fault.received(blocks)
        return blocks


@dataclass(frozen=True, slots=True)
class Says(Fault):
    """The registry answers ``status``; ``done``: only after it has done its work."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    done: bool = False

    def before(self, request: Head) -> Answer | None:
        return None if self.done else self._answer(request)

    def after(self, request: Head, response: Head) -> Answer | None:
        del response
        return self._answer(request) if self.done else None

    def _answer(self, request: Head) -> Answer:
        body = b"" if request.method == "HEAD" else self.body
        return Answer(self.status, self.headers, body)


def forgets() -> Says:
    """Return a fault: the registry knows nothing of the upload."""
    return Says(404, body=b'{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}')


@dataclass(frozen=True, slots=True)
class CutsSent(Fault):
    """The connection is gone after ``count`` bytes of the request's body."""

    count: int

    def sent(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        yield from _first(blocks, self.count)
        raise Cut


@dataclass(frozen=True, slots=True)
class CutsReceived(Fault):
    """The connection is gone after ``count`` bytes of the answer's body."""

    count: int
    reset: bool = False

    def received(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        yield from _first(blocks, self.count)
        raise Cut(reset=self.reset)


class LosesAnswer(Fault):
    """The registry does as it was asked; its answer never arrives."""

    def after(self, request: Head, response: Head) -> Answer | None:
        del request, response
        raise Cut


@dataclass(frozen=True, slots=True)
class Takes(Fault):
    """The registry keeps ``count`` bytes of a chunk and answers 416."""

    count: int

    def sent(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        yield from _first(blocks, self.count)
        for _ in blocks:
            pass

    def request(self, head: Head) -> Head:
        first = int(head.get("Content-Range").partition("-")[0])
        return head.having("Content-Length", str(self.count)).having(
            "Content-Range", f"{first}-{first + self.count - 1}"
        )

    def after(self, request: Head, response: Head) -> Answer | None:
        del request
        kept = {name: response.get(name) for name in ("Location", "Range")}
        return Answer(416, kept)


@dataclass(frozen=True, slots=True)
class Flips(Fault):
    """One byte of the answer's body is another one."""

    at: int

    def received(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        position = 0
        for block in blocks:
            at = self.at - position
            position += len(block)
            if 0 <= at < len(block):
                yield block[:at] + bytes([block[at] ^ 1]) + block[at + 1 :]
            else:
                yield block


@dataclass(frozen=True, slots=True)
class Resizes(Fault):
    """The answer's body is ``by`` bytes longer or shorter; its length may say so."""

    by: int
    announced: bool

    def response(self, head: Head) -> Head:
        if not self.announced:
            return head
        return head.having("Content-Length", str(head.length + self.by))

    def received(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        whole = b"".join(blocks)
        yield whole[: len(whole) + min(self.by, 0)] + bytes(max(self.by, 0))
        if not self.announced:
            raise Cut


class IgnoresRange(Fault):
    """The registry answers 200 with the whole blob."""

    def request(self, head: Head) -> Head:
        return head.without("Range")


@dataclass(frozen=True, slots=True)
class ShiftsRange(Fault):
    """The registry answers 206 with a range that nobody asked for."""

    by: int

    def request(self, head: Head) -> Head:
        first, _, last = head.get("Range").removeprefix("bytes=").partition("-")
        return head.having(
            "Range", f"bytes={int(first) + self.by}-{int(last) + self.by}"
        )


@dataclass(frozen=True, slots=True)
class Redirects(Fault):
    """The blob is on another host."""

    url: str
    status: int = 307

    def before(self, request: Head) -> Answer | None:
        return Answer(self.status, {"Location": f"{self.url}{request.target}"})


@dataclass(frozen=True, slots=True)
class MovesUpload(Fault):
    """The upload goes on at another host."""

    url: str

    def response(self, head: Head) -> Head:
        parts = urlsplit(head.get("Location"))
        path = parts._replace(scheme="", netloc="").geturl()
        return head.having("Location", f"{self.url}{path}")


class Holds(Fault):
    """The request waits until it is let go; ``done``: only its answer waits."""

    def __init__(self, *, done: bool = False) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()
        self._done = done

    def before(self, request: Head) -> Answer | None:
        del request
        if not self._done:
            self._hold()
        return None

    def after(self, request: Head, response: Head) -> Answer | None:
        del request, response
        if self._done:
            self._hold()
        return None

    def _hold(self) -> None:
        self.reached.set()
        self.open.wait(PATIENCE)


class Gate(Fault):
    """Lets ``limit`` bytes of bodies through, and holds the rest until it opens."""

    def __init__(self, limit: int) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()
        self._left = limit
        self._lock = threading.Lock()

    def sent(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        for block in blocks:
            at = 0
            while at < len(block):
                count = self._take(len(block) - at)
                if not count:
                    self.reached.set()
                    self.open.wait(PATIENCE)
                    count = len(block) - at
                yield block[at : at + count]
                at += count

    received = sent

    def _take(self, wanted: int) -> int:
        with self._lock:
            count = min(wanted, self._left)
            self._left -= count
            return count


def _first(blocks: Iterator[bytes], count: int) -> Iterator[bytes]:
    for block in blocks:
        yield block[:count]
        count -= len(block)
        if count <= 0:
            return
