"""The private Sigstore: `with private_sigstore(folder) as sigstore`."""

import fcntl
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.interop.peers import cache_folder, lacking
from tests.interop.ports import free_port
from tests.interop.sigstore import ct_log
from tests.interop.sigstore.authority import SigningAuthority
from tests.interop.sigstore.ct_log import CtLog
from tests.interop.sigstore.issuer import CLIENT, Issuer
from tests.interop.sigstore.keys import write_private, write_public
from tests.interop.sigstore.service import Service, running
from tests.interop.sigstore.trust import (
    Trust,
    authority,
    log,
    note_log_id,
    signing_config,
    trusted_root,
)
from tests.interop.sigstore.web import HOST, Answer, served

_METRICS = 2112  # of timestamp-server, on all interfaces; no flag moves it
_PATIENCE = 20.0  # seconds, for a program that does not know of the lock
_POLL = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sigstore:
    """All three services answer, and `trust` describes them.

    `folder` has what they do not keep secret as PEM, too: `ca.pem`, `ct.pub`,
    `rekor.pub` and `timestamps.pem`.
    """

    folder: Path
    issuer: Issuer
    fulcio: str
    rekor: str
    timestamps: str
    trust: Trust

    def token(self, email: str) -> str:
        return self.issuer.token(email)

    def ci_token(self, repository: str) -> str:
        return self.issuer.ci_token(repository)


def no_sigstore(folder: Path) -> Sigstore:
    """Return the files for those who sign with a key and tell no one."""
    nowhere = "http://sigstore.invalid"
    root = trusted_root(logs=[], ct_logs=[], authorities=[], timestamps=[])
    config = signing_config(
        fulcio=nowhere, issuer=nowhere, rekor=nowhere, timestamps=nowhere
    )
    return Sigstore(
        folder=folder,
        issuer=Issuer.make(nowhere),
        fulcio=nowhere,
        rekor=nowhere,
        timestamps=nowhere,
        trust=Trust.write(folder, root=root, config=config),
    )


@contextmanager
def private_sigstore(folder: Path) -> Iterator[Sigstore]:
    """Start one with keys of its own; wait while another one runs on this machine.

    It takes a fraction of a second, so each test has its own: its log is empty.
    """
    with ExitStack() as stack:
        stack.enter_context(_alone())
        certificates, transparency = SigningAuthority.make(), CtLog.make()
        issuer = stack.enter_context(_issuer(transparency))
        fulcio, fulcio_url = stack.enter_context(
            _fulcio(folder, certificates, transparency, issuer)
        )
        rekor_key = ed25519.Ed25519PrivateKey.generate()
        rekor, rekor_url = stack.enter_context(_rekor(folder, rekor_key))
        stamping, stamping_url = stack.enter_context(_timestamps(folder))
        fulcio.answer(f"{fulcio_url}/api/v2/trustBundle")
        rekor.answer(f"{rekor_url}/healthz")
        stamping_chain = stamping.answer(f"{stamping_url}/certchain")
        (folder / "timestamps.pem").write_bytes(stamping_chain)
        root = trusted_root(
            logs=[
                log(
                    rekor_url,
                    rekor_key,
                    details="PKIX_ED25519",
                    log_id=note_log_id(HOST, rekor_key),
                )
            ],
            ct_logs=[
                log(
                    issuer.url,
                    transparency.key,
                    details="PKIX_ECDSA_P256_SHA_256",
                    log_id=transparency.log_id,
                )
            ],
            authorities=[authority("root", fulcio_url, certificates.chain)],
            timestamps=[
                authority(
                    "timestamps",
                    stamping_url,
                    x509.load_pem_x509_certificates(stamping_chain),
                )
            ],
        )
        config = signing_config(
            fulcio=fulcio_url,
            issuer=issuer.people,
            rekor=rekor_url,
            timestamps=stamping_url,
        )
        yield Sigstore(
            folder=folder,
            issuer=issuer,
            fulcio=fulcio_url,
            rekor=rekor_url,
            timestamps=stamping_url,
            trust=Trust.write(folder, root=root, config=config),
        )


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the machine's lock, since timestamp-server has one port for metrics."""
    path = cache_folder() / "sigstore.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        deadline = time.monotonic() + _PATIENCE
        while _taken(_METRICS):
            if time.monotonic() > deadline:
                lacking(f"another program has port {_METRICS}, without which no TSA")
            time.sleep(_POLL)
        yield


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


@contextmanager
def _issuer(transparency: CtLog) -> Iterator[Issuer]:
    made: list[Issuer] = []

    def make(url: str) -> Answer:
        made.append(Issuer.make(url))

        def answer(path: str, posted: bytes | None) -> object:
            if posted is None:
                return made[0].answer(path)
            if path != ct_log.PATH:
                return None
            return transparency.answer(json.loads(posted)["chain"])

        return answer

    with served(make):
        yield made[0]


@contextmanager
def _fulcio(
    folder: Path, certificates: SigningAuthority, transparency: CtLog, issuer: Issuer
) -> Iterator[tuple[Service, str]]:
    kinds = {issuer.people: "email", issuer.workflows: "github-workflow"}
    issuers = {
        url: {"IssuerURL": url, "ClientID": CLIENT, "Type": kind}
        for url, kind in kinds.items()
    }
    (folder / "fulcio.yaml").write_text(json.dumps({"OIDCIssuers": issuers}))
    write_private(folder / "ca.key", certificates.key)
    chain = [
        each.public_bytes(serialization.Encoding.PEM) for each in certificates.chain
    ]
    (folder / "ca.pem").write_bytes(b"".join(chain))
    write_public(folder / "ct.pub", transparency.key)
    port = free_port()
    with running(
        "fulcio",
        folder,
        "--ca=fileca",
        "--fileca-cert=ca.pem",
        "--fileca-key=ca.key",
        "--fileca-key-passwd=unused",  # has to be there, though the key is plain
        "--fileca-watch=false",
        "--config-path=fulcio.yaml",
        f"--ct-log-url={issuer.url}",
        "--ct-log-public-key-path=ct.pub",
        f"--host={HOST}",
        f"--port={port}",
        f"--grpc-host={HOST}",
        f"--grpc-port={free_port()}",
        "--metrics-port=0",
        # The default name is one for the whole machine.
        f"--legacy-unix-domain-socket=@modelpack-fulcio-{port}",
    ) as service:
        yield service, f"http://{HOST}:{port}"


@contextmanager
def _rekor(
    folder: Path, key: ed25519.Ed25519PrivateKey
) -> Iterator[tuple[Service, str]]:
    write_private(folder / "rekor.key", key)
    write_public(folder / "rekor.pub", key)
    port = free_port()
    with running(
        "rekor",
        folder,
        # The name in its checkpoints: sigstore-go wants the host of the log's URL.
        f"--hostname={HOST}",
        f"--http-address={HOST}",
        f"--http-port={port}",
        f"--grpc-address={HOST}",
        f"--grpc-port={free_port()}",
        "--http-metrics-port=0",
        "--storage-dir=rekor",
        "--signer-filepath=rekor.key",
        "--checkpoint-interval=100ms",
        "--batch-max-age=20ms",
    ) as service:
        yield service, f"http://{HOST}:{port}"


@contextmanager
def _timestamps(folder: Path) -> Iterator[tuple[Service, str]]:
    port = free_port()
    with running(
        "timestamp-server",
        folder,
        f"--host={HOST}",
        f"--port={port}",
        "--timestamp-signer=memory",
        "--disable-ntp-monitoring",
    ) as service:
        yield service, f"http://{HOST}:{port}/api/v1/timestamp"
