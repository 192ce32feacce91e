"""cosign signs and verifies with the private Sigstore: the stage is sound.

What our own code does there is in `test_cosign_matrix.py`.
"""

import json
from collections.abc import Iterator

import pytest
from sigstore.models import ClientTrustConfig

from tests.interop.desk import Desk
from tests.interop.registries import Running
from tests.interop.sigstore.authority import SigningAuthority
from tests.interop.sigstore.private import Sigstore, private_sigstore
from tests.interop.sigstore.tools import Cosign, Way
from tests.interop.sigstore.trust import authority
from tests.interop.stores import store_at
from tests.stores.contract import push

pytestmark = pytest.mark.interop

REPOSITORY = "acme/models"


@pytest.fixture
def sigstore(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sigstore]:
    with private_sigstore(tmp_path_factory.mktemp("sigstore")) as running:
        yield running


@pytest.fixture
def reference(modern_registry: Running) -> str:
    """Something to sign, in each registry."""
    artifact = push(store_at(modern_registry), b"weights", "v1").descriptor
    return f"{modern_registry.host}/team/model@{artifact.digest}"


def test_cosign_verifies_what_it_signed_and_for_whom(
    reference: str, sigstore: Sigstore, desk: Desk
) -> None:
    cosign = Cosign(desk, sigstore)
    cosign.sign("dev", Way.KEYLESS, reference)
    verified = cosign.verify("dev", Way.KEYLESS, reference)
    assert verified.code == 0, verified.err
    other = cosign.verify("mallory", Way.KEYLESS, reference)
    assert "no matching CertificateIdentity" in other.err


def test_cosign_verifies_what_it_attested(
    reference: str, sigstore: Sigstore, desk: Desk
) -> None:
    cosign = Cosign(desk, sigstore)
    cosign.attest("dev", Way.KEYLESS, reference)
    verified = cosign.verify_attestation("dev", Way.KEYLESS, reference)
    assert verified.code == 0, verified.err
    other = cosign.verify_attestation("mallory", Way.KEYLESS, reference)
    assert "no matching CertificateIdentity" in other.err


def test_a_workflow_signs(reference: str, sigstore: Sigstore, desk: Desk) -> None:
    root = ("--trusted-root", sigstore.trust.trusted_root)
    desk.peer(
        *("cosign", "sign", "--yes", *root),
        *("--signing-config", sigstore.trust.signing_config),
        *("--identity-token", sigstore.ci_token(REPOSITORY)),
        reference,
    )
    desk.peer(
        *("cosign", "verify", *root),
        *("--certificate-identity", sigstore.issuer.ci_identity(REPOSITORY)),
        *("--certificate-oidc-issuer", sigstore.issuer.workflows),
        *("--certificate-github-workflow-repository", REPOSITORY),
        reference,
    )


def test_another_authority_does_not_vouch(
    reference: str, sigstore: Sigstore, desk: Desk
) -> None:
    cosign = Cosign(desk, sigstore)
    cosign.sign("dev", Way.KEYLESS, reference)
    path = sigstore.trust.trusted_root
    root = json.loads(path.read_text())
    other = SigningAuthority.make().chain
    root["certificateAuthorities"] = [authority("root", sigstore.fulcio, other)]
    path.write_text(json.dumps(root))
    refused = cosign.verify("dev", Way.KEYLESS, reference)
    assert refused.code != 0
    assert "leaf certificate verification failed" in refused.err


def test_sigstore_python_reads_what_it_says_of_itself(sigstore: Sigstore) -> None:
    text = sigstore.trust.client_trust_config.read_text()
    config = ClientTrustConfig.from_json(text)
    assert config.signing_config.get_fulcio().url == sigstore.fulcio
    assert len(config.trusted_root.get_fulcio_certs()) == 2
