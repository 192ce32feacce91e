"""Manifests: PUT, GET, HEAD, DELETE (distribution-spec, "Pushing Manifests")."""

from __future__ import annotations

from collections.abc import Sequence

from modelpack.disk.layout.directory import MissingChild
from modelpack.errors import InvalidInput
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import MAX_BYTES, Document, Index, Manifest, parse_any
from modelpack.oci.reference import parse_tag
from modelpack.serve.registry.answer import Answer, Refused, parsed
from modelpack.serve.registry.call import Call


def get(call: Call) -> Answer:
    """Answer HEAD and GET of a manifest."""
    store = call.repositories.existing(call.name)
    # The digest it was pushed under; that need not be a sha256.
    digest = store.resolve(_selector(call)).digest
    document = store.get_manifest(digest)
    return Answer(
        200,
        {
            "Content-Type": document.media_type,
            "Docker-Content-Digest": str(digest),
            "ETag": f'"{digest}"',
        },
        document.raw,
    )


def put(call: Call) -> Answer:
    """Store a manifest whose children are there, under a digest and tags."""
    selector = _selector(call)
    raw = call.body.read(MAX_BYTES)
    digest = _digest(call, raw)
    tags = [selector] if isinstance(selector, str) else call.query.get("tag", [])
    for tag in tags:
        parsed("MANIFEST_INVALID", parse_tag, tag)
    claimed = call.headers.get("Content-Type", "").partition(";")[0].strip()
    document = Document(raw, claimed)
    manifest = _parse(document)
    if claimed not in ("", manifest.media_type):
        raise Refused(
            400, "MANIFEST_INVALID", f"the manifest's type is {manifest.media_type}"
        )
    try:
        call.repositories.at(call.name).keep_manifest(document, digest, tags)
    except MissingChild as error:
        raise Refused(400, "MANIFEST_BLOB_UNKNOWN", error.message) from error
    return Answer(201, _stored(call, digest, manifest, tags))


def _parse(document: Document) -> Manifest | Index:
    try:
        return parse_any(document)
    except InvalidInput as error:
        raise Refused(400, "MANIFEST_INVALID", str(error)) from error


def _stored(
    call: Call, digest: Digest, manifest: Manifest | Index, tags: Sequence[str]
) -> dict[str, str]:
    headers = {
        "Location": f"/v2/{call.name}/manifests/{digest}",
        "Docker-Content-Digest": str(digest),
    }
    if manifest.subject is not None:
        # So that the client need not keep a list under the fallback tag.
        headers["OCI-Subject"] = str(manifest.subject.digest)
    if "tag" in call.query and tags:
        headers["OCI-Tag"] = ", ".join(tags)
    return headers


def delete(call: Call) -> Answer:
    """Remove a tag, or a manifest with all its tags."""
    call.repositories.existing(call.name).delete(_selector(call))
    return Answer(202)


def _selector(call: Call) -> str | Digest:
    if ":" in call.target:
        return parsed("DIGEST_INVALID", Digest.parse, call.target)
    return parsed("MANIFEST_INVALID", parse_tag, call.target)


def _digest(call: Call, raw: bytes) -> Digest:
    """Return the digest of the bytes, and refuse another that was promised."""
    selector = _selector(call)
    if isinstance(selector, str):
        return Digest.of(raw)
    hasher = selector.hasher()
    hasher.update(raw)
    if hasher.hexdigest() != selector.hex:
        raise Refused(400, "DIGEST_INVALID", f"the bytes do not have {selector}")
    return selector
