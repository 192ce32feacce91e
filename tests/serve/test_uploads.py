"""Blobs on their way in: every way of the specification, and what goes wrong."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modelpack.oci.digest import Digest
from modelpack.serve.registry import RegistryServer
from tests.serve.client import Client, Raw, code

CONTENT = random.Random(17).randbytes(3_000_017)  # noqa: S311 - the same in each run
DIGEST = Digest.of(CONTENT)
NAME = "team/model"


def is_kept(client: Client, digest: Digest = DIGEST, name: str = NAME) -> bool:
    return client.ask("HEAD", f"/{name}/blobs/{digest}").status == 200


def is_whole(client: Client, name: str = NAME) -> bool:
    answer = client.ask("GET", f"/{name}/blobs/{DIGEST}")
    return answer.status == 200 and answer.data == CONTENT


def stream(content: bytes) -> Iterator[bytes]:
    """Send without saying how much."""
    for at in range(0, len(content), 70_001):
        yield content[at : at + 70_001]


def test_post_then_put(client: Client) -> None:
    answer = client.ask("PUT", f"{client.begin()}?digest={DIGEST}", CONTENT)
    assert answer.status == 201
    assert answer.headers["Location"] == f"/v2/{NAME}/blobs/{DIGEST}"
    assert answer.headers["Docker-Content-Digest"] == str(DIGEST)
    assert is_whole(client)


@pytest.mark.parametrize("content", [CONTENT, b""], ids=["large", "empty"])
def test_one_post(client: Client, content: bytes) -> None:
    digest = Digest.of(content)
    path = f"/{NAME}/blobs/uploads/?digest={digest}"
    answer = client.ask("POST", path, content)
    assert answer.status == 201
    assert client.ask("GET", f"/{NAME}/blobs/{digest}").data == content


def test_chunks_in_order(client: Client) -> None:
    location = client.begin()
    for start, end in ((0, 1_000_000), (1_000_000, 2_999_999)):
        answer = client.ask(
            "PATCH",
            location,
            CONTENT[start:end],
            {"Content-Range": f"{start}-{end - 1}"},
        )
        assert answer.status == 202
        assert answer.headers["Range"] == f"0-{end - 1}"
        location = answer.headers["Location"]
    answer = client.ask(
        "PUT",
        f"{location}?digest={DIGEST}",
        CONTENT[2_999_999:],
        {"Content-Range": f"2999999-{len(CONTENT) - 1}"},
    )
    assert answer.status == 201
    assert is_whole(client)


def test_a_stream_of_unknown_length(client: Client) -> None:
    location = client.begin()
    answer = client.ask("PATCH", location, stream(CONTENT))
    assert answer.status == 202
    assert answer.headers["Range"] == f"0-{len(CONTENT) - 1}"
    assert client.ask("PUT", f"{location}?digest={DIGEST}").status == 201
    assert is_whole(client)


@pytest.mark.parametrize("start", [0, 9, 11, 10**17])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_chunk_out_of_order_is_told_where_to_go_on(
    client: Client, method: str, start: int
) -> None:
    location = client.begin()
    assert client.ask("PATCH", location, CONTENT[:10]).status == 202
    answer = client.ask(
        method,
        f"{location}?digest={DIGEST}" if method == "PUT" else location,
        b"12345",
        {"Content-Range": f"{start}-{start + 4}"},
    )
    assert answer.status == 416
    assert answer.headers["Range"] == "0-9"
    assert answer.headers["Location"] == location
    assert code(answer) == "BLOB_UPLOAD_INVALID"
    assert client.ask("GET", location).headers["Range"] == "0-9"
    assert client.ask("PATCH", location, CONTENT[10:]).status == 202
    assert client.ask("PUT", f"{location}?digest={DIGEST}").status == 201


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("bytes 0-4/5", "BLOB_UPLOAD_INVALID"),
        ("0-", "BLOB_UPLOAD_INVALID"),
        ("-5", "BLOB_UPLOAD_INVALID"),
        ("0-4, 5-9", "BLOB_UPLOAD_INVALID"),
        ("0-3", "SIZE_INVALID"),
        ("0-999", "SIZE_INVALID"),
        ("4-0", "BLOB_UPLOAD_INVALID"),
    ],
)
def test_a_content_range_that_is_none_is_refused(
    client: Client, given: str, expected: str
) -> None:
    location = client.begin()
    answer = client.ask("PATCH", location, b"12345", {"Content-Range": given})
    assert answer.status in (400, 416)
    assert code(answer) == expected
    assert client.ask("GET", location).status == 204


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_other_bytes_are_refused_and_forgotten(client: Client, algorithm: str) -> None:
    length = {"sha256": 64, "sha512": 128}[algorithm]
    promised = Digest(algorithm, "0" * length)
    location = client.begin()
    answer = client.ask("PUT", f"{location}?digest={promised}", CONTENT)
    assert answer.status == 400
    assert code(answer) == "DIGEST_INVALID"
    assert not is_kept(client, promised)
    assert not is_kept(client)
    assert client.ask("GET", location).status == 404
    answer = client.ask("POST", f"/{NAME}/blobs/uploads/?digest={promised}", CONTENT)
    assert code(answer) == "DIGEST_INVALID"


@pytest.mark.parametrize(
    "digest", ["", "sha256:zz", "md5:0", "../../x", f"{DIGEST}0", "sha256%3A"]
)
def test_what_is_no_digest_is_refused(client: Client, digest: str) -> None:
    location = client.begin()
    for answer in (
        client.ask("PUT", f"{location}?digest={digest}", b"x"),
        client.ask("POST", f"/{NAME}/blobs/uploads/?digest={digest}", b"x"),
        client.ask("POST", f"/{NAME}/blobs/uploads/?mount={digest}&from=a/b"),
    ):
        assert answer.status == 400
        assert code(answer) == "DIGEST_INVALID"
    assert client.ask("PUT", location, b"x").status == 400


def test_an_unknown_algorithm_is_refused_at_the_start(client: Client) -> None:
    path = f"/{NAME}/blobs/uploads/?digest-algorithm="
    assert client.ask("POST", f"{path}sha512").status == 202
    assert client.ask("POST", f"{path}blake3").status == 400


def test_a_cancelled_upload_is_gone(client: Client) -> None:
    location = client.begin()
    client.ask("PATCH", location, b"half")
    assert client.ask("DELETE", location).status == 204
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        answer = client.ask(method, f"{location}?digest={DIGEST}")
        assert answer.status == 404
        assert code(answer) == "BLOB_UPLOAD_UNKNOWN"


@pytest.mark.parametrize("session", ["x", "%2e%2e", "..%2f..%2findex.json", "0" * 36])
def test_a_session_that_was_never_begun_is_unknown(
    client: Client, session: str
) -> None:
    client.begin()
    for method in ("GET", "PATCH", "DELETE"):
        answer = client.ask(method, f"/v2/{NAME}/blobs/uploads/{session}")
        assert answer.status in (400, 404)
        assert code(answer) in ("BLOB_UPLOAD_UNKNOWN", "NAME_INVALID", "UNSUPPORTED")


def test_a_session_belongs_to_its_repository(client: Client) -> None:
    location = client.begin()
    client.push_blob(b"x", "other/model")
    assert client.ask("GET", location.replace(NAME, "other/model")).status == 404


def test_a_client_that_goes_away_finds_what_arrived(
    client: Client, raw: Callable[[], Raw]
) -> None:
    location = client.begin()
    sent = 2_500_000
    connection = raw()
    connection.say(
        f"PATCH {location} HTTP/1.1\r\nHost: x\r\n".encode(),
        f"Content-Length: {len(CONTENT)}\r\n".encode(),
        b"Expect: 100-continue\r\n\r\n",
    )
    assert connection.hear()[0] == 100  # from now on the upload is being written
    connection.say(CONTENT[:sent])
    connection.connection.close()
    answer = client.ask("GET", location)
    assert answer.status == 204
    assert answer.headers["Range"] == f"0-{sent - 1}"
    answer = client.ask(
        "PATCH",
        location,
        CONTENT[sent:],
        {"Content-Range": f"{sent}-{len(CONTENT) - 1}"},
    )
    assert answer.status == 202
    assert client.ask("PUT", f"{location}?digest={DIGEST}").status == 201
    assert is_whole(client)


def test_a_stream_that_breaks_off_keeps_its_bytes(
    client: Client, raw: Callable[[], Raw]
) -> None:
    location = client.begin()
    connection = raw()
    connection.say(
        f"PATCH {location} HTTP/1.1\r\nHost: x\r\n".encode(),
        b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
    )
    assert connection.hear()[0] == 100
    connection.say(b"3\r\nabc\r\n7\r\nde")
    connection.connection.close()
    assert client.ask("GET", location).headers["Range"] == "0-4"


def test_an_upload_survives_the_server(tmp_path: Path, client: Client) -> None:
    with RegistryServer(tmp_path / "again") as first:
        at_first = Client(client.pool, f"{first.url}/v2")
        location = at_first.begin()
        assert at_first.ask("PATCH", location, CONTENT[:1_000_000]).status == 202
    with RegistryServer(tmp_path / "again") as second:
        then = Client(client.pool, f"{second.url}/v2")
        assert then.ask("GET", location).headers["Range"] == "0-999999"
        assert then.ask("PATCH", location, CONTENT[1_000_000:]).status == 202
        assert then.ask("PUT", f"{location}?digest={DIGEST}").status == 201
        assert is_whole(then)


def test_a_blob_is_mounted_from_another_repository(client: Client) -> None:
    client.push_blob(CONTENT, "origin")
    path = f"/{NAME}/blobs/uploads/?mount={DIGEST}&from="
    answer = client.ask("POST", f"{path}origin")
    assert answer.status == 201
    assert answer.headers["Location"] == f"/v2/{NAME}/blobs/{DIGEST}"
    assert client.ask("DELETE", f"/origin/blobs/{DIGEST}").status == 202
    assert is_whole(client)


def test_a_blob_is_mounted_from_wherever_it_is(client: Client) -> None:
    client.push_blob(CONTENT, "deep/ly/nested")
    path = f"/{NAME}/blobs/uploads/?mount={DIGEST}"
    assert client.ask("POST", path).status == 201
    assert is_whole(client)


@pytest.mark.parametrize("origin", ["&from=origin", "&from=unknown/model", ""])
def test_what_cannot_be_mounted_can_be_uploaded(client: Client, origin: str) -> None:
    client.push_blob(b"another", "origin")
    path = f"/{NAME}/blobs/uploads/?mount={DIGEST}{origin}"
    answer = client.ask("POST", path)
    assert answer.status == 202
    location = answer.headers["Location"]
    assert client.ask("PUT", f"{location}?digest={DIGEST}", CONTENT).status == 201


def test_a_mount_from_no_repository_is_refused(client: Client) -> None:
    path = f"/{NAME}/blobs/uploads/?mount={DIGEST}&from=../../etc"
    answer = client.ask("POST", path)
    assert answer.status == 400
    assert code(answer) == "NAME_INVALID"
