"""Keys that do not leave their token: SoftHSM's sign, cosign verifies."""

import os
from collections.abc import Iterator
from pathlib import Path

import pkcs11
import pytest
from pkcs11 import Attribute, ObjectClass

from modelpack.signing.public_key import PublicKey
from tests.interop import softhsm
from tests.interop.desk import Desk
from tests.interop.registries import Running
from tests.interop.sigstore.private import no_sigstore
from tests.interop.sigstore.tools import PREDICATE, Cosign, Way, predicate
from tests.interop.stores import store_at
from tests.stores.contract import push

pytestmark = pytest.mark.interop

SIGNATURE = "https://sigstore.dev/cosign/sign/v1"


@pytest.fixture
def token(desk: Desk) -> Iterator[softhsm.Token]:
    with softhsm.token(desk) as made:
        yield made


@pytest.fixture
def told(desk: Desk, token: softhsm.Token) -> Desk:
    return desk.told(SOFTHSM2_CONF=str(token.settings))


@pytest.fixture
def model(distribution: Running) -> str:
    artifact = push(store_at(distribution), b"weights", "v1").descriptor
    return f"{distribution.host}/team/model@{artifact.digest}"


@pytest.mark.parametrize("label", softhsm.KEYS)
def test_cosign_verifies_what_a_token_signed(
    told: Desk, token: softhsm.Token, model: str, label: str
) -> None:
    key = token.key(f"object={label}")
    public = told.modelpack("key", "inspect", key)
    (told.home / "dev.pub").write_bytes(public.out)
    told.modelpack("sign", "--key", key, model)
    # cosign has to be told of the hash that goes with a curve.
    digest = {"p384": "sha384", "p521": "sha512"}.get(label, "sha256")
    told.peer(
        *("cosign", "verify", "--key", "dev.pub", "--insecure-ignore-tlog"),
        *("--signature-digest-algorithm", digest, model),
    )
    # The file, and the token itself, which shows a public key without its PIN.
    for believed in ("dev.pub", token.key(f"object={label}", query="")):
        found = told.modelpack("verify", "--key", believed, model)
        assert f"{SIGNATURE} by key sha256:" in found.err


def test_cosign_verifies_what_a_token_attested(
    told: Desk, token: softhsm.Token, model: str, tmp_path: Path
) -> None:
    key = token.key("object=p256")
    (told.home / "dev.pub").write_bytes(told.modelpack("key", "inspect", key).out)
    told.modelpack(
        *("attest", "--key", key, "--type", PREDICATE),
        *("--predicate", predicate(told), model),
    )
    cosign = Cosign(told, no_sigstore(tmp_path))
    attested = cosign.verify_attestation("dev", Way.KEY, model)
    assert attested.code == 0, attested.err


def test_a_key_of_the_token_is_not_another_key_of_it(
    told: Desk, token: softhsm.Token, model: str
) -> None:
    told.modelpack("sign", "--key", token.key("id=%00%01"), model)
    same = f"slot-id={token.slot};object=p256;id=%00%01;type=public"
    told.modelpack("verify", "--key", token.key(same), model)
    other = told.try_modelpack("verify", "--key", token.key("id=%00%02"), model)
    assert other.code == 3


def test_the_private_key_cannot_leave(token: softhsm.Token) -> None:
    """What is asserted of the token that the other tests sign with."""
    found = pkcs11.lib(str(token.module)).get_token(token_label=softhsm.LABEL)
    with found.open(user_pin=softhsm.PIN) as session:
        private = list(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY}))
        assert len(private) == len(softhsm.KEYS)
        for key in private:
            assert key[Attribute.SENSITIVE]
            assert not key[Attribute.EXTRACTABLE]


def test_pin_and_module_from_the_environment_as_cosign_has_them(
    told: Desk, token: softhsm.Token, model: str
) -> None:
    at = told.told(COSIGN_PKCS11_MODULE_PATH=str(token.module))
    name = "pkcs11:object=rsa"
    refused = at.try_modelpack("sign", "--key", name, model)
    assert refused.code == 2
    assert "PIN" in refused.err
    assert "COSIGN_PKCS11_PIN" in refused.err
    at.told(COSIGN_PKCS11_PIN=softhsm.PIN).modelpack("sign", "--key", name, model)
    at.modelpack("verify", "--key", name, model)


WRONG = {
    "another PIN": ("object=p256", "&pin-value=9876", 6, "refuses the PIN"),
    "no such key": ("object=nobody", "", 2, "0 keys fit"),
    "no such token": ("object=p256;serial=1", "", 2, "0 tokens fit"),
    "no such slot": ("object=p256;slot-id=99", "", 2, "0 tokens fit"),
}


@pytest.mark.parametrize(
    ("path", "query", "code", "said"), WRONG.values(), ids=WRONG.keys()
)
def test_what_is_wrong_is_said_without_the_pin(
    told: Desk,
    token: softhsm.Token,
    model: str,
    path: str,
    query: str,
    code: int,
    said: str,
) -> None:
    key = token.key(path, query or f"&pin-value={softhsm.PIN}")
    ran = told.try_modelpack("sign", "--key", key, model)
    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert "pin-value" not in ran.err
    assert told.try_modelpack("verify", "--key", key, model).code != 0


def test_a_module_that_is_none_is_named(told: Desk, model: str) -> None:
    for module in ("/nowhere.so", str(told.home / "softhsm2.conf")):
        key = f"pkcs11:object=p256?module-path={module}&pin-value={softhsm.PIN}"
        ran = told.try_modelpack("sign", "--key", key, model)
        assert ran.code == 7
        assert module in ran.err


def test_two_keys_of_one_name_are_not_chosen_from(
    told: Desk, token: softhsm.Token, model: str
) -> None:
    found = pkcs11.lib(str(token.module)).get_token(token_label=softhsm.LABEL)
    with found.open(rw=True, user_pin=softhsm.PIN) as session:
        for _ in range(2):
            session.generate_keypair(
                pkcs11.KeyType.RSA, 2048, store=True, label="twin", id=os.urandom(4)
            )
    ran = told.try_modelpack("sign", "--key", token.key("object=twin"), model)
    assert ran.code == 2
    assert "2 keys fit" in ran.err


def test_the_public_key_of_a_hidden_object_needs_the_pin(
    told: Desk, token: softhsm.Token
) -> None:
    found = pkcs11.lib(str(token.module)).get_token(token_label=softhsm.LABEL)
    with found.open(rw=True, user_pin=softhsm.PIN) as session:
        session.generate_keypair(
            pkcs11.KeyType.RSA,
            2048,
            store=True,
            label="hidden",
            public_template={Attribute.PRIVATE: True},
        )
    key = token.key("object=hidden")
    shown = told.modelpack("key", "inspect", key)
    assert PublicKey.parse(shown.out).details == "PKIX_RSA_PKCS1V15_2048_SHA256"
    unknown = told.try_modelpack("key", "inspect", token.key("object=hidden", ""))
    assert unknown.code == 2
