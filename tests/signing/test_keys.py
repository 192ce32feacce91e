"""Keys in files: cosign's encrypted form, PEM, and what is neither."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

from modelpack.errors import InvalidInput, VerificationError
from modelpack.signing import secretbox
from modelpack.signing.private_key import PrivateKey
from modelpack.signing.public_key import PublicKey

PEM = serialization.Encoding.PEM
PLAIN = serialization.NoEncryption()
PKCS8 = serialization.PrivateFormat.PKCS8
KEY = PrivateKey.generate()
FILE = KEY.encrypted("secret")


def password() -> str:
    return "secret"


def never() -> str:
    raise AssertionError("no password is needed here")


def test_secretbox_is_the_one_of_nacl() -> None:
    # "Cryptography in NaCl", section 10; also tests/secretbox.c of the library.
    key = bytes.fromhex(
        "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389"
    )
    nonce = bytes.fromhex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37")
    message = bytes.fromhex(
        "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffc"
        "e5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb31"
        "0e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde"
        "048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f93776384864"
        "5e0705"
    )
    sealed = secretbox.seal(key, nonce, message)
    assert sealed.hex().startswith(
        "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce"
        "48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c972"
    )
    assert secretbox.unseal(key, nonce, sealed) == message
    for at in (0, 15, 16, len(sealed) - 1):
        broken = bytearray(sealed)
        broken[at] ^= 1
        with pytest.raises(VerificationError):
            secretbox.unseal(key, nonce, bytes(broken))


@pytest.mark.parametrize("secret", ["secret", "", "p\u00e4ssw\u00f6rd"])
def test_an_encrypted_key_is_read_back(secret: str) -> None:
    read = PrivateKey.parse(KEY.encrypted(secret), lambda: secret)
    assert read.public == KEY.public
    KEY.public.check(read.sign(b"message"), b"message")


def test_the_wrong_password_is_named_as_such() -> None:
    with pytest.raises(VerificationError, match="the password is not the key's"):
        PrivateKey.parse(FILE, lambda: "wrong")


def rewritten(change: Callable[[dict[str, Any]], object]) -> bytes:
    """Change what is inside the armour."""
    body = base64.b64decode(b"".join(FILE.split(b"\n")[1:-2]))
    document = json.loads(body)
    change(document)
    text = base64.b64encode(json.dumps(document).encode())
    first, last = FILE.split(b"\n")[0], FILE.split(b"\n")[-2]
    return b"\n".join((first, text, last, b""))


DAMAGED: dict[str, Callable[[dict[str, Any]], object]] = {
    "more work than cosign asks for": lambda d: d["kdf"]["params"].update(N=1 << 24),
    "another r": lambda d: d["kdf"]["params"].update(r=1 << 20),
    "another p": lambda d: d["kdf"]["params"].update(p=2),
    "no work": lambda d: d["kdf"]["params"].update(N=1),
    "another derivation": lambda d: d["kdf"].update(name="argon2"),
    "another cipher": lambda d: d["cipher"].update(name="aes"),
    "a short nonce": lambda d: d["cipher"].update(nonce="AAAA"),
    "no salt": lambda d: d["kdf"].pop("salt"),
    "a box that is not base64": lambda d: d.update(ciphertext="%"),
}


@pytest.mark.parametrize("change", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_key_file_is_refused(
    change: Callable[[dict[str, Any]], object],
) -> None:
    with pytest.raises(InvalidInput):
        PrivateKey.parse(rewritten(change), password)


def test_an_altered_box_is_refused() -> None:
    empty = rewritten(lambda d: d.update(ciphertext=""))
    with pytest.raises(VerificationError):
        PrivateKey.parse(empty, password)


def test_cosigns_older_label_is_read() -> None:
    older = re.sub(rb"SIGSTORE", b"COSIGN", FILE)
    assert PrivateKey.parse(older, password).public == KEY.public


KINDS: dict[str, tuple[Any, str]] = {
    "P-256": (ec.generate_private_key(ec.SECP256R1()), "PKIX_ECDSA_P256_SHA_256"),
    "P-384": (ec.generate_private_key(ec.SECP384R1()), "PKIX_ECDSA_P384_SHA_384"),
    "P-521": (ec.generate_private_key(ec.SECP521R1()), "PKIX_ECDSA_P521_SHA_512"),
    "RSA": (
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "PKIX_RSA_PKCS1V15_2048_SHA256",
    ),
    "Ed25519": (ed25519.Ed25519PrivateKey.generate(), "PKIX_ED25519"),
}


@pytest.mark.parametrize(("key", "details"), KINDS.values(), ids=KINDS.keys())
def test_plain_pem_of_each_kind_signs(key: Any, details: str) -> None:  # noqa: ANN401
    private = PrivateKey.parse(key.private_bytes(PEM, PKCS8, PLAIN), never)
    assert private.public.details == details
    signature = private.sign(b"message")
    public = PublicKey.parse(private.public.pem)
    public.check(signature, b"message")
    with pytest.raises(VerificationError):
        public.check(signature, b"another message")
    with pytest.raises(VerificationError):
        KEY.public.check(signature, b"message")


def test_encrypted_pem_asks_for_its_password() -> None:
    secret = serialization.BestAvailableEncryption(b"secret")
    content = KINDS["P-256"][0].private_bytes(PEM, PKCS8, secret)
    PrivateKey.parse(content, password)
    with pytest.raises(InvalidInput, match="password"):
        PrivateKey.parse(content, lambda: "wrong")


def test_p384_with_sha256_is_refused() -> None:
    key = KINDS["P-384"][0]
    signature = key.sign(b"message", ec.ECDSA(hashes.SHA256()))
    with pytest.raises(VerificationError):
        PublicKey.of(key.public_key()).check(signature, b"message")


WEAK: dict[str, Any] = {
    "RSA of 1024 bits": rsa.generate_private_key(
        public_exponent=65537,
        key_size=1024,  # noqa: S505 - this is what is refused
    ),
    "DSA": dsa.generate_private_key(2048),
    "secp256k1": ec.generate_private_key(ec.SECP256K1()),
}


@pytest.mark.parametrize("key", WEAK.values(), ids=WEAK.keys())
def test_kinds_that_are_not_supported_are_named(key: Any) -> None:  # noqa: ANN401
    with pytest.raises(InvalidInput, match="not of a kind"):
        PublicKey.of(key.public_key())
    with pytest.raises(InvalidInput, match="not of a kind"):
        PrivateKey.parse(key.private_bytes(PEM, PKCS8, PLAIN), never)


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"-----BEGIN PUBLIC KEY-----\n", KEY.public.pem[:-40]]
)
def test_what_is_no_key_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput):
        PublicKey.parse(content)
    with pytest.raises(InvalidInput):
        PrivateKey.parse(content, never)


def test_one_kind_of_key_is_not_taken_for_the_other() -> None:
    with pytest.raises(InvalidInput, match="not a private key"):
        PrivateKey.parse(KEY.public.pem, never)
    with pytest.raises(InvalidInput, match="not a public key"):
        PublicKey.parse(FILE)
