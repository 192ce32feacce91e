"""Names of keys in services; AWS KMS and Vault's transit, as their APIs say it.

"AWS Key Management Service API Reference", GetPublicKey and Sign; "Transit secrets
engine (API)". No service of either kind runs on loopback, and moto signs the digest of
the digest that it is given; so there are two servers here that know two requests each.
"""

import base64
import json
from collections.abc import Callable, Iterator

import boto3
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import (
    ec,
    ed25519,
    padding,
    rsa,
    utils,
)

from modelpack.api.key_names import named_key, named_public_key
from modelpack.errors import (
    AuthenticationError,
    InvalidInput,
    RegistryError,
    VerificationError,
)
from modelpack.signing.kms import KmsKey
from tests.registry.scripted import Asked, Say, Scripted

MESSAGE = b"signed by a service"

REFUSED = {
    "an endpoint of AWS": ("awskms://localhost:4566/alias/k", "AWS_ENDPOINT_URL_KMS"),
    "no key of AWS": ("awskms:///", "awskms:///KEY-ID"),
    "Google without a version": (
        "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k",
        "with the version",
    ),
    "Google by another path": (
        "gcpkms://projects/p/places/l/keyRings/r/cryptoKeys/k/versions/1",
        "with the version",
    ),
    "Azure elsewhere": ("azurekms://v.vault.example.com/k", "vault.azure.net"),
    "a host that only ends like Azure's": (
        "azurekms://evil.example.vault.azure.net/k",
        "vault.azure.net",
    ),
    "a version in Azure": ("azurekms://v.vault.azure.net/k/1", "newest version"),
    "a path in Vault": ("hashivault://transit/k", "hashivault://KEY"),
}


@pytest.mark.parametrize(("uri", "hint"), REFUSED.values(), ids=REFUSED.keys())
def test_a_name_that_cannot_be_honoured_is_refused(uri: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        KmsKey.open(uri)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "name", ["k8s://team/key", "gitlab://project", "openpgp4fpr://x", "file:///k"]
)
def test_keys_of_other_places_are_refused_by_name(name: str) -> None:
    for read in (named_public_key, lambda name: named_key(name, lambda: "")):
        with pytest.raises(InvalidInput, match=f"keys of {name.partition(':')[0]}://"):
            read(name)


AwsKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
_HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


class Aws:
    """One key; what it can do is what the reference says of its ``KeySpec``."""

    def __init__(self, key: AwsKey, *algorithms: str) -> None:
        self.key = key
        self.algorithms = algorithms

    def answer(self, asked: Asked) -> Say:
        if "Credential=of-a-test/" not in asked.headers["authorization"]:
            return _fault("UnrecognizedClientException")
        document = json.loads(asked.body)
        if document["KeyId"] != "alias/release":
            return _fault("NotFoundException")
        if asked.headers["x-amz-target"] == "TrentService.GetPublicKey":
            der = self.key.public_key().public_bytes(
                serialization.Encoding.DER,
                serialization.PublicFormat.SubjectPublicKeyInfo,
            )
            shown: dict[str, object] = {"PublicKey": base64.b64encode(der).decode()}
            if self.algorithms:
                shown["SigningAlgorithms"] = self.algorithms
            return Say(body=json.dumps(shown).encode())
        assert asked.headers["x-amz-target"] == "TrentService.Sign"
        assert document["MessageType"] == "DIGEST"
        signed = self._sign(
            base64.b64decode(document["Message"]), document["SigningAlgorithm"]
        )
        return Say(
            body=json.dumps({"Signature": base64.b64encode(signed).decode()}).encode()
        )

    def _sign(self, digest: bytes, algorithm: str) -> bytes:
        assert algorithm in self.algorithms
        hashed = utils.Prehashed(_HASHES[algorithm[-3:]])
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.sign(digest, ec.ECDSA(hashed))
        assert "PKCS1_V1_5" in algorithm
        return self.key.sign(digest, padding.PKCS1v15(), hashed)


def _fault(kind: str) -> Say:
    return Say(400, body=json.dumps({"__type": kind, "message": "no"}).encode())


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Aws], None]]:
    served: list[Aws] = []

    def answer(asked: Asked) -> Say:
        return served[-1].answer(asked)

    # boto3 keeps the credentials that it saw first.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with Scripted(answer) as server:
        settings = {
            "AWS_ENDPOINT_URL_KMS": server.url,
            "AWS_ACCESS_KEY_ID": "of-a-test",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_CONFIG_FILE": "/nowhere",
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        yield served.append


_RSA_WAYS = [
    f"RSASSA_{padded}_SHA_{size}"
    for padded in ("PSS", "PKCS1_V1_5")
    for size in (256, 384, 512)
]
AWS_KEYS: dict[str, tuple[AwsKey, list[str]]] = {
    "ECC_NIST_P256": (ec.generate_private_key(ec.SECP256R1()), ["ECDSA_SHA_256"]),
    "ECC_NIST_P384": (ec.generate_private_key(ec.SECP384R1()), ["ECDSA_SHA_384"]),
    "RSA_2048": (rsa.generate_private_key(65537, 2048), _RSA_WAYS),
}


@pytest.mark.parametrize(("key", "ways"), AWS_KEYS.values(), ids=AWS_KEYS.keys())
def test_aws_signs_in_the_way_that_is_read(
    aws: Callable[[Aws], None], key: AwsKey, ways: list[str]
) -> None:
    aws(Aws(key, *ways))
    found = named_key("awskms:///alias/release", lambda: "")
    found.public.check(found.sign(MESSAGE), MESSAGE)
    assert found.public.key == key.public_key()


UNUSABLE: dict[str, tuple[AwsKey, list[str]]] = {
    "a curve without a way": (
        ec.generate_private_key(ec.SECP521R1()),
        ["ECDSA_SHA_512"],
    ),
    "only PSS": (rsa.generate_private_key(65537, 2048), _RSA_WAYS[:3]),
    "a key that encrypts": (rsa.generate_private_key(65537, 2048), []),
}


@pytest.mark.parametrize(("key", "ways"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_key_of_aws_that_nothing_here_reads_is_refused(
    aws: Callable[[Aws], None], key: AwsKey, ways: list[str]
) -> None:
    aws(Aws(key, *ways))
    with pytest.raises(InvalidInput):
        named_key("awskms:///alias/release", lambda: "")


def test_who_must_act_on_what_aws_says(
    aws: Callable[[Aws], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    aws(Aws(*next(iter(AWS_KEYS.values()))[:1], "ECDSA_SHA_256"))
    with pytest.raises(RegistryError, match="NotFound"):
        named_public_key("awskms:///alias/nobody")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-a-stranger")
    with pytest.raises(AuthenticationError, match="UnrecognizedClient"):
        named_public_key("awskms:///alias/release")
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:9")
    with pytest.raises(RegistryError):
        named_public_key("awskms:///alias/release")


class Transit:
    """What securesystemslib asks of Vault: read a key, sign with it."""

    def __init__(self) -> None:
        self.key = ed25519.Ed25519PrivateKey.generate()
        self.signs_with = self.key
        self.listed: str | None = None

    def answer(self, asked: Asked) -> Say:
        if asked.headers.get("x-vault-token") != "of a test":
            return Say(403, body=b'{"errors": ["permission denied"]}')
        if asked.path == "/v1/transit/keys/release":
            raw = self.key.public_key().public_bytes_raw()
            shown = self.listed or base64.b64encode(raw).decode()
            return _json(
                {"keys": {"9": {"public_key": ""}, "10": {"public_key": shown}}}
            )
        if asked.path.startswith("/v1/transit/sign/release"):
            document = json.loads(asked.body)
            assert document["key_version"] == 10
            signed = self.signs_with.sign(base64.b64decode(document["input"]))
            return _json(
                {"signature": f"vault:v10:{base64.b64encode(signed).decode()}"}
            )
        return Say(404, body=b'{"errors": []}')


def _json(data: object) -> Say:
    return Say(
        headers={"Content-Type": "application/json"},
        body=json.dumps({"data": data}).encode(),
    )


@pytest.fixture
def transit(monkeypatch: pytest.MonkeyPatch) -> Iterator[Transit]:
    engine = Transit()
    with Scripted(engine.answer) as server:
        monkeypatch.setenv("VAULT_ADDR", server.url)
        monkeypatch.setenv("VAULT_TOKEN", "of a test")
        yield engine


def test_vault_signs_with_the_newest_version(transit: Transit) -> None:
    key = named_key("hashivault://release", lambda: "")
    key.public.check(key.sign(MESSAGE), MESSAGE)
    assert key.public == named_public_key("hashivault://release")
    assert transit.key.public_key() == key.public.key


def test_a_service_that_signs_with_another_key_is_noticed(transit: Transit) -> None:
    key = named_key("hashivault://release", lambda: "")
    transit.signs_with = ed25519.Ed25519PrivateKey.generate()
    with pytest.raises(VerificationError, match="was not made with key"):
        key.sign(MESSAGE)


def test_a_key_of_another_kind_in_vault_is_refused(transit: Transit) -> None:
    transit.listed = "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n"
    with pytest.raises(InvalidInput, match="no Ed25519 key"):
        named_key("hashivault://release", lambda: "")


@pytest.mark.usefixtures("transit")
def test_another_engine_than_transit_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRANSIT_SECRET_ENGINE_PATH", "mine")
    with pytest.raises(InvalidInput, match="only the engine at transit"):
        named_key("hashivault://release", lambda: "")


@pytest.mark.usefixtures("transit")
def test_who_must_act_is_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(RegistryError):
        named_key("hashivault://nobody", lambda: "")
    monkeypatch.setenv("VAULT_TOKEN", "of a stranger")
    with pytest.raises(AuthenticationError) as caught:
        named_key("hashivault://release", lambda: "")
    assert "of a stranger" not in str(caught.value)


@pytest.mark.parametrize(
    "uri",
    [
        "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/versions/1",
        "azurekms://v.vault.azure.net/k",
    ],
)
def test_a_missing_library_names_the_extra(uri: str) -> None:
    """Neither is installed for development: both bring a hundred packages."""
    with pytest.raises(InvalidInput) as caught:
        KmsKey.open(uri)
    assert caught.value.hint == "pip install 'modelpack[kms]'"
