"""One blob on its way into a registry (distribution-spec, "Pushing blobs").

The chunks of a blob travel in order, each in one PATCH; the registry says after
each how much it holds. After any failure it is asked, and the upload goes on
from its answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import urllib3

from modelpack.errors import ContentError, ModelpackError, NotFound, RegistryError
from modelpack.oci.digest import Digest
from modelpack.oci.patience import Patience
from modelpack.oci.store import Blocks
from modelpack.registry.http import Http, Request

_RANGE: Final = re.compile(r"(?:bytes=)?0-(\d{1,19})", re.ASCII)
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_OCTETS: Final = "application/octet-stream"


class RegistryUpload:
    """Implements ``Upload``. ``smallest_chunk`` is the registry's own minimum."""

    def __init__(
        self, http: Http, patience: Patience, session: str, smallest_chunk: int = 0
    ) -> None:
        self._http = http
        self._patience = patience
        self.session = session
        self.offset = 0
        self.smallest_chunk = smallest_chunk

    def append(self, blocks: Blocks, size: int) -> None:
        start = self.offset
        answer = self._http.call(
            Request(
                method="PATCH",
                url=self.session,
                headers={
                    "Content-Type": _OCTETS,
                    "Content-Length": str(size),
                    "Content-Range": f"{start}-{start + size - 1}",
                },
                body=blocks(start, start + size),
                # The specification says 202; some registries say 204 or 201.
                expect=(202, 201, 204),
            )
        )
        self._moved(answer, default=start + size)

    def sync(self) -> int:
        def ask() -> urllib3.HTTPResponse:
            request = Request(method="GET", url=self.session, expect=(204, 202, 200))
            return self._http.call(request)

        try:
            answer = self._patience.run(ask)
        except RegistryError as error:
            # 400 and 416: the session is there, but no longer as we know it.
            if error.status in (400, 404, 405, 410, 416):
                raise NotFound(f"forgot the upload ({error})", status=404) from error
            raise
        self._moved(answer, default=None)
        return self.offset

    def _moved(self, answer: urllib3.HTTPResponse, *, default: int | None) -> None:
        """Take over the session's new address and how far the registry got."""
        if answer.headers.get("Location"):
            self.session = self._http.locate(answer, self.session)
        told = _RANGE.fullmatch(answer.headers.get("Range", "").strip())
        if told is not None:
            # "0-0" is what some registries say of an empty upload, and what it
            # must be after one byte; a chunk of one byte is not worth the doubt.
            last = int(told[1])
            self.offset = last + 1 if last else 0
            if not last and default == 1:
                self.offset = 1
        elif default is not None:
            self.offset = default
        else:
            raise NotFound("does not say how much of the upload it has", status=404)

    def commit(self, digest: Digest) -> None:
        request = Request(
            method="PUT",
            url=with_query(self.session, digest=str(digest)),
            headers={"Content-Length": "0", "Content-Type": _OCTETS},
            expect=(201, 204),
        )
        with other_bytes_refused(digest):
            self._patience.run(lambda: self._http.call(request))

    def cancel(self) -> None:
        try:
            self._http.call(
                Request(method="DELETE", url=self.session, expect=(204, 202, 200, 404))
            )
        except ModelpackError:
            return  # registries forget old uploads by themselves


@contextmanager
def other_bytes_refused(digest: Digest) -> Iterator[None]:
    """Raise ``ContentError`` where a registry refuses bytes for their digest."""
    try:
        yield
    except RegistryError as error:
        # distribution-spec, "Error Codes": DIGEST_INVALID. Olareg says
        # BLOB_UPLOAD_INVALID, which may mean anything; but where it means this,
        # it names the digest of what it has received.
        received = _DIGEST.search(error.detail)
        named = received is not None and received[0] != str(digest)
        if error.code == "DIGEST_INVALID" or (
            error.code == "BLOB_UPLOAD_INVALID" and named
        ):
            raise ContentError(
                f"{digest}: the registry has received other bytes"
            ) from error
        raise


def with_query(url: str, **more: str) -> str:
    """Add to a URL's query; what the registry put there stays as it is."""
    parts = urlsplit(url)
    kept = [
        (k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k in more
    ]
    if kept:
        raise RegistryError("the upload's location already names a digest", where=url)
    query = "&".join(filter(None, (parts.query, urlencode(more))))
    return parts._replace(query=query).geturl()
