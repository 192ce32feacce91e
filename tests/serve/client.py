"""Requests as a client of the distribution-spec writes them, one by one."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import urllib3

from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import EMPTY_JSON, MANIFEST, Manifest

OCTETS = "application/octet-stream"
KIND = "application/vnd.example.kind"


@dataclass(frozen=True, slots=True)
class Client:
    """Asks one registry. Every answer is read whole."""

    pool: urllib3.PoolManager
    root: str

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> urllib3.BaseHTTPResponse:
        root = self.root.removesuffix("/v2") if path.startswith("/v2") else self.root
        return self.pool.request(
            method, root + path, body=body, headers=headers, redirect=False
        )

    def begin(self, name: str = "team/model") -> str:
        answer = self.ask("POST", f"/{name}/blobs/uploads/")
        assert answer.status == 202
        return answer.headers["Location"]

    def push_blob(self, content: bytes, name: str = "team/model") -> Descriptor:
        path = f"/{name}/blobs/uploads/?digest={Digest.of(content)}"
        assert self.ask("POST", path, content).status == 201
        return Descriptor.of(content, OCTETS)

    def push(
        self,
        content: bytes,
        tag: str = "",
        *,
        name: str = "team/model",
        kind: str = KIND,
        subject: Descriptor | None = None,
    ) -> Manifest:
        self.push_blob(b"{}", name)
        made = Manifest.build(
            artifact_type=kind,
            config=Descriptor.of(b"{}", EMPTY_JSON),
            layers=(self.push_blob(content, name),),
            subject=subject,
        )
        answer = self.put(made.raw, tag or str(made.descriptor.digest), name)
        assert answer.status == 201
        return made

    def put(
        self,
        raw: bytes,
        reference: str,
        name: str = "team/model",
        media_type: str = MANIFEST,
    ) -> urllib3.BaseHTTPResponse:
        path = f"/{name}/manifests/{reference}"
        return self.ask("PUT", path, raw, {"Content-Type": media_type})


def code(answer: urllib3.BaseHTTPResponse) -> str:
    """Return the one error code of an answer."""
    (error,) = json.loads(answer.data)["errors"]
    assert isinstance(error["code"], str)
    assert re.fullmatch(r"[A-Z_]+", error["code"])
    return error["code"]


@dataclass(frozen=True, slots=True)
class Raw:
    """A connection on which anything can be said."""

    connection: socket.socket

    def say(self, *parts: bytes) -> None:
        self.connection.sendall(b"".join(parts))

    def hear(self) -> tuple[int, bytes]:
        """Return the status and head of one answer, and leave its body out."""
        received = b""
        while b"\r\n\r\n" not in received:
            block = self.connection.recv(4096)
            if not block:
                break
            received += block
        head, _, rest = received.partition(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        left = int(length[1]) - len(rest) if length else 0
        while left > 0:
            left -= len(self.connection.recv(left))
        return (int(head.split()[1]) if head else 0), head

    def is_closed(self) -> bool:
        """Whether the other side ends the connection."""
        try:
            return self.connection.recv(1) == b""
        except ConnectionError:
            return True
