"""Whom one has to trust: every part of a trusted root counts, for both tools."""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from modelpack.signing.private_key import PrivateKey
from tests.interop.desk import Desk, Ran
from tests.interop.registries import Running
from tests.interop.sigstore.authority import SigningAuthority
from tests.interop.sigstore.ct_log import CtLog
from tests.interop.sigstore.issuer import Issuer
from tests.interop.sigstore.private import Sigstore, private_sigstore
from tests.interop.sigstore.tools import (
    PASSWORD,
    Cosign,
    Modelpack,
    Tool,
    Way,
    address,
)
from tests.interop.sigstore.trust import authority, log, note_log_id
from tests.interop.sigstore.web import HOST
from tests.interop.stores import store_at
from tests.stores.contract import push

pytestmark = pytest.mark.interop

REPOSITORY = "acme/models"
NOWHERE = f"http://{HOST}:9"
SINCE = "start-time=2024-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Something to sign in a registry, and both tools."""

    reference: str
    desk: Desk
    sigstore: Sigstore

    @property
    def tools(self) -> tuple[Tool, Tool]:
        desk, sigstore = self.desk, self.sigstore
        return Cosign(desk, sigstore), Modelpack(desk, sigstore)

    def write_key(self) -> None:
        key = PrivateKey.generate()
        (self.desk.home / "dev.key").write_bytes(key.encrypted(PASSWORD))
        (self.desk.home / "dev.pub").write_bytes(key.public.pem)


@pytest.fixture
def stage(
    distribution: Running, desk: Desk, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    artifact = push(store_at(distribution), b"weights", "v1").descriptor
    reference = f"{distribution.host}/team/model@{artifact.digest}"
    with private_sigstore(tmp_path_factory.mktemp("sigstore")) as sigstore:
        yield Stage(reference=reference, desk=desk, sigstore=sigstore)


def _other_authority(sigstore: Sigstore) -> object:
    return authority("root", sigstore.fulcio, SigningAuthority.make().chain)


def _other_stamping(sigstore: Sigstore) -> object:
    chain = SigningAuthority.make().chain
    return authority("timestamps", sigstore.timestamps, chain)


def _other_log(sigstore: Sigstore) -> object:
    key = ed25519.Ed25519PrivateKey.generate()
    log_id = note_log_id(HOST, key)
    return log(sigstore.rekor, key, details="PKIX_ED25519", log_id=log_id)


def _other_key_of_log(sigstore: Sigstore) -> object:
    """The right name, with another key behind it."""
    own = json.loads(sigstore.trust.trusted_root.read_text())["tlogs"][0]
    other = json.loads(json.dumps(_other_log(sigstore)))
    return {**other, "logId": own["logId"]}


def _other_ct_log(sigstore: Sigstore) -> object:
    made = CtLog.make()
    details = "PKIX_ECDSA_P256_SHA_256"
    return log(sigstore.issuer.url, made.key, details=details, log_id=made.log_id)


def _other_key_of_ct_log(sigstore: Sigstore) -> object:
    own = json.loads(sigstore.trust.trusted_root.read_text())["ctlogs"][0]
    key = ec.generate_private_key(ec.SECP256R1())
    details = "PKIX_ECDSA_P256_SHA_256"
    other = log(sigstore.issuer.url, key, details=details, log_id=b"")
    return {**other, "logId": own["logId"]}


OTHERS: list[tuple[str, Callable[[Sigstore], object]]] = [
    ("certificateAuthorities", _other_authority),
    ("timestampAuthorities", _other_stamping),
    ("tlogs", _other_log),
    ("tlogs", _other_key_of_log),
    ("ctlogs", _other_ct_log),
    ("ctlogs", _other_key_of_ct_log),
]


@pytest.mark.parametrize(("part", "other"), OTHERS)
def test_a_keyless_signature_needs_every_part(
    stage: Stage, part: str, other: Callable[[Sigstore], object]
) -> None:
    cosign, ours = stage.tools
    cosign.sign("dev", Way.KEYLESS, stage.reference)
    ours.sign("dev", Way.KEYLESS, stage.reference)
    for tool in stage.tools:
        verified = tool.verify("dev", Way.KEYLESS, stage.reference)
        assert verified.code == 0, verified.err
    _replace(stage.sigstore.trust.trusted_root, part, [other(stage.sigstore)])
    for tool in stage.tools:
        assert tool.verify("dev", Way.KEYLESS, stage.reference).code in (1, 3, 10)


@pytest.mark.parametrize(
    "part",
    [
        "certificateAuthorities",
        "timestampAuthorities",
        "ctlogs",
        "tlogs",
    ],
)
def test_a_trusted_root_without_a_part_is_not_enough(stage: Stage, part: str) -> None:
    stage.tools[0].sign("dev", Way.KEYLESS, stage.reference)
    _replace(stage.sigstore.trust.trusted_root, part, [])
    for tool in stage.tools:
        assert tool.verify("dev", Way.KEYLESS, stage.reference).code != 0


@pytest.mark.parametrize("other", [_other_log, _other_key_of_log])
def test_a_logged_signature_needs_the_log(
    stage: Stage, other: Callable[[Sigstore], object]
) -> None:
    stage.write_key()
    cosign, _ = stage.tools
    cosign.sign("dev", Way.LOGGED, stage.reference)
    _replace(stage.sigstore.trust.trusted_root, "tlogs", [other(stage.sigstore)])
    for tool in stage.tools:
        assert tool.verify("dev", Way.LOGGED, stage.reference).code in (1, 3, 10)


def test_a_workflow_signs_and_both_know_it(stage: Stage) -> None:
    trust, issuer = stage.sigstore.trust, stage.sigstore.issuer
    token = ("--identity-token", stage.sigstore.ci_token(REPOSITORY))
    config = ("--trust-config", trust.client_trust_config)
    stage.desk.modelpack("sign", *config, *token, stage.reference)
    root = ("--trusted-root", trust.trusted_root)
    by = ("--certificate-oidc-issuer", issuer.workflows)
    exact = ("--certificate-identity", issuer.ci_identity(REPOSITORY))
    stage.desk.peer("cosign", "verify", *root, *by, *exact, stage.reference)
    stage.desk.modelpack("verify", *root, *by, *exact, stage.reference)
    wide = ("--certificate-identity-regexp", "https://github\\.com/acme/models/.*")
    stage.desk.modelpack("verify", *root, *by, *wide, stage.reference)
    # All of it has to match here; a part is enough for cosign.
    part = ("--certificate-identity-regexp", "github\\.com/acme/models")
    stage.desk.peer("cosign", "verify", *root, *by, *part, stage.reference)
    refused = stage.desk.try_modelpack("verify", *root, *by, *part, stage.reference)
    assert refused.code == 3


def test_files_that_cosign_wrote_are_read(stage: Stage) -> None:
    _write_with_cosign(stage)
    stage.write_key()
    desk = stage.desk.told(MODELPACK_PASSWORD=PASSWORD)
    root = ("--trusted-root", "root.json")
    config = (*root, "--signing-config", "config.json")
    token = ("--identity-token", stage.sigstore.token(address("dev")))
    desk.modelpack("sign", *config, *token, stage.reference)
    desk.modelpack("sign", *config, "--key", "dev.key", stage.reference)
    identity = ("--certificate-identity", address("dev"))
    issuer = ("--certificate-oidc-issuer", stage.sigstore.issuer.people)
    desk.modelpack("verify", *root, *identity, *issuer, stage.reference)
    logged = ("--key", "dev.pub", "--require-tlog")
    desk.modelpack("verify", *root, *logged, stage.reference)


def test_a_config_without_a_log_tells_no_one(stage: Stage) -> None:
    """`cosign signing-config create` writes it, and signs with it."""
    stage.write_key()
    desk = stage.desk.told(MODELPACK_PASSWORD=PASSWORD, COSIGN_PASSWORD=PASSWORD)
    desk.peer("cosign", "signing-config", "create", "--out", "config.json")
    flags = ("--key", "dev.key", "--signing-config", "config.json")
    root = ("--trusted-root", stage.sigstore.trust.trusted_root)
    desk.peer("cosign", "sign", "--yes", *flags, *root, stage.reference)
    desk.modelpack("sign", *flags, *root, stage.reference)


def test_a_log_that_has_ended_is_passed_over(stage: Stage) -> None:
    stage.write_key()
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    path = stage.sigstore.trust.signing_config_of_keys
    config = json.loads(path.read_text())
    (current,) = config["rekorTlogUrls"]
    valid = {"start": "2024-01-01T00:00:00Z", "end": now}
    ended = {**current, "url": NOWHERE, "validFor": valid}
    _replace(path, "rekorTlogUrls", [ended, current])
    desk = stage.desk.told(MODELPACK_PASSWORD=PASSWORD, COSIGN_PASSWORD=PASSWORD)
    flags = ("--key", "dev.key", "--signing-config", path)
    root = ("--trusted-root", stage.sigstore.trust.trusted_root)
    desk.peer("cosign", "sign", "--yes", *flags, *root, stage.reference)
    desk.modelpack("sign", *flags, *root, stage.reference)


@pytest.mark.parametrize("part", ["caUrls", "rekorTlogUrls", "tsaUrls"])
def test_what_cannot_be_signed_is_not_attached(
    stage: Stage, distribution: Running, part: str
) -> None:
    config = stage.sigstore.trust.signing_config
    (service,) = json.loads(config.read_text())[part]
    _replace(config, part, [{**service, "url": NOWHERE}])
    root = ("--trusted-root", stage.sigstore.trust.trusted_root)
    token = ("--identity-token", stage.sigstore.token(address("dev")))
    services = (*root, "--signing-config", config, *token)
    failed = stage.desk.try_modelpack("sign", *services, stage.reference)
    assert failed.code == 5
    assert "the signing services of Sigstore" in failed.err
    _, _, tag = stage.reference.partition("@")
    fallback = tag.replace(":", "-")
    assert fallback not in store_at(distribution).tags()


def test_tokens_that_are_no_good_are_refused(stage: Stage) -> None:
    forged = Issuer.make(stage.sigstore.issuer.url)
    stranger = Issuer.make(NOWHERE)
    for issuer in (forged, stranger):
        refused = _sign_with(stage, issuer.token(address("dev")))
        assert refused.code in (5, 6), refused.err
    assert _sign_with(stage, "no.token.atall").code == 6


def _sign_with(stage: Stage, token: str) -> Ran:
    config = ("--trust-config", stage.sigstore.trust.client_trust_config)
    signs = ("sign", *config, "--identity-token", token)
    return stage.desk.try_modelpack(*signs, stage.reference)


def _replace(path: Path, part: str, value: list[object]) -> None:
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, part: value}))


def _write_with_cosign(stage: Stage) -> None:
    """Write `root.json` and `config.json` as cosign's documentation says."""
    sigstore, folder = stage.sigstore, stage.sigstore.folder
    stage.desk.peer(
        *("cosign", "trusted-root", "create", "--out", "root.json"),
        f"--fulcio=url={sigstore.fulcio},certificate-chain={folder}/ca.pem",
        f"--ctfe=url={sigstore.issuer.url},public-key={folder}/ct.pub,{SINCE}",
        f"--rekor=url={sigstore.rekor},public-key={folder}/rekor.pub,{SINCE}"
        f",origin={HOST}",
        f"--tsa=url={sigstore.timestamps},certificate-chain={folder}/timestamps.pem",
    )
    one = f"{SINCE},operator=tests"
    stage.desk.peer(
        *("cosign", "signing-config", "create", "--out", "config.json"),
        f"--fulcio=url={sigstore.fulcio},api-version=1,{one}",
        f"--rekor=url={sigstore.rekor},api-version=2,{one}",
        "--rekor-config=ANY",
        f"--oidc-provider=url={sigstore.issuer.people},api-version=1,{one}",
        f"--tsa=url={sigstore.timestamps},api-version=1,{one}",
        "--tsa-config=ANY",
    )
