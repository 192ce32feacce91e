"""A server with a judge of the test's own, and callers that speak as a cluster does."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import urllib3

from modelpack.policy.objects import Carrier, carrying, model_references
from modelpack.serve.admission.deciding import Decider, Limits
from modelpack.serve.admission.decision import Judgement
from modelpack.serve.admission.server import AdmissionServer, Listening
from modelpack.serve.admission.service import Service
from tests.interop.authority import Authority

Json = dict[str, object]

GOOD = f"registry.test/team/good@sha256:{'a' * 64}"
BAD = f"registry.test/team/bad@sha256:{'b' * 64}"


@dataclass
class Bench:
    """Implements ``Judge``: admits what names only good models.

    ``gate``, if set, lets nobody through before it opens.
    """

    fingerprint: str = "one"
    lifetime: float = 60.0
    fault: BaseException | None = None
    looks_at: frozenset[str] = frozenset()
    gate: threading.Event | None = None
    asked: list[Mapping[str, object]] = field(default_factory=list)
    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def mentions(self, field: str, /) -> bool:
        return field in self.looks_at

    def judge(self, request: Mapping[str, object], /) -> Judgement:
        self.asked.append(request)
        self.entered.release()
        if self.gate is not None:
            assert self.gate.wait(60)
        if self.fault is not None:
            raise self.fault
        references = model_references(cast("Json", request["object"]))
        bad = [each for each in references if "bad" in each]
        return Judgement(
            admitted=not bad,
            reasons=tuple(f"{each} is not signed" for each in bad),
            digests={each: each.rpartition("@")[2] for each in references},
            lifetime=self.lifetime,
        )


@dataclass
class Caller:
    """Posts to one server, whose authority it knows."""

    port: int
    pool: urllib3.PoolManager
    audited: list[Json]
    told: list[str]
    server: AdmissionServer
    service: Service

    def post(self, path: str, body: object) -> tuple[int, Json]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = self.pool.request("POST", self.url(path), body=raw)
        return sent.status, json.loads(sent.data)

    def get(self, path: str) -> tuple[int, str]:
        got = self.pool.request("GET", self.url(path))
        return got.status, got.data.decode()

    def url(self, path: str) -> str:
        return f"https://127.0.0.1:{self.port}{path}"

    def validate(self, body: Json, query: str = "?timeout=10s") -> Json:
        """Ask as an API server does, and return the response."""
        status, document = self.post(f"/validate{query}", body)
        assert status == 200, document
        assert document["apiVersion"] == "admission.k8s.io/v1"
        assert document["kind"] == "AdmissionReview"
        response = cast("Json", document["response"])
        assert response["uid"] == cast("Json", body["request"])["uid"]
        return response


@contextmanager
def serving(
    tmp_path: Path,
    judge: Bench,
    limits: Limits | None = None,
    *,
    every: float = 60,
    connections: int = 64,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Caller]:
    """Serve until the block ends."""
    authority = Authority.make(tmp_path)
    audited: list[Json] = []
    told: list[str] = []
    service = Service(
        judge=judge,
        decider=Decider(
            limits=limits or Limits(),
            clock=clock,
            fault=lambda error: told.append(repr(error)),
        ),
        references=model_references,
        audit=lambda line: audited.append(json.loads(line)),
        now=lambda: "2026-11-26T12:00:00+00:00",
        clock=clock,
    )
    server = AdmissionServer(
        service,
        Listening(
            certificate=authority.server_certificate,
            key=authority.server_key,
            every=every,
            connections=connections,
        ),
        carrying=lambda reference, namespace: carrying(
            reference, Carrier.VOLUME, namespace=namespace
        ),
        told=told.append,
    )
    with (
        server,
        urllib3.PoolManager(
            ca_certs=str(authority.certificate), retries=False, timeout=60, maxsize=32
        ) as pool,
    ):
        yield Caller(server.port, pool, audited, told, server, service)


def pod(*references: str, name: str = "serving", **metadata: object) -> Json:
    """Return a Pod with these models in volumes."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "ml", **metadata},
        "spec": {
            "containers": [{"name": "server", "image": "registry.test/server:1"}],
            "volumes": [
                {"name": f"m{n}", "image": {"reference": each}}
                for n, each in enumerate(references)
            ],
        },
    }


def review(wanted: Json | None, before: Json | None = None, **request: object) -> Json:
    """Return an AdmissionReview as an API server sends it."""
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "requestKind": {"group": "", "version": "v1", "kind": "Pod"},
            "requestResource": {"group": "", "version": "v1", "resource": "pods"},
            "name": "serving",
            "namespace": "ml",
            "operation": "UPDATE" if before else "CREATE",
            "userInfo": {"username": "alice", "groups": ["system:authenticated"]},
            "object": wanted,
            "oldObject": before,
            "dryRun": False,
            "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"},
            **request,
        },
    }
