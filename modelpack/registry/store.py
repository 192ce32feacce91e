"""A repository of a registry, as a store."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import quote, urlencode

import urllib3

from modelpack.errors import (
    ContentError,
    InvalidInput,
    ModelpackError,
    NotFound,
    RegistryError,
)
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.fields import Fields
from modelpack.oci.manifest import (
    DOCKER_INDEX,
    DOCKER_MANIFEST,
    INDEX,
    MANIFEST,
    MAX_BYTES,
    Document,
    Index,
    parse_any,
)
from modelpack.oci.patience import Patience
from modelpack.oci.reference import Repository
from modelpack.oci.store import Blocks
from modelpack.registry import fallback
from modelpack.registry.body import HttpBody
from modelpack.registry.http import (
    Http,
    Request,
    header_of,
    read_bounded,
    whole_number,
)
from modelpack.registry.upload import (
    RegistryUpload,
    other_bytes_refused,
    with_query,
)

_ACCEPT: Final = f"{MANIFEST}, {INDEX}, {DOCKER_MANIFEST}, {DOCKER_INDEX}"
_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)")
_NEXT: Final = re.compile(r"<([^>]+)>\s*;[^,]*\brel=\"?next\"?", re.IGNORECASE)
_MAX_PAGES: Final = 1000
_MOST_REFERRERS: Final = 10_000
_MOST_TAGS: Final = 500_000
_MAX_SMALLEST_CHUNK: Final = 1 << 30


class RegistryStore:
    """Implements ``Store`` over HTTP. Small requests are repeated by ``patience``.

    A body that breaks off is not repeated here: whoever reads or sends it knows
    how far it got, and goes on from there.
    """

    def __init__(self, repository: Repository, http: Http, patience: Patience) -> None:
        self._repository = repository
        self._http = http
        self._patience = patience
        self._root = f"/v2/{repository.name}"
        self._has_no_referrers = False

    def get_manifest(self, selector: str | Digest) -> Document:
        mark = "@" if isinstance(selector, Digest) else ":"
        where = f"{self._repository}{mark}{selector}"
        request = Request(
            method="GET",
            url=f"{self._root}/manifests/{selector}",
            headers={"Accept": _ACCEPT},
        )

        def fetch() -> tuple[bytes, urllib3.HTTPResponse]:
            response = self._http.send(request)
            return read_bounded(response, MAX_BYTES, where), response

        try:
            raw, response = self._patience.run(fetch)
        except NotFound as error:
            raise NotFound(
                f"there is no such artifact ({error.message})",
                status=404,
                code=error.code,
                where=where,
                hint=f"modelpack ls {self._repository} lists the tags",
            ) from error
        media_type = response.headers.get("Content-Type", MANIFEST).partition(";")[0]
        document = Document(raw, media_type.strip())
        told = response.headers.get("Docker-Content-Digest", "")
        wanted = selector if isinstance(selector, Digest) else _digest_or_none(told)
        if wanted is not None:
            _check(raw, wanted, where)
        return document

    def open(
        self, blob: Descriptor, start: int = 0, end: int | None = None
    ) -> HttpBody:
        stop = blob.size if end is None else end
        where = f"{self._repository}@{blob.digest}"
        partial = start > 0 or stop < blob.size
        response = self._http.send(
            Request(
                method="GET",
                url=f"{self._root}/blobs/{blob.digest}",
                headers={"Range": f"bytes={start}-{stop - 1}"} if partial else {},
                expect=(200, 206) if partial else (200,),
            )
        )
        try:
            begin, length = _extent(response, blob, start, stop, where)
        except ModelpackError:
            response.close()
            raise
        return HttpBody(response, start=begin, length=length, where=where)

    def referrers(
        self, subject: Digest, artifact_type: str = ""
    ) -> Sequence[Descriptor]:
        query = (
            f"?{urlencode({'artifactType': artifact_type})}" if artifact_type else ""
        )
        url = f"{self._root}/referrers/{subject}{query}"
        found: list[Descriptor] = []
        if not self._has_no_referrers:
            try:
                for page, _ in self._pages(url, MAX_BYTES):
                    found.extend(Index.parse(page).manifests)
                    if len(found) > _MOST_REFERRERS:
                        raise RegistryError(
                            f"lists over {_MOST_REFERRERS} referrers", where=url
                        )
            except NotFound:
                # An empty list would be one; this registry does not know the request.
                self._has_no_referrers = True
        if self._has_no_referrers:
            # The list stands under a tag (distribution-spec, "Unavailable Referrers
            # API").
            found.extend(fallback.listed(self, subject))
        # A registry need not filter.
        return [d for d in found if artifact_type in ("", d.artifact_type)]

    def tags(self) -> Sequence[str]:
        found: list[str] = []
        try:
            for page, where in self._pages(f"{self._root}/tags/list?n=1000", MAX_BYTES):
                for tag in Fields.of_json(page, where=where).array("tags"):
                    if not isinstance(tag, str):
                        raise InvalidInput("a tag that is not a string", where=where)
                    found.append(tag)
                if len(found) > _MOST_TAGS:
                    raise RegistryError(f"lists over {_MOST_TAGS} tags", where=where)
        except NotFound as error:
            # A repository without a manifest is none to distribution, and an empty
            # one to olareg. Any other 404 does not come from a registry.
            if error.code != "NAME_UNKNOWN":
                raise
        # A list of referrers is not something that anybody has tagged.
        return sorted(tag for tag in found if not fallback.is_tag(tag))

    def has(self, blob: Descriptor) -> bool:
        request = Request(method="HEAD", url=f"{self._root}/blobs/{blob.digest}")
        try:
            answer = self._patience.run(lambda: self._http.call(request))
        except NotFound:
            return False
        size = answer.headers.get("Content-Length")
        return size is None or size == str(blob.size)

    def begin(self, session: str = "") -> RegistryUpload:
        if session:
            # What a journal recorded gets no more trust than what an answer says:
            # credentials stay on the registry's own host.
            if not self._http.is_own(session):
                raise NotFound("the recorded upload is on another host", status=404)
            upload = RegistryUpload(self._http, self._patience, session)
            upload.sync()
            return upload
        answer = self._start(f"{self._root}/blobs/uploads/")
        smallest = whole_number(answer.headers.get("OCI-Chunk-Min-Length")) or 0
        return RegistryUpload(
            self._http,
            self._patience,
            self._http.locate(answer, f"{self._root}/blobs/uploads/"),
            min(smallest, _MAX_SMALLEST_CHUNK),
        )

    def _start(self, url: str) -> urllib3.HTTPResponse:
        request = Request(
            method="POST", url=url, headers={"Content-Length": "0"}, expect=(202, 201)
        )
        return self._patience.run(lambda: self._http.call(request))

    def put_blob(self, blob: Descriptor, blocks: Blocks) -> None:
        url = f"{self._root}/blobs/uploads/"

        def put() -> None:
            location = self._http.locate(self._start(url), url)
            self._http.call(
                Request(
                    method="PUT",
                    url=with_query(location, digest=str(blob.digest)),
                    headers={
                        "Content-Type": "application/octet-stream",
                        "Content-Length": str(blob.size),
                    },
                    body=blocks(0, blob.size) if blob.size else None,
                    expect=(201, 204),
                )
            )

        with other_bytes_refused(blob.digest):
            self._patience.run(put)

    def mount(self, blob: Descriptor, origin: str) -> bool:
        query = urlencode({"mount": str(blob.digest), "from": origin})
        url = f"{self._root}/blobs/uploads/?{query}"
        answer = self._start(url)
        if answer.status == 201:  # noqa: PLR2004
            return True
        # 202: the registry opened an upload instead, which nobody will use.
        location = self._http.locate(answer, url)
        RegistryUpload(self._http, self._patience, location).cancel()
        return False

    def put_manifest(self, document: Document, tag: str = "") -> None:
        digest = document.descriptor.digest
        request = Request(
            method="PUT",
            url=f"{self._root}/manifests/{quote(tag) if tag else digest}",
            headers={"Content-Type": document.media_type},
            body=document.raw,
            expect=(201, 200, 202),
        )
        answer = self._patience.run(lambda: self._http.call(request))
        told = _digest_or_none(answer.headers.get("Docker-Content-Digest", ""))
        if told is not None and told.algorithm == "sha256" and told != digest:
            raise ContentError(
                f"stored the manifest {digest} as {told}", where=str(self._repository)
            )
        subject = parse_any(document).subject
        # Only a registry that names this very subject will list it.
        seen = _digest_or_none(answer.headers.get("OCI-Subject", ""))
        if subject is not None and seen != subject.digest:
            fallback.enlist(self, subject.digest, document)

    def delete(self, selector: str | Digest) -> None:
        if isinstance(selector, str):
            self._delete(selector, "name its digest, which takes all its tags along")
            return
        subject = self._subject_of(selector)
        self._delete(selector, "whoever runs it can allow that")
        if subject is not None:
            fallback.delist(self, subject, selector, self._patience)

    def _subject_of(self, digest: Digest) -> Digest | None:
        """Return what a manifest refers to; ``NotFound`` where it is not there.

        docker-registry 2.8 deletes what is not there, too.
        """
        try:
            subject = parse_any(self.get_manifest(digest)).subject
        except (ContentError, InvalidInput):
            return None  # what nobody can read can still be deleted
        return subject.digest if subject is not None else None

    def _delete(self, selector: str | Digest, hint: str) -> None:
        request = Request(
            method="DELETE",
            url=f"{self._root}/manifests/{selector}",
            expect=(202, 200, 204),
        )
        try:
            self._patience.run(lambda: self._http.call(request))
        except RegistryError as error:
            if error.status in (400, 405) or error.code == "UNSUPPORTED":
                what = "tags" if isinstance(selector, str) else "manifests"
                error.hint = f"this registry does not delete {what}; {hint}"
            raise

    def _pages(self, url: str, limit: int) -> Iterator[tuple[bytes, str]]:
        """Yield each page of a list, following ``Link`` on the registry's own host."""
        for _ in range(_MAX_PAGES):
            request = Request(method="GET", url=url)
            response = self._patience.run(lambda r=request: self._http.send(r))  # type: ignore[misc]
            yield read_bounded(response, limit, url), url
            following = _NEXT.search(header_of(response, "Link", url))
            if following is None:
                return
            url = self._http.join(url, following[1])
        raise RegistryError(f"a list of more than {_MAX_PAGES} pages", where=url)


def _extent(
    response: urllib3.HTTPResponse, blob: Descriptor, start: int, stop: int, where: str
) -> tuple[int, int]:
    """Return (first byte, length) of the body, checked against what was asked."""
    length = whole_number(response.headers.get("Content-Length"))
    if response.status == 200:  # noqa: PLR2004 - the whole blob, asked for or not
        if length is not None and length != blob.size:
            raise ContentError(
                f"the registry has {length} bytes, {blob.size} were promised",
                where=where,
            )
        return 0, blob.size
    match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if match is None or int(match[1]) != start or int(match[2]) != stop - 1:
        raise RegistryError("another range than was asked for", status=206, where=where)
    if match[3] not in ("*", str(blob.size)):
        raise ContentError(
            f"the registry has {match[3]} bytes, {blob.size} were promised", where=where
        )
    return start, stop - start


def _digest_or_none(text: str) -> Digest | None:
    try:
        return Digest.parse(text)
    except InvalidInput:
        return None


def _check(raw: bytes, wanted: Digest, where: str) -> None:
    hasher = wanted.hasher()
    hasher.update(raw)
    if hasher.hexdigest() != wanted.hex:
        raise ContentError(
            f"the manifest's bytes do not have the digest {wanted}", where=where
        )
