"""cosign and modelpack at work on the same artifact, one after the other."""

import json
from pathlib import Path

import pytest

from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Manifest
from modelpack.signing.private_key import PrivateKey
from tests.interop.desk import Desk
from tests.interop.registries import PASSWORD as ENTRY
from tests.interop.registries import Running
from tests.interop.sigstore.private import no_sigstore
from tests.interop.sigstore.tools import (
    PASSWORD,
    PREDICATE,
    Cosign,
    Form,
    Modelpack,
    Tool,
    Way,
    predicate,
)
from tests.interop.stores import store_at
from tests.stores.contract import push

pytestmark = pytest.mark.interop


@pytest.fixture
def cosign(desk: Desk, tmp_path: Path) -> Cosign:
    """Be at a desk where `dev` has a key."""
    key = PrivateKey.generate()
    (desk.home / "dev.key").write_bytes(key.encrypted(PASSWORD))
    (desk.home / "dev.pub").write_bytes(key.public.pem)
    return Cosign(desk, no_sigstore(tmp_path))


@pytest.fixture
def ours(cosign: Cosign) -> Modelpack:
    return Modelpack(cosign.desk, cosign.sigstore)


def test_an_attestation_takes_the_place_of_cosigns(
    modern_registry: Running, cosign: Cosign, ours: Modelpack
) -> None:
    """By the same key, of the same type; a signature beside it stays."""
    artifact, reference = _pushed(modern_registry)
    cosign.sign("dev", Way.KEY, reference)
    cosign.attest("dev", Way.KEY, reference)
    newer = _attest_anew(ours, reference)
    assert len(newer["replaced"]) == 1
    assert newer["kept"] == []
    listed = store_at(modern_registry).referrers(artifact.descriptor.digest)
    assert len(listed) == 2
    for tool in (cosign, ours):
        _agrees(tool, reference)


def test_one_in_the_older_form_cannot_be_replaced_and_that_is_said(
    distribution: Running, cosign: Cosign, ours: Modelpack
) -> None:
    artifact, reference = _pushed(distribution)
    older = Cosign(cosign.desk, cosign.sigstore, Form.LEGACY)
    older.attest("dev", Way.KEY, reference)
    newer = _attest_anew(ours, reference)
    tag = f"sha256-{artifact.descriptor.digest.hex}.att[0]"
    assert (newer["replaced"], newer["kept"]) == ([], [tag])


def test_ours_is_added_to_cosigns_once(
    distribution: Running, cosign: Cosign, ours: Modelpack
) -> None:
    """Its statement has an empty list of annotations, so that the bytes differ."""
    artifact, reference = _pushed(distribution)
    cosign.sign("dev", Way.KEY, reference)
    ours.sign("dev", Way.KEY, reference)
    ours.sign("dev", Way.KEY, reference)
    listed = store_at(distribution).referrers(artifact.descriptor.digest)
    assert len(listed) == 2


@pytest.mark.parametrize("signs", ["cosign", "modelpack"])
@pytest.mark.parametrize("back", [False, True])
def test_a_copy_made_by_oras_is_as_good(
    distribution: Running,
    olareg: Running,
    cosign: Cosign,
    ours: Modelpack,
    *,
    signs: str,
    back: bool,
) -> None:
    """From a registry without the referrers API to one with it, or back."""
    source, target = (olareg, distribution) if back else (distribution, olareg)
    artifact, reference = _pushed(source)
    tool: Tool = cosign if signs == "cosign" else ours
    tool.sign("dev", Way.KEY, reference)
    tool.attest("dev", Way.KEY, reference)
    copy = f"{target.host}/other/model"
    plain = ("--from-plain-http", "--to-plain-http")
    # One at a time: olareg can lose one of two referrers that come at once.
    slowly = ("--concurrency", "1")
    cosign.desk.peer("oras", "cp", "-r", *plain, *slowly, reference, f"{copy}:v1")
    for each in (cosign, ours):
        _agrees(each, f"{copy}@{artifact.descriptor.digest}")


def test_a_copy_made_by_cosign_can_be_signed(
    distribution: Running, olareg: Running, cosign: Cosign, ours: Modelpack
) -> None:
    """It leaves bundles behind, and calls the artifact itself `sha256-…`.

    That is the name of the fallback list; cosign and oras write over it.
    """
    artifact, reference = _pushed(olareg)
    copy = f"{distribution.host}/other/model"
    cosign.desk.peer("cosign", "copy", reference, f"{copy}:v1")
    copied = f"{copy}@{artifact.descriptor.digest}"
    assert ours.verify("dev", Way.KEY, copied).code == 3
    ours.sign("dev", Way.KEY, copied)
    for tool in (cosign, ours):
        verified = tool.verify("dev", Way.KEY, copied)
        assert verified.code == 0, verified.err


def test_one_login_is_enough_for_both(
    htpasswd_registry: Running, cosign: Cosign, ours: Modelpack, tmp_path: Path
) -> None:
    assert htpasswd_registry.username is not None
    user = ("--username", htpasswd_registry.username, "--password-stdin")
    desk = cosign.desk
    desk.modelpack("login", *user, htpasswd_registry.host, typed=ENTRY)
    (tmp_path / "weights.bin").write_bytes(b"weights")
    reference = f"{htpasswd_registry.host}/team/model:v1"
    desk.modelpack("push", tmp_path / "weights.bin", reference)
    for tool in (cosign, ours):
        tool.sign("dev", Way.KEY, reference)
        tool.attest("dev", Way.KEY, reference)
    for tool in (cosign, ours):
        _agrees(tool, reference)


def test_behind_tls_both_find_what_both_signed(
    tls_registry: Running, cosign: Cosign, tmp_path: Path
) -> None:
    assert tls_registry.ca is not None
    (tmp_path / "weights.bin").write_bytes(b"weights")
    reference = f"{tls_registry.host}/team/model:v1"
    desk = cosign.desk.told(MODELPACK_PASSWORD=PASSWORD, COSIGN_PASSWORD=PASSWORD)
    ca = ("--ca-file", tls_registry.ca)
    desk.modelpack("push", *ca, tmp_path / "weights.bin", reference)
    desk.modelpack("sign", *ca, "--key", "dev.key", reference)
    trusted = ("--registry-cacert", tls_registry.ca)
    believed = ("--key", "dev.pub", "--insecure-ignore-tlog")
    desk.peer("cosign", "verify", *trusted, *believed, reference)
    trust = cosign.sigstore.trust
    quiet = ("--signing-config", trust.signing_config_without_log)
    root = ("--trusted-root", trust.trusted_root)
    signs = ("sign", "--yes", *trusted, *quiet, *root, "--key", "dev.key")
    desk.peer("cosign", *signs, "-a", "by=cosign", reference)
    shown = desk.modelpack(
        "verify", *ca, "--format", "json", "--key", "dev.pub", reference
    )
    assert len(json.loads(shown.out)["verified"]) == 2


def _pushed(registry: Running) -> tuple[Manifest, str]:
    artifact = push(store_at(registry), b"weights", "v1")
    digest: Digest = artifact.descriptor.digest
    return artifact, f"{registry.host}/team/model@{digest}"


def _attest_anew(ours: Modelpack, reference: str) -> dict[str, list[str]]:
    """Say something else of the same type; return what became of the earlier."""
    desk = ours.desk.told(MODELPACK_PASSWORD=PASSWORD)
    predicate(desk).write_text(
        '{"bomFormat":"CycloneDX","specVersion":"1.6","version":2}'
    )
    said = ("--type", PREDICATE, "--predicate", "bom.json", "--key", "dev.key")
    ran = desk.modelpack("attest", "--format", "json", *said, reference)
    (statement,) = json.loads(ran.out)["statements"]
    found: dict[str, list[str]] = statement
    return found


def _agrees(tool: Tool, reference: str) -> None:
    for ask in (tool.verify, tool.verify_attestation):
        verified = ask("dev", Way.KEY, reference)
        assert verified.code == 0, verified.err
