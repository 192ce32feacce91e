"""Requests that are wrong, too much, or meant to do harm: none is a pass."""

import contextlib
import json
import socket
import ssl
import time
from pathlib import Path
from typing import cast

import pytest

from modelpack.serve.admission.handler import Budget
from modelpack.serve.admission.listening import LONGEST_SILENCE
from modelpack.serve.admission.refused import BadRequest
from tests.serve.admission.scene import GOOD, Bench, Caller, Json, pod, review, serving

_POST = b"POST /validate HTTP/1.1\r\n"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b'{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}',
        b'{"a": 1, "a": 2}',
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"kind": "ProviderRequest", "request": {"keys": "all"}}',
        b'{"references": "all"}',
        b'{"references": []}',
        b'{"references": [{"a": 1}]}',
        b'{"kind": "ProviderRequest", "request": {"keys": [null]}}',
        b'{"kind": "ProviderRequest", "request": []}',
        json.dumps({"references": [GOOD] * 500}).encode(),
        json.dumps({"references": ["x" * 3000]}).encode(),
    ],
    ids=lambda body: repr(body[:40]),
)
def test_what_cannot_be_understood_is_an_http_error(
    tmp_path: Path, body: bytes
) -> None:
    judge = Bench()
    with serving(tmp_path, judge) as caller:
        for door in ("/validate", "/v1/admit", "/gatekeeper"):
            status, document = caller.post(door, body)
            assert status in (400, 413)
            assert document["allowed"] is False
        assert judge.asked == []


@pytest.mark.parametrize(
    "body",
    [
        {**review(pod(GOOD)), "kind": "ConversionReview"},
        {**review(pod(GOOD)), "apiVersion": "admission.k8s.io/v1beta1"},
        review(pod(GOOD), uid=""),
        review(pod(GOOD), uid=7),
        review(pod(GOOD), uid="x" * 300),
        review(pod(GOOD), operation="PATCH"),
        review(None),
        review(pod(GOOD), object=[1]),
        review(pod(GOOD), kind="Pod"),
        review(pod(GOOD), resource={"group": "", "version": "v1"}),
        review(pod(GOOD), userInfo="alice"),
    ],
)
def test_a_review_that_is_none_is_an_http_error(tmp_path: Path, body: Json) -> None:
    with serving(tmp_path, Bench()) as caller:
        status, document = caller.post("/validate", body)
        assert status == 400
        assert document["allowed"] is False


def test_a_password_in_a_reference_is_refused_and_shown_nowhere(tmp_path: Path) -> None:
    leaky = "anna:hunter2@registry.test/team/good:1"
    with serving(tmp_path, Bench()) as caller:
        response = caller.validate(review(pod(leaky)))
        assert response["allowed"] is False
        assert "credentials" in str(response)
        _, document = caller.post("/v1/admit", {"references": [leaky]})
        assert document["allowed"] is False
        sidecar = pod(GOOD)
        containers = cast("Json", sidecar["spec"])["containers"]
        cast("list[Json]", containers)[0]["image"] = leaky
        other = caller.validate(review(sidecar))
        assert other["allowed"] is False
        told = [response, other, caller.audited, document["message"]]
        assert "hunter2" not in json.dumps(told)


def test_five_hundred_models_in_one_object_are_refused(tmp_path: Path) -> None:
    many = [f"registry.test/m{n}@sha256:{n:064x}" for n in range(500)]
    judge = Bench()
    with serving(tmp_path, judge) as caller:
        response = caller.validate(review(pod(*many)))
        assert response["allowed"] is False
        assert "names 500 models" in str(response["status"])
        assert judge.asked == []


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (_POST + b"Content-Length: 8388609\r\n\r\n", 413),
        (_POST + b"\r\n", 411),
        (_POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (_POST + b"Content-Length: -1\r\n\r\n", 400),
        (_POST + b"Content-Length: 1_0\r\n\r\n", 400),
        (_POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 411),
        (b"POST /elsewhere HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 404),
        (b"GET /validate HTTP/1.1\r\n\r\n", 404),
        (b"BREW /validate HTTP/1.1\r\n\r\n", 501),
        (b"POST /validate HTTP/9.9\r\n\r\n", 505),
        (b"POST " + b"/" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
    ],
    ids=lambda each: repr(each[:60]) if isinstance(each, bytes) else str(each),
)
def test_a_request_that_lies_about_itself_is_ended(
    tmp_path: Path, request_: bytes, status: int
) -> None:
    with serving(tmp_path, Bench()) as caller:
        answer = talk(caller, request_)
        assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer[:80]
        assert b"Connection: close" in answer
        assert b'"allowed": false' in answer


def test_who_speaks_no_tls_gets_no_answer_and_harms_nobody(tmp_path: Path) -> None:
    with serving(tmp_path, Bench()) as caller:
        got = b""
        with (
            socket.create_connection(("127.0.0.1", caller.port), 30) as plain,
            contextlib.suppress(ConnectionResetError),
        ):
            plain.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
            got = plain.recv(1000)
        assert b"ok" not in got
        assert caller.get("/healthz")[0] == 200


def test_texts_that_steer_stay_in_their_lines(tmp_path: Path) -> None:
    evil = f"registry.test/bad\n{{}}\x1b[31m@sha256:{'b' * 64}"
    with serving(tmp_path, Bench()) as caller:
        response = caller.validate(
            review(pod(evil), name="a\nb", userInfo={"username": "x\r\ny"})
        )
        assert response["allowed"] is False
        assert "\n" not in str(cast("Json", response["status"])["message"])
        (line,) = caller.audited
        assert line["name"] == "a b"
        assert line["user"] == "x  y"


def test_who_sends_a_request_for_ever_is_ended(tmp_path: Path) -> None:
    late = [0.0]
    with serving(tmp_path, Bench(), clock=lambda: time.monotonic() + late[0]) as caller:
        with opened(caller) as slow:
            slow.sendall(b"POST /validate HTTP/1.1\r\nA: b\r\n")
            assert caller.get("/healthz")[0] == 200
            late[0] = LONGEST_SILENCE + 1
            assert slow.recv(1) == b""
        late[0] = 0
        asked = b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n"
        assert talk(caller, asked).startswith(b"HTTP/1.1 200 ")


def test_a_connection_too_many_is_ended_at_once_and_nobody_else_with_it(
    tmp_path: Path,
) -> None:
    with (
        serving(tmp_path, Bench(), connections=2) as caller,
        opened(caller) as first,
        opened(caller),
        socket.create_connection(("127.0.0.1", caller.port), 30) as third,
    ):
        with contextlib.suppress(ConnectionResetError):
            assert third.recv(1) == b""
        first.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
        assert first.recv(100).startswith(b"HTTP/1.1 200 ")


def test_bodies_together_are_bounded() -> None:
    budget = Budget(limit=10)
    full = pytest.raises(BadRequest, match="too much at once")
    with budget.taken(6), budget.taken(4), full, budget.taken(1):
        pass
    with budget.taken(10):
        pass


def opened(caller: Caller) -> ssl.SSLSocket:
    """Open a connection over TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    plain = socket.create_connection(("127.0.0.1", caller.port), 30)
    return context.wrap_socket(plain)


def talk(caller: Caller, request: bytes) -> bytes:
    """Send bytes over TLS, and return all that comes until the end."""
    found = b""
    with opened(caller) as connection:
        try:
            connection.sendall(request)
            while block := connection.recv(65536):
                found += block
        except OSError:  # ended with what it did not want to read
            pass
    return found
