"""Requests that no honest client sends, and a server that is stopped."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelpack.disk.layout.directory import LayoutStore
from modelpack.errors import LocalError
from modelpack.oci.digest import Digest
from modelpack.serve.registry import RegistryServer
from tests.serve.client import Client, Raw, code

Connect = Callable[[], Raw]
NAME = "team/model"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("..", id="up"),
        pytest.param("../../etc", id="up and out"),
        pytest.param("a/../../b", id="up within"),
        pytest.param("%2e%2e/%2e%2e/etc", id="up, escaped"),
        pytest.param("..%2f..%2fetc", id="up, with escaped slashes"),
        pytest.param("a%00b", id="NUL"),
        pytest.param("a%5c..%5cb", id="backslashes"),
        pytest.param("A/b", id="upper case"),
        pytest.param("a//b", id="an empty part"),
        pytest.param(".uploads", id="a hidden folder"),
        pytest.param("a/.uploads", id="a hidden folder within"),
        pytest.param("blobs_", id="the folder of another name"),
        pytest.param("%c3%a9", id="not ASCII"),
        pytest.param("a%0d%0aSet-Cookie:x", id="a header within"),
        pytest.param("a" * 300, id="too long"),
        pytest.param("/a", id="absolute"),
    ],
)
def test_a_name_that_is_none_touches_nothing(
    raw: Connect, tmp_path: Path, name: str
) -> None:
    before = sorted(tmp_path.rglob("*"))
    digest = Digest.of(b"x")
    for method, path in (
        ("POST", f"{name}/blobs/uploads/"),
        ("POST", f"{name}/blobs/uploads/?digest={digest}"),
        ("GET", f"{name}/manifests/v1"),
        ("GET", f"{name}/blobs/{digest}"),
        ("DELETE", f"{name}/blobs/{digest}"),
        ("GET", f"{name}/tags/list"),
        ("GET", f"{name}/referrers/{digest}"),
        ("PATCH", f"{name}/blobs/uploads/{'0' * 36}"),
    ):
        connection = raw()
        connection.say(f"{method} /v2/{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        status, head = connection.hear()
        assert status in (400, 404)
        assert b"Set-Cookie" not in head
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "path", ["/", "/v1/", "/v2/a", "/v2/a/b/c", "/etc/passwd", "*"]
)
def test_no_other_endpoint_is_there(raw: Connect, path: str) -> None:
    connection = raw()
    connection.say(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert connection.hear()[0] == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v2/", "GET, HEAD"),
        ("POST", f"/v2/{NAME}/manifests/v1", "GET, HEAD, PUT, DELETE"),
        ("PATCH", f"/v2/{NAME}/blobs/{Digest.of(b'x')}", "GET, HEAD, DELETE"),
        ("GET", f"/v2/{NAME}/blobs/uploads/", "POST"),
        ("DELETE", f"/v2/{NAME}/tags/list", "GET"),
    ],
)
def test_a_method_that_an_endpoint_has_not(
    client: Client, method: str, path: str, allowed: str
) -> None:
    answer = client.ask(method, path)
    assert answer.status == 405
    assert answer.headers["Allow"] == allowed
    assert code(answer) == "UNSUPPORTED"


_PATCH = b"POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\0\n\0\0\r\n\r\n", id="TLS"
        ),
        pytest.param(b"nonsense\r\n\r\n", id="no request"),
        pytest.param(b"GET /v2/ HTTP/9.9\r\n\r\n", id="another HTTP"),
        pytest.param(b"BREW /v2/ HTTP/1.1\r\nHost: x\r\n\r\n", id="no method"),
        pytest.param(b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", id="a long line"),
        pytest.param(
            b"GET /v2/ HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", id="many headers"
        ),
        pytest.param(
            b"GET /v2/ HTTP/1.1\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
            id="a long header",
        ),
        pytest.param(_PATCH + b"Content-Length: -1\r\n\r\n", id="negative length"),
        pytest.param(_PATCH + b"Content-Length: 1_0\r\n\r\n", id="a length for Python"),
        pytest.param(_PATCH + b"Content-Length: +5\r\n\r\n", id="a signed length"),
        pytest.param(
            _PATCH + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n", id="beyond"
        ),
        pytest.param(
            _PATCH + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", id="two lengths"
        ),
        pytest.param(
            _PATCH + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            id="a length and chunks",
        ),
        pytest.param(_PATCH + b"Transfer-Encoding: gzip, chunked\r\n\r\n", id="gzip"),
        pytest.param(_PATCH + b"Transfer-Encoding: identity\r\n\r\n", id="identity"),
    ],
)
def test_what_nobody_can_rely_on_ends_the_connection(
    raw: Connect, request_: bytes
) -> None:
    connection = raw()
    connection.say(request_)
    status, head = connection.hear()
    assert 400 <= status < 600
    assert b"Connection: close" in head
    assert connection.is_closed()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"zz\r\n", id="no number"),
        pytest.param(b"-1\r\n", id="negative"),
        pytest.param(b"0x5\r\nhello\r\n", id="a number for Python"),
        pytest.param(b"f" * 40 + b"\r\n", id="beyond"),
        pytest.param(b"1" * 5000 + b"\r\n", id="a long line"),
        pytest.param(b"5\r\nhello!!\r\n", id="more than it said"),
        pytest.param(b"0\r\n" + b"X: y\r\n" * 200, id="trailers without end"),
    ],
)
def test_chunks_that_nobody_can_rely_on_end_the_connection(
    raw: Connect, client: Client, body: bytes
) -> None:
    connection = raw()
    connection.say(
        f"PATCH {client.begin()} HTTP/1.1\r\nHost: x\r\n".encode(),
        b"Transfer-Encoding: chunked\r\n\r\n",
        body,
    )
    assert connection.hear()[0] == 400
    assert connection.is_closed()


def test_chunks_of_a_manifest_are_bounded(client: Client) -> None:
    path = f"/{NAME}/manifests/v1"
    blocks = (b"x" * 100_000 for _ in range(50))
    answer = client.ask("PUT", path, blocks)
    assert answer.status == 413


def test_a_refused_body_goes_by_and_the_connection_lives(raw: Connect) -> None:
    connection = raw()
    for _ in range(3):
        connection.say(
            b"PUT /v2/UPPER/manifests/v1 HTTP/1.1\r\nHost: x\r\n",
            b"Content-Length: 500000\r\n\r\n",
            bytes(500_000),
        )
        assert connection.hear()[0] == 400


def test_requests_in_one_packet_are_answered_in_order(raw: Connect) -> None:
    connection = raw()
    ask = b"HEAD /v2/ HTTP/1.1\r\nHost: x\r\n\r\n"
    connection.say(ask * 3 + b"HEAD /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
    received = b""
    while received.count(b"\r\n\r\n") < 4:
        received += connection.connection.recv(65536)
    assert received.count(b"HTTP/1.1 200") == 3
    assert received.count(b"HTTP/1.1 404") == 1


def test_a_body_that_waits_for_leave(raw: Connect, client: Client) -> None:
    connection = raw()
    head = b"Host: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    connection.say(f"PATCH {client.begin()} HTTP/1.1\r\n".encode(), head)
    assert connection.hear()[0] == 100
    connection.say(b"hello")
    assert connection.hear()[0] == 202
    connection.say(b"PUT /v2/UPPER/manifests/v1 HTTP/1.1\r\n", head)
    assert connection.hear()[0] == 400
    assert connection.is_closed()


def test_a_web_page_may_not_write(client: Client) -> None:
    origin = {"Origin": "https://example.com"}
    answer = client.ask("POST", f"/{NAME}/blobs/uploads/", b"", origin)
    assert answer.status == 403
    assert code(answer) == "DENIED"


def test_too_many_parameters(client: Client) -> None:
    path = f"/{NAME}/tags/list?" + "&".join(f"a{n}=1" for n in range(300))
    assert client.ask("GET", path).status == 414


def test_a_damaged_layout_is_the_servers_own_fault(
    client: Client, tmp_path: Path
) -> None:
    client.push(b"weights", "v1")
    (tmp_path / "registry" / NAME / "index.json").write_text("{")
    answer = client.ask("GET", f"/{NAME}/manifests/v1")
    assert answer.status == 500
    assert str(tmp_path).encode() not in answer.data


def test_a_linked_blob_is_not_served(client: Client, tmp_path: Path) -> None:
    digest = client.push_blob(b"weights").digest
    path = tmp_path / "registry" / NAME / "blobs" / "sha256" / digest.hex
    path.unlink()
    path.symlink_to("/etc/passwd")
    assert client.ask("GET", f"/{NAME}/blobs/{digest}").status == 500


def test_a_repository_is_a_layout_that_anything_can_read(
    client: Client, tmp_path: Path
) -> None:
    made = client.push(b"weights", "v1")
    store = LayoutStore(tmp_path / "registry" / NAME)
    assert store.get_manifest("v1").raw == made.raw


@given(st.binary(max_size=300))
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_after_any_bytes_the_server_still_answers(
    server: RegistryServer, raw: Connect, sent: bytes
) -> None:
    connection = raw()
    connection.say(sent, b"\r\n\r\n")
    connection.connection.close()
    assert urllib3.request("GET", f"{server.url}/v2/").status == 200


def test_many_clients_at_once(client: Client) -> None:
    contents = [os.urandom(300_000 + n) for n in range(32)]

    def both(content: bytes) -> bool:
        digest = client.push_blob(content).digest
        return client.ask("GET", f"/{NAME}/blobs/{digest}").data == content

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(both, contents))


def test_a_server_that_is_closed_lets_go_of_everything(tmp_path: Path) -> None:
    server = RegistryServer(tmp_path).start()
    with urllib3.PoolManager(retries=False) as pool:
        url = f"{server.url}/v2/"
        assert pool.request("GET", url).status == 200
        server.close()
        with pytest.raises(urllib3.exceptions.HTTPError):
            pool.request("GET", url)
    host, _, port = server.address.rpartition(":")
    with RegistryServer(tmp_path, host, int(port)) as again:
        assert again.address == server.address


def test_who_waits_for_a_started_server_waits_until_it_is_closed(
    tmp_path: Path,
) -> None:
    with RegistryServer(tmp_path) as server, ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(server.serve_forever)
        assert urllib3.request("GET", f"{server.url}/v2/").status == 200
        assert not waiting.done()
        server.close()
        waiting.result(timeout=10)


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with RegistryServer(tmp_path) as server:
        host, _, port = server.address.rpartition(":")
        with pytest.raises(LocalError) as caught:
            RegistryServer(tmp_path, host, int(port))
        assert caught.value.where == server.address


def test_a_temporary_registry_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with (
        RegistryServer() as server,
        urllib3.PoolManager(retries=False) as pool,
    ):
        Client(pool, f"{server.url}/v2").push(b"weights", "v1")
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())


def test_every_answer_can_be_heard_of(tmp_path: Path) -> None:
    heard: list[str] = []
    with RegistryServer(tmp_path, log=heard.append) as server:
        urllib3.request("GET", f"{server.url}/v2/")
    assert heard == ["GET /v2/ 200"]
