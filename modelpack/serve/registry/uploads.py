"""Uploads: POST, PATCH, PUT, GET, DELETE (distribution-spec, "Pushing blobs")."""

from __future__ import annotations

import re
from typing import Final

from modelpack.disk.layout.uploads import LayoutUpload
from modelpack.errors import ContentError
from modelpack.oci.digest import Digest
from modelpack.oci.reference import parse_repository
from modelpack.serve.registry.answer import Answer, Refused, parsed
from modelpack.serve.registry.call import Call

_CONTENT_RANGE: Final = re.compile(r"(?:bytes )?([0-9]{1,18})-([0-9]{1,18})", re.ASCII)
_ALGORITHMS: Final = ("", "sha256", "sha512")


def post(call: Call) -> Answer:
    """Start an upload, take a whole blob, or mount one."""
    if call.asked("digest-algorithm") not in _ALGORITHMS:
        raise Refused(400, "DIGEST_INVALID", "sha256 and sha512 are known here")
    if "mount" in call.query:
        digest = parsed("DIGEST_INVALID", Digest.parse, call.asked("mount"))
        if _mounted(call, digest):
            return _stored(call, digest)
    elif "digest" in call.query:
        digest = parsed("DIGEST_INVALID", Digest.parse, call.asked("digest"))
        with call.repositories.at(call.name).uploading() as upload:
            upload.extend(call.body.views())
            return _committed(call, upload, digest)
    return _progress(call, call.repositories.start(call.name), 202)


def _mounted(call: Call, digest: Digest) -> bool:
    origin = call.asked("from")
    if origin:
        parsed("NAME_INVALID", parse_repository, origin)
        holder = call.repositories.at(origin)
    else:
        # "The registry MAY treat the from parameter as optional."
        found = call.repositories.holder(digest)
        if found is None:
            return False
        holder = found
    return call.repositories.at(call.name).take_over(digest, holder)


def patch(call: Call) -> Answer:
    """Take the next chunk."""
    with call.repositories.session(call.name, call.target) as upload:
        _check_order(call, upload)
        upload.extend(call.body.views())
        return _progress(call, upload, 202)


def put(call: Call) -> Answer:
    """Take the last chunk, if there is one, and close the upload."""
    digest = parsed("DIGEST_INVALID", Digest.parse, call.asked("digest"))
    with call.repositories.session(call.name, call.target) as upload:
        _check_order(call, upload)
        upload.extend(call.body.views())
        answer = _committed(call, upload, digest)
        call.repositories.forget(call.name, call.target)
        return answer


def get(call: Call) -> Answer:
    """Say how far an upload got."""
    with call.repositories.session(call.name, call.target) as upload:
        return _progress(call, upload, 204)


def delete(call: Call) -> Answer:
    """Cancel an upload."""
    with call.repositories.session(call.name, call.target) as upload:
        upload.cancel()
        call.repositories.forget(call.name, call.target)
    return Answer(204)


def _check_order(call: Call, upload: LayoutUpload) -> None:
    """Refuse a chunk that does not begin where the last one ended."""
    header = call.headers.get("Content-Range")
    if header is None:
        return
    match = _CONTENT_RANGE.fullmatch(header.strip())
    if match is None:
        raise Refused(400, "BLOB_UPLOAD_INVALID", "Content-Range is not START-END")
    first, last = int(match[1]), int(match[2])
    if first != upload.offset:
        answer = _progress(call, upload, 416)
        raise Refused(
            416,
            "BLOB_UPLOAD_INVALID",
            f"the next byte is {upload.offset}",
            **{key.replace("-", "_"): value for key, value in answer.headers.items()},
        )
    if call.body.length not in (None, last - first + 1):
        raise Refused(400, "SIZE_INVALID", "Content-Range and Content-Length differ")


def _progress(call: Call, upload: LayoutUpload, status: int) -> Answer:
    # An empty upload has no last byte; "0-0" is what other registries say of it.
    return Answer(
        status,
        {
            "Location": f"/v2/{call.name}/blobs/uploads/{upload.session}",
            "Range": f"0-{max(0, upload.offset - 1)}",
            "Docker-Upload-UUID": upload.session,
        },
    )


def _committed(call: Call, upload: LayoutUpload, digest: Digest) -> Answer:
    try:
        upload.commit(digest)
    except ContentError as error:
        call.repositories.forget(call.name, upload.session)
        raise Refused(400, "DIGEST_INVALID", error.message) from error
    return _stored(call, digest)


def _stored(call: Call, digest: Digest) -> Answer:
    return Answer(
        201,
        {
            "Location": f"/v2/{call.name}/blobs/{digest}",
            "Docker-Content-Digest": str(digest),
        },
    )
