"""Lists: tags, repositories, referrers (distribution-spec, "Content Discovery")."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import INDEX, MAX_BYTES, Index, compact
from modelpack.serve.registry.answer import Answer, Refused, parsed
from modelpack.serve.registry.call import Call

_JSON: Final = {"Content-Type": "application/json"}
_MAX_COUNT_DIGITS: Final = 9
_MAX_REFERRERS: Final = 1000
_MARGIN: Final = 1024  # bytes of an index around its list


def ping(_call: Call) -> Answer:
    """Say that this is a registry."""
    return Answer(200, _JSON, b"{}")


def tags(call: Call) -> Answer:
    """List the tags of a repository."""
    found = call.repositories.existing(call.name).tags()
    page, headers = _page(call, found, f"/v2/{call.name}/tags/list")
    return Answer(200, headers, compact({"name": call.name, "tags": page}))


def catalog(call: Call) -> Answer:
    """List all repositories."""
    page, headers = _page(call, call.repositories.names(), "/v2/_catalog")
    return Answer(200, headers, compact({"repositories": page}))


def _page(
    call: Call, names: Sequence[str], path: str
) -> tuple[Sequence[str], dict[str, str]]:
    rest = names[bisect.bisect_right(names, call.asked("last")) :]
    if "n" not in call.query:
        return rest, dict(_JSON)
    text = call.asked("n")
    if not (text.isascii() and text.isdigit()) or len(text) > _MAX_COUNT_DIGITS:
        raise Refused(400, "UNSUPPORTED", "n is not a number")
    page = rest[: int(text)]
    if not page or len(page) == len(rest):
        return page, dict(_JSON)
    return page, {**_JSON, **_link(path, {"n": text, "last": page[-1]})}


def _link(path: str, query: dict[str, str]) -> dict[str, str]:
    return {"Link": f'<{path}?{urlencode(query)}>; rel="next"'}


def referrers(call: Call) -> Answer:
    """List what is attached to a manifest; empty where nothing is known of it."""
    subject = parsed("DIGEST_INVALID", Digest.parse, call.target)
    kind = call.asked("artifactType")
    store = call.repositories.at(call.name)
    found = sorted(store.referrers(subject, kind), key=lambda d: str(d.digest))
    rest = [d for d in found if str(d.digest) > call.asked("last")]
    page = _fitting(rest)
    headers = {"Content-Type": INDEX}
    query = {}
    if kind:
        headers["OCI-Filters-Applied"] = "artifactType"
        query["artifactType"] = kind
    if len(page) < len(rest):
        query["last"] = str(page[-1].digest)
        headers |= _link(f"/v2/{call.name}/referrers/{subject}", query)
    return Answer(200, headers, Index.build(tuple(page)).raw)


def _fitting(found: Sequence[Descriptor]) -> Sequence[Descriptor]:
    """Return as many as one index may hold, but at least one."""
    room = MAX_BYTES - _MARGIN
    for count, descriptor in enumerate(found[:_MAX_REFERRERS]):
        room -= len(compact(descriptor.document())) + 1
        if room < 0:
            return found[: max(1, count)]
    return found[:_MAX_REFERRERS]
