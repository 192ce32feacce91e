"""model_signing verifies what we sign without reading a weight, and the reverse."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from modelpack.signing.private_key import PrivateKey
from tests.interop.desk import Desk, Ran
from tests.interop.models import small_model
from tests.interop.registries import Running
from tests.interop.sigstore.keys import write_private
from tests.interop.sigstore.private import Sigstore, private_sigstore
from tests.interop.sigstore.tools import PASSWORD, address

pytestmark = pytest.mark.interop

Key = ec.EllipticCurvePrivateKey
KINDS: dict[str, Callable[[], Key]] = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
}


@pytest.fixture
def key(desk: Desk) -> str:
    """Name a key; its private half is plain, as model_signing reads no other."""
    _write_key(desk, KINDS["P-256"]())
    return "dev"


@pytest.fixture
def sigstore(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sigstore]:
    with private_sigstore(tmp_path_factory.mktemp("sigstore")) as running:
        yield running


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a model with names that sort in more than one way, and git's own files."""
    folder = small_model(tmp_path / "model")
    for name in ("nested-a", "nested.b", "nested/c", ".gitattributes", ".hidden"):
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def reference(distribution: Running, desk: Desk, model: Path) -> str:
    reference = f"{distribution.host}/team/model:v1"
    desk.modelpack("push", model, reference)
    return reference


def test_a_pulled_model_is_verified(desk: Desk, reference: str, key: str) -> None:
    pulled = _signed_and_pulled(desk, reference, key)
    accepted = _verify(desk, pulled, key)
    assert accepted.code == 0, accepted.err


def test_split_files_are_verified(
    distribution: Running, desk: Desk, model: Path, key: str
) -> None:
    """A file in parts has a digest of its own, which is none of its layers'."""
    reference = f"{distribution.host}/team/split:v1"
    desk.modelpack("push", "--split", "10KB", model, reference)
    accepted = _verify(desk, _signed_and_pulled(desk, reference, key), key)
    assert accepted.code == 0, accepted.err


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_key_is_verified(desk: Desk, reference: str, kind: str) -> None:
    _write_key(desk, KINDS[kind]())
    accepted = _verify(desk, _signed_and_pulled(desk, reference, "dev"), "dev")
    assert accepted.code == 0, accepted.err


def test_another_key_is_not(desk: Desk, reference: str, key: str) -> None:
    pulled = _signed_and_pulled(desk, reference, key)
    (desk.home / "mallory.pub").write_bytes(PrivateKey.generate().public.pem)
    assert _verify(desk, pulled, "mallory").code != 0


def _change(folder: Path) -> None:
    (folder / "weights.bin").write_bytes(b"others")


def _add(folder: Path) -> None:
    (folder / "nested" / "more.bin").touch()


def _remove(folder: Path) -> None:
    (folder / "nested" / "empty.txt").unlink()


@pytest.mark.parametrize("harm", [_change, _add, _remove])
def test_neither_accepts_other_files(
    desk: Desk, reference: str, key: str, harm: Callable[[Path], None]
) -> None:
    pulled = _signed_and_pulled(desk, reference, key)
    harm(pulled)
    assert _verify(desk, pulled, key).code != 0
    oms = ("--oms", "model.sig", "--key", f"{key}.pub")
    assert desk.try_modelpack("verify", *oms, pulled).code == 3


def test_what_it_signed_is_verified_here(desk: Desk, model: Path, key: str) -> None:
    desk.peer(
        *("model_signing", "sign", "key", "--private_key", f"{key}.pem"),
        *("--signature", "theirs.sig", model),
    )
    oms = ("--oms", "theirs.sig", "--key", f"{key}.pub")
    desk.modelpack("verify", *oms, model)
    (desk.home / "mallory.pub").write_bytes(PrivateKey.generate().public.pem)
    other = ("--oms", "theirs.sig", "--key", "mallory.pub")
    assert desk.try_modelpack("verify", *other, model).code == 3


def test_a_keyless_signature_is_verified(
    desk: Desk, reference: str, sigstore: Sigstore
) -> None:
    config = sigstore.trust.client_trust_config
    token = ("--identity-token", sigstore.token(address("dev")))
    desk.modelpack("sign", "--trust-config", config, *token, reference)
    desk.modelpack("pull", "-o", "pulled", "--oms", "model.sig", reference)
    accepted = _verify_keyless(desk, sigstore, "dev")
    assert accepted.code == 0, accepted.err
    assert _verify_keyless(desk, sigstore, "mallory").code != 0


def test_what_it_signed_keyless_is_verified_here(
    desk: Desk, model: Path, sigstore: Sigstore
) -> None:
    desk.peer(
        *("model_signing", "sign", "sigstore"),
        *("--trust_config", sigstore.trust.client_trust_config),
        *("--identity_token", sigstore.token(address("dev"))),
        *("--signature", "theirs.sig", model),
    )
    issuer = ("--certificate-oidc-issuer", sigstore.issuer.people)
    root = ("--trusted-root", sigstore.trust.trusted_root)
    asked = ("--oms", "theirs.sig", *root, *issuer)
    dev = ("--certificate-identity", address("dev"))
    desk.modelpack("verify", *asked, *dev, model)
    mallory = ("--certificate-identity", address("mallory"))
    assert desk.try_modelpack("verify", *asked, *mallory, model).code == 3


def _write_key(desk: Desk, key: Key) -> None:
    write_private(desk.home / "dev.pem", key)
    (desk.home / "dev.pub").write_bytes(PrivateKey.of(key).public.pem)


def _signed_and_pulled(desk: Desk, reference: str, key: str) -> Path:
    told = desk.told(MODELPACK_PASSWORD=PASSWORD)
    told.modelpack("sign", "--key", f"{key}.pem", reference)
    desk.modelpack("pull", "-o", "pulled", "--oms", "model.sig", reference)
    return desk.home / "pulled"


def _verify(desk: Desk, folder: Path, key: str) -> Ran:
    signed = ("--signature", "model.sig", "--public_key", f"{key}.pub")
    return desk.try_peer("model_signing", "verify", "key", *signed, folder)


def _verify_keyless(desk: Desk, sigstore: Sigstore, who: str) -> Ran:
    return desk.try_peer(
        *("model_signing", "verify", "sigstore", "--signature", "model.sig"),
        *("--trust_config", sigstore.trust.client_trust_config),
        *("--identity", address(who)),
        *("--identity_provider", sigstore.issuer.people),
        desk.home / "pulled",
    )
