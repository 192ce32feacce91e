"""A key's signature in a transparency log: entered, checked, and not taken on trust."""

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from modelpack.attestation.bundle import Bundle
from modelpack.attestation.statement import Statement
from modelpack.errors import InvalidInput, RegistryError, VerificationError
from modelpack.oci.digest import Digest
from modelpack.signing.log import LogKeys
from modelpack.signing.managed import KeySigning, KeyVerifier
from modelpack.signing.private_key import PrivateKey
from modelpack.signing.rekor import RekorLog, log_url
from tests.sigstore.server import FakeSigstore

KEY = PrivateKey.generate()
STATEMENT = Statement.signature(Digest.of(b"a model"))


@pytest.fixture
def logs(trusted_root: bytes) -> LogKeys:
    return LogKeys.of_trusted_root(trusted_root)


def sign(sigstore: FakeSigstore, logs: LogKeys | None = None) -> Bundle:
    log = RekorLog(sigstore.url, logs)
    return KeySigning(key=KEY, log=log).sign(STATEMENT)


def verifier(logs: LogKeys | None, *, require_log: bool = True) -> KeyVerifier:
    return KeyVerifier(key=KEY.public, logs=logs, require_log=require_log)


def test_an_entry_is_checked_and_verified(
    sigstore: FakeSigstore, logs: LogKeys
) -> None:
    for _ in range(9):  # proofs of several lengths
        proven = verifier(logs).verify(sign(sigstore, logs))
        assert proven.logged
        assert proven.signed_at is None  # Rekor v2 tells no time


def test_without_a_trusted_root_an_entry_proves_nothing(
    sigstore: FakeSigstore,
) -> None:
    bundle = sign(sigstore)
    assert not verifier(None, require_log=False).verify(bundle).logged
    with pytest.raises(VerificationError, match="no transparency log"):
        verifier(None).verify(bundle)


def test_a_bundle_without_an_entry_is_refused_where_one_is_asked_for(
    logs: LogKeys,
) -> None:
    bundle = KeySigning(key=KEY).sign(STATEMENT)
    with pytest.raises(VerificationError, match="no transparency log"):
        verifier(logs).verify(bundle)


def test_an_entry_about_something_else_is_not_even_written(
    sigstore: FakeSigstore, logs: LogKeys
) -> None:
    sigstore.rekor.lies = True
    for known in (logs, None):  # also where nobody can check its proof
        with pytest.raises(VerificationError, match="about something else"):
            sign(sigstore, known)


def test_an_entry_of_another_signature_is_refused(
    sigstore: FakeSigstore, logs: LogKeys
) -> None:
    first, second = sign(sigstore, logs), sign(sigstore, logs)
    document = json.loads(first.raw)
    document["verificationMaterial"]["tlogEntries"] = json.loads(second.raw)[
        "verificationMaterial"
    ]["tlogEntries"]
    swapped = Bundle.parse(json.dumps(document).encode())
    with pytest.raises(VerificationError, match="about something else"):
        # ECDSA signs the same bytes differently each time.
        verifier(logs).verify(swapped)


@pytest.mark.parametrize(
    "window",
    [
        {"start": "2020-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z"},
        {"start": "2999-01-01T00:00:00Z"},
    ],
)
def test_a_log_is_believed_while_it_is_trusted(
    sigstore: FakeSigstore, window: dict[str, str]
) -> None:
    bundle = sign(sigstore)
    root: Any = sigstore.trusted_root()
    root["tlogs"][0]["publicKey"]["validFor"] = window
    logs = LogKeys.of_trusted_root(json.dumps(root).encode())
    with pytest.raises(VerificationError, match="its log is not trusted for"):
        verifier(logs).verify(bundle)


def test_an_address_of_the_log_shows_no_password(logs: LogKeys) -> None:
    log = RekorLog("http://bob:SECRET@127.0.0.1:1", logs)
    with pytest.raises(RegistryError) as caught:
        KeySigning(key=KEY, log=log).sign(STATEMENT)
    assert "SECRET" not in str(caught.value)
    with pytest.raises(InvalidInput, match="no URL of HTTP"):
        RekorLog("rekor.example.com")


def test_another_log_is_not_believed(sigstore: FakeSigstore, logs: LogKeys) -> None:
    with FakeSigstore() as other:
        bundle = sign(other)
    with pytest.raises(VerificationError, match="not in the trusted root"):
        verifier(logs).verify(bundle)
    assert sigstore.url


Change = Callable[[dict[str, Any]], None]
CHANGES: dict[str, tuple[Change, str]] = {
    "no proof": (lambda e: e.pop("inclusionProof"), "no proof"),
    "another index": (
        lambda e: e["inclusionProof"].update(logIndex="1"),
        "does not follow|shorter|longer",
    ),
    "an index behind the end": (
        lambda e: e["inclusionProof"].update(logIndex="99"),
        "entry 99 of a log",
    ),
    "a hash too many": (
        lambda e: e["inclusionProof"]["hashes"].append("A" * 43 + "="),
        "longer than the log",
    ),
    "a hash too few": (
        lambda e: e["inclusionProof"]["hashes"].pop(),
        "shorter than the log",
    ),
    "another root": (
        lambda e: e["inclusionProof"].update(rootHash="A" * 43 + "="),
        "not about the log's signed checkpoint",
    ),
    "another size": (
        lambda e: e["inclusionProof"].update(treeSize="4"),
        "not about the log's signed checkpoint",
    ),
    "another checkpoint": (
        lambda e: e["inclusionProof"]["checkpoint"].update(
            envelope=e["inclusionProof"]["checkpoint"]["envelope"].replace(
                "\n3\n", "\n4\n"
            )
        ),
        "did not sign that checkpoint",
    ),
    "a checkpoint that nobody signed": (
        lambda e: e["inclusionProof"]["checkpoint"].update(
            envelope=e["inclusionProof"]["checkpoint"]["envelope"].split("\n\n")[0]
            + "\n\n"
        ),
        "not signed by the log",
    ),
    "another kind": (
        lambda e: e["kindVersion"].update(kind="intoto", version="0.0.2"),
        "is a intoto 0.0.2",
    ),
}


@pytest.mark.parametrize(("change", "said"), CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_entry_is_refused(
    sigstore: FakeSigstore, logs: LogKeys, change: Change, said: str
) -> None:
    bundle = [sign(sigstore, logs) for _ in range(3)][-1]
    document = json.loads(bundle.raw)
    change(document["verificationMaterial"]["tlogEntries"][0])
    changed = Bundle.parse(json.dumps(document).encode())
    with pytest.raises(VerificationError, match=said):
        verifier(logs).verify(changed)
    # What does not hold refuses also where no log was asked for.
    with pytest.raises(VerificationError, match=said):
        verifier(logs, require_log=False).verify(changed)


def test_a_log_that_is_not_there_is_named() -> None:
    with pytest.raises(RegistryError, match="no answer"):
        KeySigning(key=KEY, log=RekorLog("http://127.0.0.1:9")).sign(STATEMENT)


def test_a_log_that_answers_something_else_is_named(sigstore: FakeSigstore) -> None:
    elsewhere = RekorLog(f"{sigstore.url}/elsewhere")
    with pytest.raises(RegistryError, match="404"):
        KeySigning(key=KEY, log=elsewhere).sign(STATEMENT)


def test_a_kind_of_key_that_the_log_does_not_take_is_named(
    sigstore: FakeSigstore,
) -> None:
    key = PrivateKey.of(ed25519.Ed25519PrivateKey.generate())
    with pytest.raises(InvalidInput, match="Ed25519"):
        KeySigning(key=key, log=RekorLog(sigstore.url)).sign(STATEMENT)


def test_a_signing_config_names_the_log(sigstore: FakeSigstore) -> None:
    now = dt.datetime.now(dt.UTC)
    assert log_url(sigstore.signing_config(), now, "config") == sigstore.url
    nothings: list[dict[str, object]] = [{}, {"rekorTlogUrls": None}]
    for nothing in (*nothings, {"rekorTlogUrls": []}):
        assert log_url(nothing, now, "config") is None


BAD_LOGS: dict[str, dict[str, object]] = {
    "Rekor v1": {"url": "x", "majorApiVersion": 1},
    "one that has ended": {
        "url": "x",
        "majorApiVersion": 2,
        "validFor": {"start": "2020-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z"},
    },
    "one to come": {
        "url": "x",
        "majorApiVersion": 2,
        "validFor": {"start": "9999-01-01T00:00:00Z"},
    },
    "a time that is none": {
        "url": "x",
        "majorApiVersion": 2,
        "validFor": {"start": "soon"},
    },
}


@pytest.mark.parametrize("service", BAD_LOGS.values(), ids=BAD_LOGS.keys())
def test_a_log_that_cannot_be_used_is_not(service: dict[str, object]) -> None:
    now = dt.datetime.now(dt.UTC)
    with pytest.raises(InvalidInput):
        log_url({"rekorTlogUrls": [service]}, now, "config")


BAD_ROOTS = {
    "not JSON": b"nonsense",
    "no logs": b'{"tlogs": []}',
    "a log without a key": b'{"tlogs": [{"logId": {"keyId": "AA=="}}]}',
    "a key that is none": (
        b'{"tlogs": [{"logId": {"keyId": "AA=="}, "publicKey": {"rawBytes": "AAAA"}}]}'
    ),
    "too large": b" " * (2 << 20),
}


@pytest.mark.parametrize("raw", BAD_ROOTS.values(), ids=BAD_ROOTS.keys())
def test_a_trusted_root_that_is_none_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        LogKeys.of_trusted_root(raw)
