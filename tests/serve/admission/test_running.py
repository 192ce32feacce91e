"""The certificate is renewed while it runs; the command starts, answers and ends."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import urllib3

from modelpack.policy.objects import Carrier, carrying
from modelpack.serve.registry import RegistryServer
from tests.interop.authority import Authority
from tests.policy.scene import image_policy
from tests.serve.admission.scene import GOOD, Bench, pod, review, serving
from tests.workflows.signing import Person


def presented(port: int) -> bytes | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), 30) as plain,
        context.wrap_socket(plain) as connection,
    ):
        return connection.getpeercert(binary_form=True)


def test_a_renewed_certificate_is_presented_and_a_broken_one_is_not(
    tmp_path: Path,
) -> None:
    with serving(tmp_path, Bench(), every=0.05) as caller:
        heard = threading.Event()

        def told(line: str) -> None:
            caller.told.append(line)
            heard.set()

        caller.server.told = told
        first = presented(caller.port)
        Authority.make(tmp_path)  # the same files, another key
        assert heard.wait(30)
        second = presented(caller.port)
        assert second not in (None, first)
        for _ in range(100):  # half of a pair may have been seen meanwhile
            heard.clear()
            (tmp_path / "server.pem").write_text("nothing")
            assert heard.wait(30)
            if caller.told[-1].startswith("kept: certificate: "):
                break
        assert presented(caller.port) == second
        assert caller.get("/readyz")[0] == 200
        assert "modelpack_admission_stale 1" in caller.get("/metrics")[1]


def test_the_command_serves_until_it_is_told_to_end(tmp_path: Path) -> None:
    authority = Authority.make(tmp_path)
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps(image_policy(Person.new())))
    secret = tmp_path / "secret"  # as Kubernetes mounts one
    (secret / "..data").mkdir(parents=True)
    (secret / "..data/.dockerconfigjson").write_text('{"auths": {}}')
    (secret / ".dockerconfigjson").symlink_to("..data/.dockerconfigjson")
    command: list[str | Path] = [
        *(sys.executable, "-m", "modelpack", "admission", "serve"),
        *("--tls-cert", authority.server_certificate),
        *("--tls-key", authority.server_key),
        *("--policy", policy, "--port", "0", "--drain", "0"),
        *("--pull-secret", secret),
    ]
    with (
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "HOME": str(tmp_path)},
        ) as process,
        urllib3.PoolManager(
            ca_certs=str(authority.certificate), timeout=60, retries=False
        ) as pool,
    ):
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            port = process.stderr.readline().strip().rpartition(":")[2]
            url = f"https://127.0.0.1:{port}/validate"
            allowed = [
                pool.request("POST", url, body=json.dumps(review(each)).encode())
                .json()["response"]
                .get("allowed")
                for each in (pod("registry.test/x:1"), {**pod(), "spec": {}})
            ]
            lines = [json.loads(process.stdout.readline()) for _ in allowed]
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert allowed == [False, True]
    assert [line["outcome"] for line in lines] == ["refused", "admitted"]
    assert process.returncode == 0, said
    assert said.splitlines()[-1] == "ended"


def test_what_is_wrong_at_the_start_is_said_at_once(tmp_path: Path) -> None:
    authority = Authority.make(tmp_path)
    policy = tmp_path / "policy.json"
    good = [
        *("--tls-cert", authority.server_certificate),
        *("--tls-key", authority.server_key, "--policy", policy),
    ]

    def run(*arguments: object) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "modelpack", "admission", "serve"]
            + [str(each) for each in arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.returncode, done.stderr

    policy.write_text(json.dumps(carrying(GOOD, Carrier.VOLUME)))
    code, said = run(*good)
    assert (code, "no policy that is supported" in said) == (2, True)
    policy.write_text(
        json.dumps(image_policy(Person.new(), matchImageReferences=[{"glob": "*"}]))
    )
    code, said = run(*good)
    assert (code, "--registry HOST" in said) == (2, True)
    policy.write_text(json.dumps(image_policy(Person.new())))
    authority.server_key.write_text("nothing")
    code, said = run(*good)
    assert (code, "no certificate with its key" in said) == (2, True)
    Authority.make(tmp_path)
    code, said = run(*good, "--pull-secret", tmp_path / "none")
    assert (code, "holds no docker logins" in said) == (2, True)
    with RegistryServer(tmp_path / "registry") as taken:
        code, said = run(*good, "--port", taken.address.rpartition(":")[2])
    assert (code, "in use" in said) == (7, True)
