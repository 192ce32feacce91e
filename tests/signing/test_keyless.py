"""Keyless: whose signature holds, and all that may be wrong with one."""

import base64
import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rfc3161_client import TimestampRequestBuilder

from modelpack.attestation.bundle import Bundle
from modelpack.attestation.evidence import About, CertificateSigner, verified
from modelpack.attestation.statement import Statement
from modelpack.errors import (
    AuthenticationError,
    InvalidInput,
    RegistryError,
    VerificationError,
)
from modelpack.oci.digest import Digest
from modelpack.signing.keyless import (
    Expected,
    KeylessSigning,
    KeylessVerifier,
    Pattern,
)
from modelpack.signing.managed import KeySigning
from modelpack.signing.private_key import PrivateKey
from modelpack.signing.trust import private_instance
from tests.sigstore.certificates import der_of
from tests.sigstore.server import FakeSigstore
from tests.sigstore.timestamps import TimestampAuthority

DIGEST = Digest.of(b"a model")
OTHER = Digest.of(b"another model")
ANNA = "anna@example.com"
WORKFLOW = "https://github.com/acme/models/.github/workflows/train.yml@refs/heads/main"


def trust(sigstore: FakeSigstore) -> Any:  # noqa: ANN401 - sigstore's ClientTrustConfig
    return private_instance(
        trusted_root=json.dumps(sigstore.trusted_root()).encode(),
        signing_config=json.dumps(sigstore.signing_config()).encode(),
    )


def signing(sigstore: FakeSigstore, identity: str = ANNA) -> KeylessSigning:
    return KeylessSigning(lambda: trust(sigstore), lambda _: sigstore.token(identity))


def sign(
    sigstore: FakeSigstore, identity: str = ANNA, digest: Digest = DIGEST
) -> Bundle:
    return signing(sigstore, identity).sign(Statement.signature(digest))


def believing(
    sigstore: FakeSigstore, identity: str | Pattern, issuer: str | Pattern = ""
) -> KeylessVerifier:
    root = json.dumps(sigstore.trusted_root()).encode()
    return KeylessVerifier(
        Expected(
            identity=identity if isinstance(identity, Pattern) else Pattern(identity),
            issuer=issuer
            if isinstance(issuer, Pattern)
            else Pattern(issuer or sigstore.url),
        ),
        lambda: private_instance(trusted_root=root),
    )


@pytest.mark.parametrize("identity", [ANNA, WORKFLOW])
def test_a_signature_holds_and_says_who_and_when(
    sigstore: FakeSigstore, identity: str
) -> None:
    before = dt.datetime.now(dt.UTC).replace(microsecond=0)
    bundle = sign(sigstore, identity)
    found = verified(bundle, About(DIGEST), believing(sigstore, identity))
    assert found.proven.signer == CertificateSigner(identity, sigstore.url)
    assert found.proven.logged
    assert found.proven.signed_at is not None
    assert before <= found.proven.signed_at <= dt.datetime.now(dt.UTC)
    # cosign's own statement, byte for byte: its subject has no name.
    assert json.loads(found.statement.raw)["subject"] == [
        {"digest": {"sha256": DIGEST.hex}}
    ]


def test_no_service_is_asked_to_verify() -> None:
    with FakeSigstore() as sigstore:
        bundle = sign(sigstore)
        verifier = believing(sigstore, ANNA)
    assert verifier.verify(bundle).logged


def test_many_bundles_load_the_trusted_root_once(sigstore: FakeSigstore) -> None:
    asked = []

    def load() -> Any:  # noqa: ANN401
        asked.append(1)
        return trust(sigstore)

    verifier = KeylessVerifier(
        Expected(identity=Pattern(ANNA), issuer=Pattern(sigstore.url)), load
    )
    signer = signing(sigstore)
    for digest in (DIGEST, OTHER):
        verifier.verify(signer.sign(Statement.signature(digest)))
    assert asked == [1]


def test_a_signer_recognises_its_own(sigstore: FakeSigstore) -> None:
    anna = signing(sigstore)
    bundle = anna.sign(Statement.signature(DIGEST))
    assert anna.own().verify(bundle).signer == CertificateSigner(ANNA, sigstore.url)
    with pytest.raises(VerificationError):
        anna.own().verify(sign(sigstore, "ben@example.com"))


def test_no_certificate_is_published_before_there_is_something_to_sign(
    sigstore: FakeSigstore,
) -> None:
    signer = signing(sigstore)
    own = signer.own()
    assert sigstore.fulcio.issued == 0
    bundle = signer.sign(Statement.signature(DIGEST))
    assert own.verify(bundle).logged
    assert sigstore.fulcio.issued == 1


ELSEWHERE = "https://issuer.test"
STRANGERS: dict[str, tuple[str | Pattern, str | Pattern]] = {
    "another identity": ("ben@example.com", ""),
    "another issuer": (ANNA, ELSEWHERE),
    "both": ("ben@example.com", ELSEWHERE),
    "a regexp for a suffix": (Pattern("na@example.com", is_regexp=True), ""),
    "a regexp for a prefix": (Pattern("anna@example", is_regexp=True), ""),
    "an alternative that is not anchored": (
        Pattern("anna@example.co|nobody", is_regexp=True),
        "",
    ),
    "an issuer by a part of it": (ANNA, Pattern("http://127", is_regexp=True)),
    "a dot that is one": ("anna@example_com", ""),
    "another case": ("Anna@example.com", ""),
}


@pytest.mark.parametrize("expected", STRANGERS.values(), ids=STRANGERS.keys())
def test_somebody_else_is_refused(
    sigstore: FakeSigstore, expected: tuple[str | Pattern, str | Pattern]
) -> None:
    bundle = sign(sigstore)
    with pytest.raises(VerificationError, match=r"was signed (by|under)"):
        believing(sigstore, *expected).verify(bundle)
    believing(sigstore, ANNA).verify(bundle)


def test_a_regexp_for_all_of_it_matches(sigstore: FakeSigstore) -> None:
    bundle = sign(sigstore, WORKFLOW)
    expected = Pattern(r"https://github\.com/acme/models/.*", is_regexp=True)
    believing(sigstore, expected, Pattern(r"http://.*", is_regexp=True)).verify(bundle)


def test_the_right_identity_by_a_wrong_issuer_is_refused(
    sigstore: FakeSigstore,
) -> None:
    sigstore.issuer = ELSEWHERE
    bundle = sign(sigstore)
    with pytest.raises(VerificationError, match="under the issuer"):
        believing(sigstore, ANNA).verify(bundle)


@pytest.mark.parametrize("text", ["", "("])
def test_a_pattern_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Pattern(text, is_regexp=True)


def test_a_bundle_of_another_instance_is_refused(sigstore: FakeSigstore) -> None:
    with FakeSigstore() as other:
        bundle = sign(other)
        verifier = believing(sigstore, ANNA, other.url)
    with pytest.raises(VerificationError):
        verifier.verify(bundle)


def test_a_key_is_not_taken_for_an_identity(sigstore: FakeSigstore) -> None:
    bundle = KeySigning(key=PrivateKey.generate()).sign(Statement.signature(DIGEST))
    with pytest.raises(VerificationError, match="with a key"):
        believing(sigstore, ANNA).verify(bundle)


def test_a_certificate_that_had_ended_is_refused(sigstore: FakeSigstore) -> None:
    """The authority's own clock tells: 11 minutes after it began, it has ended."""
    sigstore.tsa.ago = dt.timedelta(minutes=-11)
    bundle = sign(sigstore)
    with pytest.raises(VerificationError):
        believing(sigstore, ANNA).verify(bundle)


def test_a_certificate_before_its_time_is_refused(sigstore: FakeSigstore) -> None:
    sigstore.tsa.ago = dt.timedelta(minutes=11)
    bundle = sign(sigstore)
    with pytest.raises(VerificationError):
        believing(sigstore, ANNA).verify(bundle)


FAULTS: dict[str, Callable[[FakeSigstore], None]] = {
    "a certificate in no log": lambda s: setattr(s.fulcio, "wrong_log", True),
    "no timestamp": lambda s: setattr(s.tsa, "down", True),
}


@pytest.mark.parametrize("spoil", FAULTS.values(), ids=FAULTS.keys())
def test_what_could_not_be_verified_is_not_signed(
    sigstore: FakeSigstore, spoil: Callable[[FakeSigstore], None]
) -> None:
    spoil(sigstore)
    with pytest.raises(RegistryError, match="Sigstore"):
        sign(sigstore)


PAST = {"start": "2020-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z"}
NOW = {"start": "2020-01-01T00:00:00Z", "end": "2999-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    "part", ["tlogs", "ctlogs", "certificateAuthorities", "timestampAuthorities"]
)
def test_what_was_trusted_at_another_time_only_is_not_believed(
    sigstore: FakeSigstore, part: str
) -> None:
    bundle = sign(sigstore)

    def verifier(window: object) -> KeylessVerifier:
        root: Any = sigstore.trusted_root()
        for each in root[part]:
            each.get("publicKey", each)["validFor"] = window
        raw = json.dumps(root).encode()
        return KeylessVerifier(
            Expected(identity=Pattern(ANNA), issuer=Pattern(sigstore.url)),
            lambda: private_instance(trusted_root=raw),
        )

    assert verifier(NOW).verify(bundle).logged
    with pytest.raises(VerificationError):
        verifier(PAST).verify(bundle)


DAY = dt.timedelta(days=1)


def stamped(bundle: Bundle, *authorities: TimestampAuthority) -> Bundle:
    """Return a bundle with one timestamp of each, in the place of its own."""
    document = json.loads(bundle.raw)
    request = TimestampRequestBuilder().data(bundle.envelope.signature).build()
    document["verificationMaterial"]["timestampVerificationData"] = {
        "rfc3161Timestamps": [
            {
                "signedTimestamp": base64.b64encode(
                    each.answer(request.as_bytes())
                ).decode()
            }
            for each in authorities
        ]
    }
    return Bundle.parse(json.dumps(document).encode())


def trusting(
    sigstore: FakeSigstore, authorities: dict[str, tuple[TimestampAuthority, str]]
) -> KeylessVerifier:
    """Believe time-stamping authorities, each until a time."""
    root: Any = sigstore.trusted_root()
    (own,) = root["timestampAuthorities"]
    root["timestampAuthorities"] = [
        {
            **own,
            "certChain": {
                "certificates": [
                    {"rawBytes": base64.b64encode(der_of(each)).decode()}
                    for each in authority.chain
                ]
            },
            "validFor": {"start": "2020-01-01T00:00:00Z", "end": end},
        }
        for authority, end in authorities.values()
    ]
    raw = json.dumps(root).encode()
    return KeylessVerifier(
        Expected(identity=Pattern(ANNA), issuer=Pattern(sigstore.url)),
        lambda: private_instance(trusted_root=raw),
    )


def iso(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_retired_authority_can_tell_no_time_after_its_end(
    sigstore: FakeSigstore,
) -> None:
    """Who has taken its key can sign any time; what it says of today is refused."""
    retired = TimestampAuthority()
    ended = iso(dt.datetime.now(dt.UTC) - DAY)
    bundle = stamped(sign(sigstore), retired)
    with pytest.raises(VerificationError):
        trusting(sigstore, {"retired": (retired, ended)}).verify(bundle)


def test_a_retired_authority_cannot_make_a_new_certificate_older(
    sigstore: FakeSigstore,
) -> None:
    """A time at which it was trusted is one at which the certificate was not yet."""
    retired = TimestampAuthority(ago=2 * DAY)
    ended = iso(dt.datetime.now(dt.UTC) - DAY)
    bundle = stamped(sign(sigstore), retired)
    with pytest.raises(VerificationError):
        trusting(sigstore, {"retired": (retired, ended)}).verify(bundle)


def test_a_second_time_by_nobody_who_is_trusted_then_tells_nothing(
    sigstore: FakeSigstore,
) -> None:
    """One that holds is enough; but with two times nobody says which it was."""
    retired = TimestampAuthority(ago=2 * DAY)
    now, ended = dt.datetime.now(dt.UTC), dt.datetime.now(dt.UTC) - DAY
    bundle = stamped(sign(sigstore), sigstore.tsa, retired)
    both = {"own": (sigstore.tsa, iso(now + DAY)), "retired": (retired, iso(ended))}
    assert trusting(sigstore, both).verify(bundle).signed_at is None
    # Alone it says nothing, and does not stand in for the other.
    alone = stamped(sign(sigstore), retired, TimestampAuthority())
    with pytest.raises(VerificationError):
        trusting(sigstore, both).verify(alone)


def test_each_time_that_holds_has_to_be_one_of_the_certificate(
    sigstore: FakeSigstore,
) -> None:
    late = TimestampAuthority(ago=-dt.timedelta(minutes=20))
    end = iso(dt.datetime.now(dt.UTC) + DAY)
    both = {"own": (sigstore.tsa, end), "late": (late, end)}
    verifier = trusting(sigstore, both)
    bundle = sign(sigstore)
    assert verifier.verify(stamped(bundle, sigstore.tsa)).signed_at is not None
    for order in ((sigstore.tsa, late), (late, sigstore.tsa)):
        with pytest.raises(VerificationError):
            verifier.verify(stamped(bundle, *order))


def test_a_timestamp_of_another_signature_is_refused(sigstore: FakeSigstore) -> None:
    mine, theirs = sign(sigstore), sign(sigstore, digest=OTHER)
    document = json.loads(mine.raw)
    document["verificationMaterial"]["timestampVerificationData"] = json.loads(
        theirs.raw
    )["verificationMaterial"]["timestampVerificationData"]
    swapped = Bundle.parse(json.dumps(document).encode())
    with pytest.raises(VerificationError):
        believing(sigstore, ANNA).verify(swapped)


def test_a_promise_that_the_log_did_not_make_tells_no_time(
    sigstore: FakeSigstore,
) -> None:
    """Neither beside a timestamp nor in its place."""
    now = str(int(dt.datetime.now(dt.UTC).timestamp()))
    for stamps in ((sigstore.tsa,), ()):
        document = json.loads(stamped(sign(sigstore), *stamps).raw)
        (entry,) = document["verificationMaterial"]["tlogEntries"]
        junk = base64.b64encode(b"x" * 64).decode()
        entry["inclusionPromise"] = {"signedEntryTimestamp": junk}
        entry["integratedTime"] = now
        for kind, version in (("hashedrekord", "0.0.2"), ("dsse", "0.0.1")):
            entry["kindVersion"] = {"kind": kind, "version": version}
            bundle = Bundle.parse(json.dumps(document).encode())
            with pytest.raises(VerificationError):
                believing(sigstore, ANNA).verify(bundle)


def test_a_promise_without_a_time_is_refused(sigstore: FakeSigstore) -> None:
    document = json.loads(sign(sigstore).raw)
    (entry,) = document["verificationMaterial"]["tlogEntries"]
    junk = base64.b64encode(b"x" * 64).decode()
    entry |= {"integratedTime": "0", "inclusionPromise": {"signedEntryTimestamp": junk}}
    bundle = Bundle.parse(json.dumps(document).encode())
    with pytest.raises(VerificationError, match="tells no time"):
        believing(sigstore, ANNA).verify(bundle)


def test_a_log_entry_about_something_else_is_refused(sigstore: FakeSigstore) -> None:
    sigstore.rekor.lies = True
    bundle = sign(sigstore)
    with pytest.raises(VerificationError):
        believing(sigstore, ANNA).verify(bundle)


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
def test_a_token_that_is_none_is_named(sigstore: FakeSigstore, token: str) -> None:
    signer = KeylessSigning(lambda: trust(sigstore), lambda _: token)
    with pytest.raises(AuthenticationError, match="identity token"):
        signer.sign(Statement.signature(DIGEST))


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": 1}, "expired"),
        ({"aud": "somebody-else"}, "[Aa]udience"),
        ({"iat": "soon"}, "integer"),
    ],
)
def test_a_token_that_is_not_for_us_says_why(
    sigstore: FakeSigstore, claims: dict[str, object], reason: str
) -> None:
    token = sigstore.token(ANNA, **claims)
    signer = KeylessSigning(lambda: trust(sigstore), lambda _: token)
    with pytest.raises(AuthenticationError, match=reason):
        signer.sign(Statement.signature(DIGEST))


def test_what_the_certificate_authority_says_is_passed_on(
    sigstore: FakeSigstore,
) -> None:
    """A token that only its issuer can tell to be forged."""
    with FakeSigstore() as other:
        forged = other.token(ANNA, iss=sigstore.url)
    signer = KeylessSigning(lambda: trust(sigstore), lambda _: forged)
    bundle = sign(sigstore)
    for attempt in (
        lambda: signer.sign(Statement.signature(DIGEST)),
        lambda: signer.own().verify(bundle),
    ):
        with pytest.raises(AuthenticationError, match="401: identity token: Sig"):
            attempt()


PARTS: dict[str, tuple[str, ...]] = {
    "certificate": ("verificationMaterial", "certificate"),
    "log entry": ("verificationMaterial", "tlogEntries"),
    "timestamps": ("verificationMaterial", "timestampVerificationData"),
    "signature": ("dsseEnvelope", "signatures"),
    "payload": ("dsseEnvelope", "payload"),
    "payload type": ("dsseEnvelope", "payloadType"),
    "all but the payload": ("verificationMaterial",),
}


@pytest.mark.parametrize("path", PARTS.values(), ids=PARTS.keys())
def test_parts_of_two_good_bundles_make_no_good_one(
    sigstore: FakeSigstore, path: tuple[str, ...]
) -> None:
    mine = json.loads(sign(sigstore).raw)
    theirs = json.loads(sign(sigstore, digest=OTHER).raw)
    theirs["dsseEnvelope"]["payloadType"] = "application/json"
    *way, last = path
    here, there = mine, theirs
    for step in way:
        here, there = here[step], there[step]
    here[last] = there[last]
    bundle = Bundle.parse(json.dumps(mine).encode())
    with pytest.raises(VerificationError):
        verified(bundle, About(DIGEST), believing(sigstore, ANNA))
    with pytest.raises(VerificationError):
        verified(bundle, About(OTHER), believing(sigstore, ANNA))


LACKS: dict[str, tuple[str, ...]] = {
    "log entry": ("verificationMaterial", "tlogEntries"),
    "timestamps": ("verificationMaterial", "timestampVerificationData"),
    "proof": ("verificationMaterial", "tlogEntries", "inclusionProof"),
}


@pytest.mark.parametrize("path", LACKS.values(), ids=LACKS.keys())
def test_what_is_missing_is_missed(
    sigstore: FakeSigstore, path: tuple[str, ...]
) -> None:
    document = json.loads(sign(sigstore).raw)
    *way, last = path
    here = document
    for step in way:
        here = here[step]
        here = here[0] if isinstance(here, list) else here
    del here[last]
    bundle = Bundle.parse(json.dumps(document).encode())
    with pytest.raises(VerificationError):
        believing(sigstore, ANNA).verify(bundle)


def test_zero_values_that_go_leaves_out_are_read(sigstore: FakeSigstore) -> None:
    """The first entry of a new log: index 0, no hash beside its path."""
    document = json.loads(sign(sigstore).raw)
    (entry,) = document["verificationMaterial"]["tlogEntries"]
    assert entry["logIndex"] == "0"
    del entry["logIndex"], entry["inclusionProof"]["logIndex"]
    del entry["inclusionProof"]["hashes"]
    bundle = Bundle.parse(json.dumps(document).encode())
    assert believing(sigstore, ANNA).verify(bundle).logged


with FakeSigstore() as _SIGSTORE:
    _GOOD = sign(_SIGSTORE)
    _VERIFIER = believing(_SIGSTORE, ANNA)


@given(at=st.integers(0, len(_GOOD.raw) - 1), bit=st.integers(0, 7))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_flipped_bit_makes_it_say_something_else(at: int, bit: int) -> None:
    raw = bytearray(_GOOD.raw)
    raw[at] ^= 1 << bit
    try:
        found = verified(Bundle.parse(bytes(raw)), About(DIGEST), _VERIFIER)
    except (VerificationError, InvalidInput):
        return
    good = verified(_GOOD, About(DIGEST), _VERIFIER)
    assert found.statement.raw == good.statement.raw
    assert found.proven == good.proven


def test_a_flipped_bit_within_what_is_encoded_is_refused() -> None:
    """Unlike one in JSON's own characters, it always changes what is checked."""
    document = json.loads(_GOOD.raw)
    entry = document["verificationMaterial"]["tlogEntries"][0]
    places: dict[str, tuple[Any, str]] = {
        "payload": (document["dsseEnvelope"], "payload"),
        "signature": (document["dsseEnvelope"]["signatures"][0], "sig"),
        "certificate": (document["verificationMaterial"]["certificate"], "rawBytes"),
        "body": (entry, "canonicalizedBody"),
        "root": (entry["inclusionProof"], "rootHash"),
    }
    for holder, key in places.values():
        kept = holder[key]
        content = bytearray(base64.b64decode(kept))
        content[len(content) // 2] ^= 1
        holder[key] = base64.b64encode(content).decode()
        bundle = Bundle.parse(json.dumps(document).encode())
        with pytest.raises(VerificationError):
            verified(bundle, About(DIGEST), _VERIFIER)
        holder[key] = kept
