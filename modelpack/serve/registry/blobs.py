"""Blobs: HEAD, GET with ranges, DELETE (distribution-spec, "Pulling blobs")."""

from __future__ import annotations

import re
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.oci.digest import Digest
from modelpack.serve.registry.answer import Answer, Refused, parsed
from modelpack.serve.registry.call import Call

_RANGE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.ASCII)


def get(call: Call) -> Answer:
    """Answer HEAD and GET of a blob."""
    digest = parsed("DIGEST_INVALID", Digest.parse, call.target)
    extent = call.repositories.existing(call.name).find(digest)
    if extent is None:
        raise Refused(404, "BLOB_UNKNOWN", f"no blob {digest}")
    headers = {
        "Content-Type": "application/octet-stream",
        "Docker-Content-Digest": str(digest),
        "Accept-Ranges": "bytes",
        "ETag": f'"{digest}"',
    }
    part = _range(call.headers.get("Range", ""), extent.size)
    if part is None:
        return Answer(200, headers, file=extent, end=extent.size)
    start, end = part
    if start >= end:
        extent.close()
        raise Refused(
            416,
            "SIZE_INVALID",
            f"the blob has {extent.size} bytes",
            Content_Range=f"bytes */{extent.size}",
        )
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{extent.size}"
    return Answer(206, headers, file=extent, start=start, end=end)


def _range(header: str, size: int) -> tuple[int, int] | None:
    """Return the bytes that are asked for, if it is one range (RFC 9110, 14.2).

    An empty range cannot be satisfied. What is not understood is ignored.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match[1], match[2]
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(int(last) + 1, size) if last else size


def delete(call: Call) -> Answer:
    """Answer DELETE of a blob."""
    digest = parsed("DIGEST_INVALID", Digest.parse, call.target)
    try:
        call.repositories.existing(call.name).delete_blob(digest)
    except InvalidInput as error:
        raise Refused(405, "UNSUPPORTED", error.message) from error
    return Answer(202)
