"""Key files: what cosign writes is read here, and the other way round."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from modelpack.errors import VerificationError
from modelpack.signing.private_key import PrivateKey
from modelpack.signing.public_key import PublicKey
from tests.interop.desk import Desk
from tests.interop.registries import Running
from tests.interop.sigstore.keys import write_private
from tests.interop.sigstore.private import no_sigstore
from tests.interop.sigstore.tools import PASSWORD, Cosign, Modelpack, Way
from tests.interop.stores import store_at
from tests.stores.contract import push

pytestmark = pytest.mark.interop

MESSAGE = b"signed by either"
Kind = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
KINDS: dict[str, Callable[[], Kind]] = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "RSA-2048": lambda: rsa.generate_private_key(65537, 2048),
    "RSA-3072": lambda: rsa.generate_private_key(65537, 3072),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}


@pytest.fixture
def cosign(desk: Desk, tmp_path: Path) -> Cosign:
    return Cosign(desk, no_sigstore(tmp_path))


def test_a_key_that_cosign_generated_is_read(cosign: Cosign, desk: Desk) -> None:
    cosign.generate_key("dev")
    private = PrivateKey.parse((desk.home / "dev.key").read_bytes(), lambda: PASSWORD)
    public = PublicKey.parse((desk.home / "dev.pub").read_bytes())
    assert private.public == public
    public.check(private.sign(MESSAGE), MESSAGE)
    assert public.pem == (desk.home / "dev.pub").read_bytes()


def test_it_is_not_read_with_another_password(cosign: Cosign, desk: Desk) -> None:
    cosign.generate_key("dev")
    with pytest.raises(VerificationError, match="the password is not the key's"):
        PrivateKey.parse((desk.home / "dev.key").read_bytes(), lambda: "of another")


@pytest.mark.parametrize("password", ["", "größer", "of a test"])
def test_both_make_the_same_of_a_password(desk: Desk, password: str) -> None:
    told = desk.told(COSIGN_PASSWORD=password)
    told.peer("cosign", "generate-key-pair", "--output-key-prefix", "cosign")
    PrivateKey.parse((desk.home / "cosign.key").read_bytes(), lambda: password)
    key = PrivateKey.generate()
    (desk.home / "own.key").write_bytes(key.encrypted(password))
    found = told.peer("cosign", "public-key", "--key", "own.key")
    assert found.out == key.public.pem


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_that_cosign_imported_is_read(desk: Desk, kind: str) -> None:
    made = KINDS[kind]()
    write_private(desk.home / "made.pem", made)
    told = desk.told(COSIGN_PASSWORD=PASSWORD)
    told.peer("cosign", *("import-key-pair", "--key", "made.pem"))
    private = PrivateKey.parse(
        (desk.home / "import-cosign.key").read_bytes(), lambda: PASSWORD
    )
    assert private.public == PrivateKey.of(made).public
    private.public.check(private.sign(MESSAGE), MESSAGE)


@pytest.mark.parametrize("kind", KINDS)
def test_cosign_reads_every_kind_of_key_written_here(desk: Desk, kind: str) -> None:
    key = PrivateKey.of(KINDS[kind]())
    (desk.home / "own.key").write_bytes(key.encrypted(PASSWORD))
    told = desk.told(COSIGN_PASSWORD=PASSWORD)
    found = told.peer("cosign", "public-key", "--key", "own.key")
    assert found.out == key.public.pem


def test_cosign_signs_with_a_key_written_here(
    distribution: Running, cosign: Cosign, desk: Desk
) -> None:
    artifact = push(store_at(distribution), b"weights", "v1").descriptor
    reference = f"{distribution.host}/team/model@{artifact.digest}"
    Modelpack(desk, cosign.sigstore).generate_key("dev")
    cosign.sign("dev", Way.KEY, reference)
    verified = cosign.verify("dev", Way.KEY, reference)
    assert verified.code == 0, verified.err
