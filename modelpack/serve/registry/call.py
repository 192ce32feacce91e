"""One request, parsed: which endpoint it is for, and what it carries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Final
from urllib.parse import parse_qsl, unquote

from modelpack.oci.reference import parse_repository
from modelpack.serve.registry.answer import Refused, parsed
from modelpack.serve.registry.body import RequestBody
from modelpack.serve.registry.repositories import Repositories

# distribution-spec, "Endpoints". A name may have parts called like an endpoint;
# what comes last decides.
_ENDPOINTS: Final = (
    ("uploads", re.compile(r"/v2/(.+)/blobs/uploads/?")),
    ("upload", re.compile(r"/v2/(.+)/blobs/uploads/([^/]+)")),
    ("blob", re.compile(r"/v2/(.+)/blobs/([^/]+)")),
    ("manifest", re.compile(r"/v2/(.+)/manifests/([^/]+)")),
    ("referrers", re.compile(r"/v2/(.+)/referrers/([^/]+)")),
    ("tags", re.compile(r"/v2/(.+)/tags/list")),
    ("catalog", re.compile(r"/v2/_catalog")),
    ("ping", re.compile(r"/v2/?")),
)
_MAX_FIELDS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request: its endpoint, repository, target and query."""

    repositories: Repositories
    endpoint: str
    name: str
    target: str
    query: Mapping[str, list[str]]
    headers: Message
    body: RequestBody

    def asked(self, key: str) -> str:
        """Return the first value of a query parameter, or nothing."""
        return self.query.get(key, [""])[0]

    @classmethod
    def parse(
        cls,
        repositories: Repositories,
        target: str,
        headers: Message,
        body: RequestBody,
    ) -> Call:
        """Find the endpoint; refuse a name before anything touches the disk."""
        path, _, query = target.partition("?")
        path = unquote(path)
        for endpoint, pattern in _ENDPOINTS:
            match = pattern.fullmatch(path)
            if match is None:
                continue
            name, last = (*match.groups(), "", "")[:2]
            if name:
                parsed("NAME_INVALID", parse_repository, name)
            return cls(
                repositories=repositories,
                endpoint=endpoint,
                name=name,
                target=last,
                query=_query(query),
                headers=headers,
                body=body,
            )
        raise Refused(404, "UNSUPPORTED", "no such endpoint")


def _query(text: str) -> Mapping[str, list[str]]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError as error:
        raise Refused(414, "UNSUPPORTED", "too many parameters") from error
    found: dict[str, list[str]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found
