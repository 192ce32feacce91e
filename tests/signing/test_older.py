"""cosign 2's keyless signatures: a certificate and a promise, as annotations."""

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from rfc3161_client import TimestampRequestBuilder

from modelpack.attestation.envelope import pae
from modelpack.attestation.evidence import About, CertificateSigner, Evidence, judge
from modelpack.attestation.legacy import ENVELOPE, PAYLOAD, payload
from modelpack.attestation.predicates import SIGNATURE
from modelpack.attestation.statement import PAYLOAD_TYPE, Statement
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Manifest
from modelpack.oci.memory import MemoryStore
from modelpack.oci.store import blocks_of
from modelpack.signing.keyless import Expected, KeylessVerifier, Pattern
from modelpack.signing.managed import KeyVerifier
from modelpack.signing.public_key import PublicKey
from modelpack.signing.trust import private_instance
from modelpack.workflows.gather import candidates
from tests.sigstore.certificates import Authority, encoded, new_key
from tests.sigstore.log import Object
from tests.sigstore.log_v1 import RekorV1, envelope, hashedrekord
from tests.sigstore.server import FakeSigstore
from tests.sigstore.timestamps import TimestampAuthority

DIGEST, OTHER = Digest.of(b"a model"), Digest.of(b"another model")
ANNA, ISSUER = "anna@example.com", "https://issuer.test"
PAYLOAD_BYTES = payload(DIGEST, "registry.example.com/model", {"stage": "prod"})
SIG, CERT, LOGGED, STAMP = (
    "dev.cosignproject.cosign/signature",
    "dev.sigstore.cosign/certificate",
    "dev.sigstore.cosign/bundle",
    "dev.sigstore.cosign/rfc3161timestamp",
)


@dataclass
class Older:
    """A Sigstore of before Rekor v2, and somebody who signs with it."""

    sigstore: FakeSigstore = field(default_factory=FakeSigstore)
    log: RekorV1 = field(default_factory=RekorV1)
    key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    identity: str = ANNA
    after: dt.timedelta = dt.timedelta()
    """How long after the certificate's beginning the log promises."""
    certificate: x509.Certificate | None = None
    """In the place of one that Fulcio issues."""

    def sign(self, content: bytes = PAYLOAD_BYTES) -> dict[str, str]:
        """Return the annotations of a signature over a payload."""
        signature = self.key.sign(content, ec.ECDSA(hashes.SHA256()))
        digest = hashlib.sha256(content).digest()
        return self._beside(
            lambda pem: hashedrekord(digest, signature, pem),
            encoded(signature),
        )

    def attest(self, statement: Statement) -> tuple[bytes, dict[str, str]]:
        """Return an envelope, and the annotations of its layer."""
        signed = pae(PAYLOAD_TYPE, statement.raw)
        signature = self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        document = {
            "payloadType": PAYLOAD_TYPE,
            "payload": encoded(statement.raw),
            "signatures": [{"keyid": "", "sig": encoded(signature)}],
        }
        beside = self._beside(lambda pem: envelope(statement.raw, signature, pem), "")
        return json.dumps(document).encode(), beside

    def _beside(self, entry: Callable[[bytes], Object], shown: str) -> dict[str, str]:
        certificate = self.certificate or self.sigstore.fulcio.issue(
            self.key.public_key(), self.identity, ISSUER
        )
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        time = int((certificate.not_valid_before_utc + self.after).timestamp())
        chain = "".join(map(_pem, self.sigstore.fulcio.chain))
        return {
            SIG: shown,
            CERT: pem.decode(),
            "dev.sigstore.cosign/chain": chain,
            LOGGED: self.log.annotation(entry(pem), time),
        }

    def stamp(self, signature: bytes, by: TimestampAuthority) -> str:
        request = TimestampRequestBuilder().data(signature).build()
        answer = by.answer(request.as_bytes())
        return json.dumps({"SignedRFC3161Timestamp": encoded(answer)})

    def trusted_root(self) -> Any:  # noqa: ANN401 - JSON
        self.sigstore.url = "http://127.0.0.1:1"  # it is nowhere asked
        root = self.sigstore.trusted_root()
        return {**root, "tlogs": [self.log.trusted()]}

    def verifier(
        self, identity: str = ANNA, issuer: str = ISSUER, **root: object
    ) -> KeylessVerifier:
        raw = json.dumps({**self.trusted_root(), **root}).encode()
        return KeylessVerifier(
            Expected(identity=Pattern(identity), issuer=Pattern(issuer)),
            lambda: private_instance(trusted_root=raw),
        )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def lay(
    annotations: Mapping[str, str],
    content: bytes = PAYLOAD_BYTES,
    kind: str = PAYLOAD,
    digest: Digest = DIGEST,
) -> MemoryStore:
    """Put a signature under cosign 2's tag."""
    store = MemoryStore()
    blob = Descriptor.of(content, kind)
    config = Descriptor.of(b"{}", "application/vnd.oci.image.config.v1+json")
    layer = Descriptor(
        media_type=kind, digest=blob.digest, size=blob.size, annotations=annotations
    )
    store.put_blob(blob, blocks_of(content))
    store.put_blob(config, blocks_of(b"{}"))
    suffix = "sig" if kind == PAYLOAD else "att"
    manifest = Manifest.build(artifact_type="", config=config, layers=(layer,))
    store.put_manifest(manifest.document, f"sha256-{digest.hex}.{suffix}")
    return store


def judged(
    older: Older, annotations: Mapping[str, str], content: bytes = PAYLOAD_BYTES
) -> Evidence:
    return _judged(lay(annotations, content), older.verifier())


def _judged(
    store: MemoryStore, verifier: KeylessVerifier | KeyVerifier, digest: Digest = DIGEST
) -> Evidence:
    return judge(candidates(store, digest), About(digest), verifier)


def test_a_signature_holds_and_says_who_and_when() -> None:
    older = Older()
    evidence = judged(older, older.sign())
    (found,) = evidence.statements
    assert found.proven.signer == CertificateSigner(ANNA, ISSUER)
    assert found.proven.logged
    assert found.proven.signed_at is not None
    assert found.statement.predicate_type == SIGNATURE
    assert found.statement.subject_of(DIGEST).annotations == {"stage": "prod"}


def test_an_attestation_holds() -> None:
    older = Older()
    statement = Statement.build(
        DIGEST, "https://example.com/scan", {"result": "PASSED"}
    )
    raw, beside = older.attest(statement)
    evidence = _judged(lay(beside, raw, ENVELOPE), older.verifier())
    (found,) = evidence.statements
    assert found.statement.predicate == {"result": "PASSED"}
    assert _judged(lay(beside, raw, ENVELOPE), older.verifier("ben")).statements == ()


def test_a_timestamp_counts_beside_the_promise() -> None:
    older = Older()
    beside = older.sign()
    signature = base64.b64decode(beside[SIG])
    stamped = {**beside, STAMP: older.stamp(signature, older.sigstore.tsa)}
    (found,) = judged(older, stamped).statements
    assert found.proven.signed_at is None  # two times: nobody says which
    for wrong in (
        older.stamp(signature, TimestampAuthority()),
        older.stamp(b"another", older.sigstore.tsa),
        older.stamp(signature, _late(older.sigstore.tsa)),
    ):
        assert judged(older, {**beside, STAMP: wrong}).statements == ()


def _late(tsa: TimestampAuthority) -> TimestampAuthority:
    tsa.ago = -dt.timedelta(hours=1)
    return tsa


def test_somebody_else_is_refused() -> None:
    older = Older()
    store = lay(older.sign())
    for who, issuer in (
        ("ben@example.com", ISSUER),
        (ANNA, "https://issuer.test.example"),
        ("nna@example.com", ISSUER),
    ):
        assert _judged(store, older.verifier(who, issuer)).statements == ()


def test_a_key_is_not_a_certificate_and_the_reverse() -> None:
    older = Older()
    store = lay(older.sign())
    key = KeyVerifier(key=PublicKey.of(older.key.public_key()))
    (aside,) = _judged(store, key).set_aside
    assert "signed keyless" in aside.reason


def _dated(older: Older) -> Mapping[str, str]:
    older.after = dt.timedelta(minutes=11)
    return older.sign()


def _early(older: Older) -> Mapping[str, str]:
    older.after = -dt.timedelta(minutes=1)
    return older.sign()


def _unlogged_certificate(older: Older) -> Mapping[str, str]:
    older.sigstore.fulcio.wrong_log = True
    return older.sign()


def _another_authority(older: Older) -> Mapping[str, str]:
    kept = older.sigstore.fulcio.authority
    older.sigstore.fulcio.authority = Authority.new("of a stranger")
    beside = older.sign()
    older.sigstore.fulcio.authority = kept
    return beside


def _another_key(older: Older) -> Mapping[str, str]:
    beside = older.sign()
    older.key = new_key()
    return {**older.sign(), SIG: beside[SIG]}


def _without(name: str) -> Callable[[Older], Mapping[str, str]]:
    return lambda older: {k: v for k, v in older.sign().items() if k != name}


def _swapped(name: str) -> Callable[[Older], Mapping[str, str]]:
    """Take one part from another good signature over the same payload."""
    return lambda older: {**older.sign(), name: older.sign()[name]}


def _of_another_log(older: Older) -> Mapping[str, str]:
    kept, older.log = older.log, RekorV1()
    beside = older.sign()
    older.log = kept
    return beside


def _changed(name: str, **change: object) -> Callable[[Older], Mapping[str, str]]:
    def change_it(older: Older) -> Mapping[str, str]:
        beside = older.sign()
        document = json.loads(beside[LOGGED])
        (document if name == "top" else document[name]).update(change)
        return {**beside, LOGGED: json.dumps(document)}

    return change_it


REFUSED: dict[str, tuple[Callable[[Older], Mapping[str, str]], str]] = {
    "after the certificate's end": (_dated, "was not valid at"),
    "before its beginning": (_early, "was not valid at"),
    "a certificate in no log": (_unlogged_certificate, "SCT"),
    "a certificate of another authority": (_another_authority, "failed to build"),
    "a signature by another key": (_another_key, "not made with key"),
    "no promise": (_without(LOGGED), "no transparency log promises"),
    "a promise about another signature": (_swapped(LOGGED), "about something else"),
    "another signature": (_swapped(SIG), "about something else"),
    "another certificate": (_swapped(CERT), "about something else"),
    "a promise of another log": (_of_another_log, "not in the trusted root"),
    "a promise at another time": (
        _changed("Payload", integratedTime=1_700_000_000),
        "did not sign that promise",
    ),
    "a promise at no time": (_changed("Payload", integratedTime=0), "tells no time"),
    "a promise at another place": (
        _changed("Payload", logIndex=8),
        "did not sign that promise",
    ),
    "a promise with a name that is none": (
        _changed("Payload", logID="zz"),
        "not the name of a log",
    ),
    "a promise that says more": (_changed("top", more=1), "is not known here"),
    "a promise of junk": (
        _changed("top", SignedEntryTimestamp="AAAA"),
        "did not sign that promise",
    ),
    "a certificate of junk": (
        lambda older: {**older.sign(), CERT: "PEM"},
        "not one certificate",
    ),
    "two certificates": (
        lambda older: {**(made := older.sign()), CERT: made[CERT] * 2},
        "not one certificate",
    ),
    "a log entry of junk": (lambda older: {**older.sign(), LOGGED: "{}"}, "missing"),
    "a timestamp of junk": (lambda older: {**older.sign(), STAMP: "{}"}, "missing"),
}


@pytest.mark.parametrize(("make", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_does_not_hold_is_set_aside(
    make: Callable[[Older], Mapping[str, str]], said: str
) -> None:
    older = Older()
    evidence = judged(older, make(older))
    assert evidence.statements == ()
    (aside,) = evidence.set_aside
    assert said in aside.reason


PAST = {"start": "2020-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z"}


@pytest.mark.parametrize("part", ["tlogs", "ctlogs", "certificateAuthorities"])
def test_what_was_trusted_at_another_time_only_is_not_believed(part: str) -> None:
    older = Older()
    store = lay(older.sign())
    root = older.trusted_root()
    for each in root[part]:
        each.get("publicKey", each)["validFor"] = PAST
    assert _judged(store, older.verifier(**root)).statements == ()


def test_it_is_about_one_artifact() -> None:
    older = Older()
    moved = lay(older.sign(), digest=OTHER)
    (aside,) = _judged(moved, older.verifier(), OTHER).set_aside
    assert "is not about" in aside.reason


def test_a_certificate_that_does_not_sign_code_is_refused() -> None:
    """One that the same authority issued for something else."""
    older = Older()
    tsa = TimestampAuthority(root=older.sigstore.fulcio.authority)
    older.key, older.certificate = tsa.key, tsa.certificate
    older.after = dt.timedelta(minutes=1)
    (aside,) = judged(older, older.sign()).set_aside
    assert aside.reason == "its certificate is not one to sign code with"


_OLDER = Older()
_GOOD = _OLDER.sign()
_VERIFIER = _OLDER.verifier()


@given(
    name=st.sampled_from([SIG, CERT, LOGGED]),
    at=st.integers(0, 10_000),
    bit=st.integers(0, 6),
)
@settings(max_examples=200, deadline=None)
def test_no_flipped_bit_makes_it_say_something_else(
    name: str, at: int, bit: int
) -> None:
    text = bytearray(_GOOD[name].encode())
    text[at % len(text)] ^= 1 << bit
    evidence = _judged(lay({**_GOOD, name: text.decode()}), _VERIFIER)
    good = _judged(lay(_GOOD), _VERIFIER).statements[0]
    for found in evidence.statements:
        assert found.proven == good.proven
        assert found.statement == good.statement
