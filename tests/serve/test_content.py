"""Blobs, manifests and lists on their way out (distribution-spec 1.1)."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import pytest

from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import (
    EMPTY_JSON,
    INDEX,
    MANIFEST,
    MAX_BYTES,
    Index,
    Manifest,
    compact,
)
from tests.serve.client import KIND, OCTETS, Client, code

NAME = "team/model"
CONTENT = bytes(range(256)) * 8


def blob(client: Client) -> str:
    return f"/{NAME}/blobs/{client.push_blob(CONTENT).digest}"


def test_ping(client: Client) -> None:
    for path in ("/v2/", "/v2"):
        assert client.ask("GET", path).status == 200


def test_head_tells_what_get_gives(client: Client) -> None:
    made = client.push(CONTENT, "v1")
    for path in (
        blob(client),
        f"/{NAME}/manifests/v1",
        f"/{NAME}/manifests/{made.descriptor.digest}",
    ):
        head, get = client.ask("HEAD", path), client.ask("GET", path)
        assert (head.status, get.status) == (200, 200)
        assert head.data == b""
        assert head.headers == get.headers
        assert int(head.headers["Content-Length"]) == len(get.data)
        assert head.headers["Docker-Content-Digest"] == str(Digest.of(get.data))


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=500-1499", 500, 1500),
        ("bytes=500-", 500, 2048),
        ("bytes=-500", 1548, 2048),
        ("bytes=-5000", 0, 2048),
        ("bytes=2000-5000", 2000, 2048),
        ("bytes=2047-2047", 2047, 2048),
    ],
)
def test_a_range(client: Client, asked: str, start: int, end: int) -> None:
    answer = client.ask("GET", blob(client), headers={"Range": asked})
    assert answer.status == 206
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/2048"
    assert answer.data == CONTENT[start:end]


@pytest.mark.parametrize(
    "asked", ["bytes=2048-", "bytes=5000-6000", "bytes=-0", "bytes=9-3"]
)
def test_a_range_that_is_empty(client: Client, asked: str) -> None:
    answer = client.ask("GET", blob(client), headers={"Range": asked})
    assert answer.status == 416
    assert answer.headers["Content-Range"] == "bytes */2048"


@pytest.mark.parametrize(
    "asked",
    ["bytes=0-1,5-6", "bytes=-", "bytes=a-b", "items=0-5", "0-5", f"bytes={'9' * 40}-"],
)
def test_a_range_that_is_not_understood_is_ignored(client: Client, asked: str) -> None:
    """RFC 9110, 14.2: an invalid or unknown range is ignored."""
    answer = client.ask("GET", blob(client), headers={"Range": asked})
    assert answer.status == 200
    assert answer.data == CONTENT


def test_an_empty_blob(client: Client) -> None:
    digest = client.push_blob(b"").digest
    path = f"/{NAME}/blobs/{digest}"
    assert client.ask("GET", path).data == b""
    assert client.ask("GET", path, headers={"Range": "bytes=0-"}).status == 416


def test_a_deleted_blob_is_gone(client: Client) -> None:
    path = blob(client)
    assert client.ask("DELETE", path).status == 202
    for method in ("GET", "DELETE"):
        answer = client.ask(method, path)
        assert answer.status == 404
        assert code(answer) == "BLOB_UNKNOWN"


def test_a_manifest_is_not_deleted_as_a_blob(client: Client) -> None:
    made = client.push(CONTENT, "v1")
    answer = client.ask("DELETE", f"/{NAME}/blobs/{made.descriptor.digest}")
    assert answer.status == 405
    assert client.ask("GET", f"/{NAME}/manifests/v1").data == made.raw


def test_an_unknown_repository(client: Client) -> None:
    for path in ("blobs/" + str(Digest.of(b"x")), "manifests/v1", "tags/list"):
        answer = client.ask("GET", f"/no/such/{path}")
        assert answer.status == 404
        assert code(answer) == "NAME_UNKNOWN"


def test_a_manifest_keeps_its_bytes_and_its_type(client: Client) -> None:
    client.push_blob(b"{}")
    config = Descriptor.of(b"{}", EMPTY_JSON)
    raw = Manifest.build(artifact_type=KIND, config=config, layers=()).raw
    raw = raw.replace(b",", b",\n  ")
    answer = client.put(raw, "v1", media_type=f"{MANIFEST}; charset=utf-8")
    assert answer.status == 201
    assert answer.headers["Location"] == f"/v2/{NAME}/manifests/{Digest.of(raw)}"
    got = client.ask("GET", answer.headers["Location"])
    assert got.data == raw
    assert got.headers["Content-Type"] == MANIFEST


def test_a_manifest_under_a_sha512(client: Client) -> None:
    client.push_blob(b"{}")
    config = Descriptor.of(b"{}", EMPTY_JSON)
    raw = Manifest.build(artifact_type=KIND, config=config, layers=()).raw
    hasher = Digest("sha512", "0" * 128).hasher()
    hasher.update(raw)
    digest = Digest("sha512", hasher.hexdigest())
    answer = client.put(raw, f"{digest}?tag=a&tag=b")
    assert answer.status == 201
    assert answer.headers["OCI-Tag"] == "a, b"
    for reference in (str(digest), "a", "b"):
        got = client.ask("GET", f"/{NAME}/manifests/{reference}")
        assert got.headers["Docker-Content-Digest"] == str(digest)


def test_an_index_and_what_it_lists(client: Client) -> None:
    children = tuple(client.push(content).descriptor for content in (b"1", b"2"))
    index = Index.build(children)
    assert client.put(index.raw, "both", media_type=INDEX).status == 201
    got = client.ask("GET", f"/{NAME}/manifests/both")
    assert got.headers["Content-Type"] == INDEX


_CONFIG = dict(Descriptor.of(b"{}", EMPTY_JSON).document())
_GOOD = {"schemaVersion": 2, "mediaType": MANIFEST, "config": _CONFIG, "layers": []}
_PAD = {"annotations": {"pad": "x" * MAX_BYTES}}
_ABSENT = dict(Descriptor.of(b"absent", OCTETS).document())


@pytest.mark.parametrize(
    ("raw", "status", "expected"),
    [
        pytest.param(b"", 400, "MANIFEST_INVALID", id="empty"),
        pytest.param(b"<html>", 400, "MANIFEST_INVALID", id="not JSON"),
        pytest.param(
            b'{"schemaVersion": 2, "schemaVersion": 2}',
            400,
            "MANIFEST_INVALID",
            id="duplicate keys",
        ),
        pytest.param(
            compact(_GOOD | {"manifests": []}), 400, "MANIFEST_INVALID", id="both types"
        ),
        pytest.param(
            compact(_GOOD | {"mediaType": INDEX}), 400, "MANIFEST_INVALID", id="type"
        ),
        pytest.param(
            compact(_GOOD | {"layers": [{**_CONFIG, "size": -1}]}),
            400,
            "MANIFEST_INVALID",
            id="negative size",
        ),
        pytest.param(
            compact(_GOOD | {"layers": [_ABSENT]}),
            400,
            "MANIFEST_BLOB_UNKNOWN",
            id="a layer that is not there",
        ),
        pytest.param(
            compact(_GOOD | {"layers": [{**_CONFIG, "size": 3}]}),
            400,
            "MANIFEST_BLOB_UNKNOWN",
            id="a layer of another size",
        ),
        pytest.param(compact(_GOOD | _PAD), 413, "SIZE_INVALID", id="too large"),
    ],
)
def test_a_hostile_manifest_is_refused(
    client: Client, raw: bytes, status: int, expected: str
) -> None:
    client.push_blob(b"{}")
    answer = client.put(raw, "v1")
    assert answer.status == status
    assert code(answer) == expected
    assert client.ask("GET", f"/{NAME}/manifests/v1").status == 404


def test_a_manifest_whose_type_is_told_otherwise_is_refused(client: Client) -> None:
    made = client.push(CONTENT)
    answer = client.put(made.raw, "v1", media_type="text/plain")
    assert answer.status == 400
    assert code(answer) == "MANIFEST_INVALID"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (str(Digest.of(b"other")), "DIGEST_INVALID"),
        ("sha256:bad", "DIGEST_INVALID"),
        ("-x", "MANIFEST_INVALID"),
        ("x" * 129, "MANIFEST_INVALID"),
        ("%2e%2e", "MANIFEST_INVALID"),
        ("a%00b", "MANIFEST_INVALID"),
    ],
)
def test_a_manifest_under_another_name_is_refused(
    client: Client, reference: str, expected: str
) -> None:
    made = client.push(CONTENT)
    answer = client.put(made.raw, reference)
    assert answer.status == 400
    assert code(answer) == expected


def test_a_deleted_tag_and_a_deleted_manifest(client: Client) -> None:
    made = client.push(CONTENT, "v1")
    client.put(made.raw, "v2")
    assert client.ask("DELETE", f"/{NAME}/manifests/v1").status == 202
    assert client.ask("GET", f"/{NAME}/manifests/v1").status == 404
    assert client.ask("GET", f"/{NAME}/manifests/v2").status == 200
    path = f"/{NAME}/manifests/{made.descriptor.digest}"
    assert client.ask("DELETE", path).status == 202
    for gone in (path, f"/{NAME}/manifests/v2"):
        answer = client.ask("GET", gone)
        assert answer.status == 404
        assert code(answer) == "MANIFEST_UNKNOWN"
    answer = client.ask("GET", f"/{NAME}/tags/list")
    assert (answer.status, json.loads(answer.data)["tags"]) == (200, [])


def pages(client: Client, path: str, key: str) -> list[list[object]]:
    """Follow the links of a list from page to page."""
    found = []
    while path:
        answer = client.ask("GET", path)
        assert answer.status == 200
        found.append(json.loads(answer.data)[key])
        link = re.fullmatch(r'<([^>]+)>; rel="next"', answer.headers.get("Link", ""))
        path = link[1] if link else ""
    return found


def test_tags_come_in_pages(client: Client) -> None:
    tags = ["V1", "_x", "a", "a.b", "latest", "v1", "v10", "v2"]
    for tag in tags[::-1]:
        client.push(b"same", tag)
    path = f"/{NAME}/tags/list"
    assert pages(client, path, "tags") == [tags]
    assert pages(client, f"{path}?n=3", "tags") == [tags[:3], tags[3:6], tags[6:]]
    assert pages(client, f"{path}?n=8", "tags") == [tags]
    assert pages(client, f"{path}?n=0", "tags") == [[]]
    assert pages(client, f"{path}?n=2&last=v1", "tags") == [["v10", "v2"]]
    assert pages(client, f"{path}?last=b", "tags") == [tags[4:]]
    for n in ("-1", "x", "1.5", "9" * 30, "", "%C2%B2"):
        assert client.ask("GET", f"{path}?n={n}").status == 400


def test_repositories_come_in_pages(client: Client) -> None:
    names = ["a", "a/b", "a/blobs", "a/index.json", "blobs/oci-layout", "team/x"]
    for name in names:
        client.push(b"content", "v1", name=name)
    assert pages(client, "/_catalog", "repositories") == [names]
    assert pages(client, "/_catalog?n=4", "repositories") == [names[:4], names[4:]]
    for name in names:
        assert client.ask("GET", f"/{name}/manifests/v1").status == 200


def test_referrers(client: Client) -> None:
    subject = client.push(CONTENT, "v1").descriptor
    made = {
        kind: client.push(kind.encode(), kind=kind, subject=subject)
        for kind in ("application/a", "application/b+json")
    }
    path = f"/{NAME}/referrers/{subject.digest}"
    answer = client.ask("GET", path)
    assert answer.headers["Content-Type"] == INDEX
    assert "OCI-Filters-Applied" not in answer.headers
    found = Index.parse(answer.data).manifests
    assert {d.artifact_type: d.digest for d in found} == {
        kind: manifest.descriptor.digest for kind, manifest in made.items()
    }
    filtered = f"{path}?artifactType={quote('application/b+json', safe='')}"
    answer = client.ask("GET", filtered)
    assert answer.headers["OCI-Filters-Applied"] == "artifactType"
    (only,) = Index.parse(answer.data).manifests
    assert only.artifact_type == "application/b+json"
    assert not Index.parse(client.ask("GET", f"{path}?artifactType=x").data).manifests


def test_a_subject_is_acknowledged_even_before_it_is_there(client: Client) -> None:
    client.push_blob(b"{}")
    absent = Descriptor.of(b"absent", MANIFEST)
    config = Descriptor.of(b"{}", EMPTY_JSON)
    made = Manifest.build(artifact_type=KIND, config=config, layers=(), subject=absent)
    answer = client.put(made.raw, str(made.descriptor.digest))
    assert answer.headers["OCI-Subject"] == str(absent.digest)
    found = client.ask("GET", f"/{NAME}/referrers/{absent.digest}")
    assert len(Index.parse(found.data).manifests) == 1


def test_referrers_of_nothing_are_an_empty_index(client: Client) -> None:
    digest = Digest.of(b"x")
    for name in ("no/such", NAME):
        answer = client.ask("GET", f"/{name}/referrers/{digest}")
        assert answer.status == 200
        assert Index.parse(answer.data).manifests == ()
    answer = client.ask("GET", f"/{NAME}/referrers/sha256:zz")
    assert answer.status == 400
    assert code(answer) == "DIGEST_INVALID"


def test_many_referrers_come_in_pages(client: Client) -> None:
    client.push_blob(b"{}")
    subject = Descriptor.of(b"subject", MANIFEST)
    config = Descriptor.of(b"{}", EMPTY_JSON)
    digests = set()
    for number in range(5):
        made = Manifest.build(
            artifact_type=KIND,
            config=config,
            layers=(),
            subject=subject,
            annotations={"n": str(number), "pad": "x" * 1_500_000},
        )
        assert client.put(made.raw, str(made.descriptor.digest)).status == 201
        digests.add(str(made.descriptor.digest))
    path = f"/{NAME}/referrers/{subject.digest}?artifactType={KIND}"
    found = pages(client, path, "manifests")
    assert [len(page) for page in found] == [2, 2, 1]
    listed = [
        entry["digest"] for page in found for entry in page if isinstance(entry, dict)
    ]
    assert set(listed) == digests
