"""Bundles that cosign wrote, and what is believed of them here; then the reverse."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from modelpack.attestation.bundle import MAX_BYTES, Bundle
from modelpack.attestation.envelope import Envelope
from modelpack.attestation.evidence import About, VerifiedStatement, verified
from modelpack.attestation.predicates import SIGNATURE, TYPES
from modelpack.attestation.statement import Statement
from modelpack.errors import VerificationError
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Manifest
from modelpack.oci.store import Store, read_whole
from modelpack.signing.log import LogKeys
from modelpack.signing.managed import KeySigning, KeyVerifier
from modelpack.signing.private_key import PrivateKey
from modelpack.workflows.attach import attach
from tests.interop.desk import Desk
from tests.interop.registries import Running
from tests.interop.sigstore.keys import write_private
from tests.interop.sigstore.private import no_sigstore, private_sigstore
from tests.interop.sigstore.tools import BOM, PASSWORD, PREDICATE, Cosign, Way
from tests.interop.stores import store_at
from tests.stores.contract import push

pytestmark = pytest.mark.interop

CREATED = "2026-11-24T00:00:00Z"
Kind = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
KINDS: dict[str, tuple[Callable[[], Kind], Sequence[str]]] = {
    "P-256": (lambda: ec.generate_private_key(ec.SECP256R1()), ()),
    # cosign signs with the hash that goes with the curve, and has to be told of it
    # when it verifies, also what it signed itself.
    "P-384": (
        lambda: ec.generate_private_key(ec.SECP384R1()),
        ("--signature-digest-algorithm", "sha384"),
    ),
    "P-521": (
        lambda: ec.generate_private_key(ec.SECP521R1()),
        ("--signature-digest-algorithm", "sha512"),
    ),
    "RSA-2048": (lambda: rsa.generate_private_key(65537, 2048), ()),
    "RSA-3072": (lambda: rsa.generate_private_key(65537, 3072), ()),
    "Ed25519": (ed25519.Ed25519PrivateKey.generate, ()),
}
COSIGN_SIGNS = [kind for kind in KINDS if kind != "Ed25519"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """An artifact in a registry, and cosign with a key for it."""

    store: Store
    artifact: Manifest
    reference: str
    cosign: Cosign

    @property
    def digest(self) -> Digest:
        return self.artifact.descriptor.digest

    @property
    def key(self) -> PrivateKey:
        path = self.cosign.desk.home / "dev.key"
        return PrivateKey.parse(path.read_bytes(), lambda: PASSWORD)

    @property
    def logs(self) -> LogKeys:
        root = self.cosign.sigstore.trust.trusted_root
        return LogKeys.of_trusted_root(root.read_bytes())

    def bundles(self) -> list[Bundle]:
        """Fetch all that refers to the artifact; each is one layer."""
        found = []
        for descriptor in self.store.referrers(self.digest):
            document = self.store.get_manifest(descriptor.digest)
            (layer,) = Manifest.parse(document.raw).layers
            found.append(Bundle.parse(read_whole(self.store, layer, limit=MAX_BYTES)))
        return found

    def believed(self, bundle: Bundle, verifier: KeyVerifier) -> VerifiedStatement:
        return verified(bundle, About(self.digest), verifier)


@pytest.fixture
def bench(modern_registry: Running, desk: Desk, tmp_path: Path) -> Bench:
    """In each registry; nobody is told of what is signed."""
    return _bench(modern_registry, Cosign(desk, no_sigstore(tmp_path)))


@pytest.fixture
def logging(
    modern_registry: Running, desk: Desk, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    """In each registry, with a log that is empty."""
    with private_sigstore(tmp_path_factory.mktemp("sigstore")) as sigstore:
        yield _bench(modern_registry, Cosign(desk, sigstore))


def test_its_signature_is_believed(bench: Bench) -> None:
    bench.cosign.generate_key("dev")
    bench.cosign.sign("dev", Way.KEY, bench.reference)
    (bundle,) = bench.bundles()
    public = bench.key.public
    found = bench.believed(bundle, KeyVerifier(key=public))
    assert bundle.hint == public.hint
    assert found.statement.predicate_type == SIGNATURE
    assert (found.proven.logged, found.proven.signed_at) == (False, None)


def test_its_signature_is_not_believed_of_another_key(bench: Bench) -> None:
    bench.cosign.generate_key("dev")
    bench.cosign.sign("dev", Way.KEY, bench.reference)
    (bundle,) = bench.bundles()
    other = KeyVerifier(key=PrivateKey.generate().public)
    with pytest.raises(VerificationError, match="was not made with key"):
        bench.believed(bundle, other)


def test_its_attestation_is_believed(bench: Bench) -> None:
    bench.cosign.generate_key("dev")
    bench.cosign.attest("dev", Way.KEY, bench.reference)
    (bundle,) = bench.bundles()
    found = bench.believed(bundle, KeyVerifier(key=bench.key.public))
    assert found.statement.predicate_type == TYPES[PREDICATE]
    assert found.statement.predicate == BOM


def test_what_it_logged_is_found_in_the_log(logging: Bench) -> None:
    """Go leaves zeros out: the first entry has no index, its proof no hashes."""
    logging.cosign.generate_key("dev")
    logging.cosign.sign("dev", Way.LOGGED, logging.reference)
    logging.cosign.attest("dev", Way.LOGGED, logging.reference)
    bundles = logging.bundles()
    logged = KeyVerifier(key=logging.key.public, logs=logging.logs, require_log=True)
    for bundle in bundles:
        assert logging.believed(bundle, logged).proven.logged
    indices = [entry.index for bundle in bundles for entry in bundle.entries]
    assert sorted(indices) == [0, 1]


def test_what_it_did_not_log_is_not_enough(logging: Bench) -> None:
    logging.cosign.generate_key("dev")
    logging.cosign.sign("dev", Way.KEY, logging.reference)
    (bundle,) = logging.bundles()
    logged = KeyVerifier(key=logging.key.public, logs=logging.logs, require_log=True)
    with pytest.raises(VerificationError):
        logging.believed(bundle, logged)


def test_the_entry_of_another_signature_does_not_count(logging: Bench) -> None:
    """By the same key, in the same log, with a proof that holds."""
    logging.cosign.generate_key("dev")
    logging.cosign.sign("dev", Way.LOGGED, logging.reference)
    logging.cosign.attest("dev", Way.LOGGED, logging.reference)
    first, second = logging.bundles()
    assert isinstance(first.envelope, Envelope)
    swapped = Bundle.build(first.envelope, first.hint, second.entries)
    logged = KeyVerifier(key=logging.key.public, logs=logging.logs)
    with pytest.raises(VerificationError, match="about something else"):
        logging.believed(swapped, logged)


@pytest.mark.parametrize("way", [Way.KEY, Way.LOGGED], ids=lambda way: way.value)
@pytest.mark.parametrize("kind", COSIGN_SIGNS)
def test_it_signs_with_each_kind_of_key(logging: Bench, kind: str, way: Way) -> None:
    public = _import(logging, kind).public
    logging.cosign.sign("dev", way, logging.reference)
    (bundle,) = logging.bundles()
    wanted = way is Way.LOGGED
    verifier = KeyVerifier(key=public, logs=logging.logs, require_log=wanted)
    assert logging.believed(bundle, verifier).proven.logged is wanted
    _verify(logging, kind, *(() if wanted else ("--insecure-ignore-tlog",)))


def test_it_does_not_sign_a_bundle_with_ed25519(bench: Bench) -> None:
    """Once it does, `COSIGN_SIGNS` has to have it: is its Ed25519 the plain one?"""
    _import(bench, "Ed25519")
    with pytest.raises(AssertionError, match="could not verify envelope"):
        bench.cosign.sign("dev", Way.KEY, bench.reference)


@pytest.mark.parametrize("kind", KINDS)
def test_it_verifies_each_kind_of_key(bench: Bench, kind: str) -> None:
    key = _import(bench, kind)
    bundle = KeySigning(key=key).sign(Statement.signature(bench.digest))
    attach(bench.store, bench.artifact.descriptor, bundle, SIGNATURE, CREATED)
    _verify(bench, kind, "--insecure-ignore-tlog")


def _bench(registry: Running, cosign: Cosign) -> Bench:
    store = store_at(registry)
    artifact = push(store, b"weights", "v1")
    digest = artifact.descriptor.digest
    return Bench(
        store=store,
        artifact=artifact,
        reference=f"{registry.host}/team/model@{digest}",
        cosign=cosign,
    )


def _import(bench: Bench, kind: str) -> PrivateKey:
    make, _ = KINDS[kind]
    desk = bench.cosign.desk.told(COSIGN_PASSWORD=PASSWORD)
    write_private(desk.home / "made.pem", make())
    prefix = ("--output-key-prefix", "dev")
    desk.peer("cosign", "import-key-pair", "--key", "made.pem", *prefix)
    return bench.key


def _verify(bench: Bench, kind: str, *flags: str) -> None:
    _, told = KINDS[kind]
    root = bench.cosign.sigstore.trust.trusted_root
    believed = ("--key", "dev.pub", "--trusted-root", root)
    desk = bench.cosign.desk
    desk.peer("cosign", "verify", *believed, *told, *flags, bench.reference)
