"""cosign's older form: what it writes under `.sig` and `.att`, and how it is read.

cosign 3.1.3 still writes it where it is told `--new-bundle-format=false`.
"""

import base64
import json
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from modelpack.attestation.evidence import About, Evidence, KeySigner, judge
from modelpack.attestation.predicates import SIGNATURE, TYPES
from modelpack.oci.digest import Digest
from modelpack.oci.fields import Fields
from modelpack.oci.manifest import Manifest
from modelpack.oci.store import Store, read_whole
from modelpack.signing.managed import KeyVerifier
from modelpack.signing.public_key import PublicKey
from modelpack.workflows.gather import candidates
from tests.interop.desk import Desk
from tests.interop.registries import Running
from tests.interop.sigstore.private import no_sigstore, private_sigstore
from tests.interop.sigstore.tools import (
    BOM,
    PASSWORD,
    PREDICATE,
    Cosign,
    Form,
    Modelpack,
    Way,
    address,
    predicate,
)
from tests.interop.stores import store_at
from tests.registry.scripted import Asked, Say, Scripted
from tests.sigstore.log_v1 import RekorV1, envelope
from tests.stores.contract import push

pytestmark = pytest.mark.interop

SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """An artifact in a registry, and cosign with a key, writing the older form."""

    store: Store
    repository: str
    digest: Digest
    cosign: Cosign

    @property
    def reference(self) -> str:
        return f"{self.repository}@{self.digest}"

    @property
    def key(self) -> PublicKey:
        return PublicKey.parse((self.cosign.desk.home / "dev.pub").read_bytes())

    def manifest(self, suffix: str) -> Fields:
        """Return the image under a tag of the older form, as it is written."""
        tag = f"sha256-{self.digest.hex}.{suffix}"
        return Fields.of_json(self.store.get_manifest(tag).raw, where=tag)

    def layer(self, suffix: str) -> bytes:
        """Return the blob of its only layer."""
        tag = f"sha256-{self.digest.hex}.{suffix}"
        (layer,) = Manifest.parse(self.store.get_manifest(tag).raw).layers
        return read_whole(self.store, layer, limit=1 << 20)

    def evidence(self) -> Evidence:
        found = candidates(self.store, self.digest)
        return judge(found, About(self.digest), KeyVerifier(key=self.key))


@pytest.fixture
def shelf(modern_registry: Running, desk: Desk, tmp_path: Path) -> Shelf:
    store = store_at(modern_registry)
    cosign = Cosign(desk, no_sigstore(tmp_path), Form.LEGACY)
    cosign.generate_key("dev")
    return Shelf(
        store=store,
        repository=f"{modern_registry.host}/team/model",
        digest=push(store, b"weights", "v1").descriptor.digest,
        cosign=cosign,
    )


def test_a_signature_is_a_layer_that_says_what_it_is_about(shelf: Shelf) -> None:
    shelf.cosign.sign("dev", Way.KEY, shelf.reference)
    manifest = shelf.manifest("sig")
    assert "subject" not in manifest
    (value,) = manifest.array("layers")
    layer = Fields(value)
    assert layer.text("mediaType") == (
        "application/vnd.dev.cosign.simplesigning.v1+json"
    )
    assert set(layer.texts("annotations")) == {SIGNATURE_ANNOTATION}
    payload = shelf.layer("sig")
    assert json.loads(payload) == {
        "critical": {
            "identity": {"docker-reference": shelf.repository},
            "image": {"docker-manifest-digest": str(shelf.digest)},
            "type": "cosign container image signature",
        },
        "optional": None,
    }
    signature = layer.texts("annotations")[SIGNATURE_ANNOTATION]
    shelf.key.check(base64.b64decode(signature), payload)


def test_an_attestation_is_a_layer_with_an_envelope(shelf: Shelf) -> None:
    shelf.cosign.attest("dev", Way.KEY, shelf.reference)
    (value,) = shelf.manifest("att").array("layers")
    layer = Fields(value)
    assert layer.text("mediaType") == "application/vnd.dsse.envelope.v1+json"
    assert layer.texts("annotations") == {
        SIGNATURE_ANNOTATION: "",
        "predicateType": TYPES[PREDICATE],
    }
    envelope = json.loads(shelf.layer("att"))
    assert sorted(envelope) == ["payload", "payloadType", "signatures"]
    statement = json.loads(base64.b64decode(envelope["payload"]))
    assert statement["_type"] == "https://in-toto.io/Statement/v0.1"
    assert statement["predicate"] == BOM


def test_both_are_believed(shelf: Shelf) -> None:
    shelf.cosign.sign("dev", Way.KEY, shelf.reference)
    shelf.cosign.attest("dev", Way.KEY, shelf.reference)
    evidence = shelf.evidence()
    assert evidence.set_aside == ()
    assert {each.statement.predicate_type for each in evidence.statements} == {
        SIGNATURE,
        TYPES[PREDICATE],
    }
    signers = {each.proven.signer for each in evidence.statements}
    assert signers == {KeySigner(shelf.key.fingerprint)}


def test_every_layer_is_a_signature_of_its_own(shelf: Shelf) -> None:
    """cosign adds to the image; so do we, and neither loses the other's."""
    ours = Modelpack(shelf.cosign.desk, shelf.cosign.sigstore, Form.LEGACY)
    shelf.cosign.sign("dev", Way.KEY, shelf.reference)
    for who, tool in (("second", ours), ("third", shelf.cosign)):
        tool.generate_key(who)
        tool.sign(who, Way.KEY, shelf.reference)
    assert len(shelf.manifest("sig").array("layers")) == 3
    for who in ("dev", "second", "third"):
        for tool in (ours, shelf.cosign):
            verified = tool.verify(who, Way.KEY, shelf.reference)
            assert verified.code == 0, verified.err


def test_annotations_are_signed_with_it(shelf: Shelf) -> None:
    ours = Modelpack(shelf.cosign.desk, shelf.cosign.sigstore, Form.LEGACY)
    desk = shelf.cosign.desk.told(MODELPACK_PASSWORD=PASSWORD)
    flags = ("--legacy", "--key", "dev.key", "-a", "stage=prod")
    desk.modelpack("sign", *flags, shelf.reference)
    assert json.loads(shelf.layer("sig"))["optional"] == {"stage": "prod"}
    asked = ("--key", "dev.pub", "--insecure-ignore-tlog", "--new-bundle-format=false")
    desk.peer("cosign", "verify", *asked, "-a", "stage=prod", shelf.reference)
    wrong = ("-a", "stage=test", shelf.reference)
    assert desk.try_peer("cosign", "verify", *asked, *wrong).code != 0
    assert ours.verify("dev", Way.KEY, shelf.reference).code == 0


def test_a_signature_moved_to_another_artifact_is_set_aside(shelf: Shelf) -> None:
    """The tag says which artifact it lies beside; the payload, what was signed."""
    shelf.cosign.sign("dev", Way.KEY, shelf.reference)
    tag = f"sha256-{shelf.digest.hex}.sig"
    moved = shelf.store.get_manifest(tag)
    other = push(shelf.store, b"other weights", "v2").descriptor.digest
    shelf.store.put_manifest(moved, f"sha256-{other.hex}.sig")
    found = candidates(shelf.store, other)
    evidence = judge(found, About(other), KeyVerifier(key=shelf.key))
    assert evidence.statements == ()
    (aside,) = evidence.set_aside
    assert "is not about" in aside.reason


def test_a_keyless_one_that_no_log_holds_is_refused_with_the_reason(
    shelf: Shelf, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """cosign verifies it by its timestamp alone, if it is told to."""
    desk = shelf.cosign.desk
    with private_sigstore(tmp_path_factory.mktemp("sigstore")) as sigstore:
        root = ("--trusted-root", sigstore.trust.trusted_root)
        older = ("--new-bundle-format=false", *root)
        desk.peer(
            *("cosign", "sign", "--yes", *older),
            *("--use-signing-config=false", "--tlog-upload=false"),
            *("--fulcio-url", sigstore.fulcio),
            *("--timestamp-server-url", sigstore.timestamps),
            *("--identity-token", sigstore.token(address("dev"))),
            shelf.reference,
        )
        identity = (
            *("--certificate-identity", address("dev")),
            *("--certificate-oidc-issuer", sigstore.issuer.people),
        )
        flags = ("--insecure-ignore-tlog", "--use-signed-timestamps")
        desk.peer("cosign", "verify", *older, *flags, *identity, shelf.reference)
        refused = desk.try_modelpack("verify", *root, *identity, shelf.reference)
    assert refused.code == 3
    assert "no transparency log promises to hold it" in refused.err


def test_a_keyless_one_in_a_log_is_verified(
    shelf: Shelf, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """cosign asks the real Fulcio, and a log as Rekor v1 was."""
    desk, log = shelf.cosign.desk, RekorV1()
    with (
        private_sigstore(tmp_path_factory.mktemp("sigstore")) as sigstore,
        Scripted(lambda asked: _entered(log, asked)) as rekor,
    ):
        document = json.loads(sigstore.trust.trusted_root.read_text())
        root = desk.home / "trusted_root.json"
        root.write_text(json.dumps({**document, "tlogs": [log.trusted()]}))
        older = ("--new-bundle-format=false", "--trusted-root", root)
        signer = (
            *("--yes", "--use-signing-config=false"),
            *("--fulcio-url", sigstore.fulcio, "--rekor-url", rekor.url),
            *("--identity-token", sigstore.token(address("dev"))),
        )
        said = ("--type", PREDICATE, "--predicate", predicate(desk))
        desk.peer(
            "cosign", "sign", *older, *signer, "-a", "stage=prod", shelf.reference
        )
        desk.peer("cosign", "attest", *older, *signer, *said, shelf.reference)
        issuer = ("--certificate-oidc-issuer", sigstore.issuer.people)
    identity = ("--certificate-identity", address("dev"), *issuer)
    desk.peer("cosign", "verify", *older, *identity, shelf.reference)
    ours = ("verify", "--trusted-root", root)
    found = desk.modelpack(*ours, *identity, "-a", "stage=prod", shelf.reference)
    assert f"by {address('dev')}" in found.err
    desk.modelpack(*ours, *identity, "--type", PREDICATE, shelf.reference)
    other = ("--certificate-identity", address("other"), *issuer)
    assert desk.try_modelpack(*ours, *other, shelf.reference).code == 3


def _entered(log: RekorV1, asked: Asked) -> Say:
    """Answer `POST /api/v1/log/entries` (sigstore/rekor, openapi.yaml)."""
    if (asked.method, asked.path) != ("POST", "/api/v1/log/entries"):
        return Say(404)
    body = json.loads(asked.body)
    if body["kind"] == "dsse":
        # What is proposed is the envelope; what the log keeps is its hashes.
        content = json.loads(body["spec"]["proposedContent"]["envelope"])
        raw = base64.b64decode(content["payload"])
        (signature,) = content["signatures"]
        (verifier,) = body["spec"]["proposedContent"]["verifiers"]
        body = envelope(
            raw, base64.b64decode(signature["sig"]), base64.b64decode(verifier)
        )
    made = json.loads(log.annotation(body, int(time.time()), index=0))
    entry = {
        **made["Payload"],
        "verification": {
            "signedEntryTimestamp": made["SignedEntryTimestamp"],
            "inclusionProof": log.proof(body),
        },
    }
    name = "07" * 40
    headers = {
        "Content-Type": "application/json",
        "ETag": name,
        "Location": f"/api/v1/log/entries/{name}",
    }
    return Say(201, headers, json.dumps({name: entry}).encode())
