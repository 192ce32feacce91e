"""Measure the admission service: `python -m benchmarks.admission [--requests N]`.

The service is the real command in a process of its own, over TLS; who asks is another
process with connections that are kept alive, as an API server's are. Models and
signatures are in the embedded registry.
"""

import argparse
import base64
import http.client
import json
import multiprocessing
import os
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import modelpack
from modelpack.api import generate_key, sign_with_key
from modelpack.serve.registry import RegistryServer
from tests.interop.authority import Authority
from tests.policy.scene import image_policy
from tests.serve.admission.scene import Json, pod, review
from tests.workflows.signing import Person

_CALLERS = 8


@dataclass(frozen=True)
class Ran:
    """What came of many requests: seconds each, and how many were admitted."""

    seconds: Sequence[float]
    wall: float
    admitted: int

    def row(self, name: str) -> str:
        ordered = sorted(self.seconds)
        at = [ordered[int(len(ordered) * q) - 1] * 1000 for q in (0.5, 0.99)]
        return (
            f"| {name} | {len(ordered)} | {self.admitted} | "
            f"{len(ordered) / self.wall:.0f} | {at[0]:.1f} | {at[1]:.1f} |"
        )


def main(arguments: list[str]) -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="benchmarks.admission", description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--models", type=int, default=200)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, RegistryServer() as registry:
        root = Path(folder)
        names = _models(root, registry.address, chosen.models)
        with _service(root, registry.address) as (port, pid):
            print("| question | requests | admitted | a second | p50 ms | p99 ms |")
            print("|---|---:|---:|---:|---:|---:|")
            print(_ask(port, [review(pod(each)) for each in names]).row("new digests"))
            labelled = [review(pod(each, labels={"n": "1"})) for each in names]
            print(_ask(port, labelled).row("evidence known"))
            same = [review(pod(names[0]))] * chosen.requests
            before = _resident(pid)
            print(_ask(port, same).row("verdict known"))
            print(f"\nmemory: {before} MiB before, {_resident(pid)} MiB after")
    return 0


def _models(root: Path, address: str, count: int) -> list[str]:
    private, public = generate_key(root / "k", "x")
    signer = sign_with_key(private, lambda: "x", model_signature=False)
    folder = root / "model"
    folder.mkdir()
    names = []
    for number in range(count):
        (folder / "config.json").write_text(json.dumps({"n": number}))
        place = f"{address}/team/m{number % 10}:{number}"
        names.append(modelpack.push(folder, place, signer=signer).reference)
    key = {"data": public.read_text()}
    ctlog = {"insecureIgnoreTlog": True, "insecureIgnoreSCT": True}
    policy = image_policy(
        Person.new(),
        attestors=[{"name": "team", "cosign": {"key": key, "ctlog": ctlog}}],
        matchImageReferences=[{"glob": f"{address}/*"}],
    )
    (root / "policy.json").write_text(json.dumps(policy))
    return names


@contextmanager
def _service(root: Path, address: str) -> Iterator[tuple[int, int]]:
    authority = Authority.make(root)
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "modelpack", "admission", "serve"),
            *("--tls-cert", authority.server_certificate),
            *("--tls-key", authority.server_key),
            *("--policy", root / "policy.json", "--port", "0", "--drain", "0"),
            *("--plain-http-registry", address),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None  # noqa: S101 - for the type
        try:
            said = process.stderr.readline()
            yield int(said.rpartition(":")[2]), process.pid
        finally:
            process.terminate()


def _ask(port: int, bodies: Sequence[Json]) -> Ran:
    """Send every body from another process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        raw = [base64.b64encode(json.dumps(each).encode()).decode() for each in bodies]
        return pool.apply(_asked, (port, raw))


def _asked(port: int, raw: Sequence[str]) -> Ran:
    bodies = [base64.b64decode(each) for each in raw]
    seconds: list[float] = []
    admitted: list[bool] = []

    def call(mine: Sequence[bytes]) -> None:
        context = ssl._create_unverified_context()  # noqa: S323, SLF001 - it is ours
        caller = http.client.HTTPSConnection("127.0.0.1", port, context=context)
        for body in mine:
            begun = time.perf_counter()
            caller.request("POST", "/validate?timeout=30s", body)
            answer = json.loads(caller.getresponse().read())
            seconds.append(time.perf_counter() - begun)
            admitted.append(answer["response"]["allowed"] is True)
        caller.close()

    threads = [
        threading.Thread(target=call, args=(bodies[n::_CALLERS],))
        for n in range(_CALLERS)
    ]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Ran(seconds, time.perf_counter() - begun, sum(admitted))


def _resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
