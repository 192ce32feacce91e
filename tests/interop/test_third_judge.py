"""node's @sigstore/verify, which shares no code with cosign or sigstore-python."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelpack.attestation.bundle import Bundle
from modelpack.attestation.statement import Statement
from modelpack.errors import VerificationError
from modelpack.oci.digest import Digest
from modelpack.signing.keyless import KeylessSigning
from modelpack.signing.log import LogKeys
from modelpack.signing.managed import KeySigning
from modelpack.signing.private_key import PrivateKey
from modelpack.signing.rekor import RekorLog
from modelpack.signing.trust import private_instance
from tests.interop.desk import Desk, Ran
from tests.interop.sigstore.private import Sigstore, private_sigstore

pytestmark = pytest.mark.interop

JUDGE = Path(__file__).with_name("judge.cjs")
STATEMENT = Statement.signature(Digest.of(b"a model"))
OTHER = Statement.signature(Digest.of(b"another model"))
ANNA = "anna@example.com"


@pytest.fixture(scope="module")
def sigstore(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sigstore]:
    with private_sigstore(tmp_path_factory.mktemp("sigstore")) as services:
        yield services


def judged(desk: Desk, sigstore: Sigstore, bundle: bytes, *who: str | Path) -> Ran:
    path = desk.home / "bundle.json"
    path.write_bytes(bundle)
    root = sigstore.trust.trusted_root
    return desk.try_peer("sigstore-verify", JUDGE, path, root, *who)


def by_key(sigstore: Sigstore, *, logged: bool) -> tuple[PrivateKey, KeySigning]:
    key = PrivateKey.generate()
    root = sigstore.trust.trusted_root
    logs = LogKeys.of_trusted_root(root.read_bytes())
    log = RekorLog(sigstore.rekor, logs) if logged else None
    return key, KeySigning(key=key, log=log)


def keyless(sigstore: Sigstore) -> KeylessSigning:
    config = sigstore.trust.client_trust_config.read_bytes()
    return KeylessSigning(
        lambda: private_instance(config=config), lambda _: sigstore.token(ANNA)
    )


@pytest.mark.parametrize("logged", [False, True])
def test_a_keys_bundle_is_accepted(
    desk: Desk, sigstore: Sigstore, *, logged: bool
) -> None:
    key, signer = by_key(sigstore, logged=logged)
    (desk.home / "key.pub").write_bytes(key.public.pem)
    good = signer.sign(STATEMENT)
    ran = judged(desk, sigstore, good.raw, "--key", desk.home / "key.pub")
    assert (ran.code, ran.out) == (0, STATEMENT.raw), ran.err
    (desk.home / "other.pub").write_bytes(PrivateKey.generate().public.pem)
    assert judged(desk, sigstore, good.raw, "--key", desk.home / "other.pub").code == 3


def test_a_keyless_bundle_is_accepted(desk: Desk, sigstore: Sigstore) -> None:
    signer = keyless(sigstore)
    good = signer.sign(STATEMENT)
    issuer = sigstore.issuer.people
    ran = judged(desk, sigstore, good.raw, "--identity", ANNA, issuer)
    assert (ran.code, ran.out) == (0, STATEMENT.raw), ran.err
    for who in (("ben@example.com", issuer), (ANNA, "https://issuer.test")):
        assert judged(desk, sigstore, good.raw, "--identity", *who).code == 3


PARTS = {
    "payload": ("dsseEnvelope", "payload"),
    "signature": ("dsseEnvelope", "signatures"),
    "certificate": ("verificationMaterial", "certificate"),
    "log entry": ("verificationMaterial", "tlogEntries"),
    "timestamps": ("verificationMaterial", "timestampVerificationData"),
}


def test_it_refuses_what_is_refused_here(desk: Desk, sigstore: Sigstore) -> None:
    """Parts of two good bundles: the same verdict by both, and each a control."""
    mine, theirs = (keyless(sigstore).sign(each).raw for each in (STATEMENT, OTHER))
    verifier = keyless(sigstore).own()
    issuer = sigstore.issuer.people
    assert verifier.verify(Bundle.parse(mine)).logged
    for name, (half, part) in PARTS.items():
        document = json.loads(mine)
        document[half][part] = json.loads(theirs)[half][part]
        raw = json.dumps(document).encode()
        ran = judged(desk, sigstore, raw, "--identity", ANNA, issuer)
        with pytest.raises(VerificationError):
            verifier.verify(Bundle.parse(raw))
        assert ran.code == 3, (name, ran.err)
