"""modelpack and cosign sign; modelpack and cosign verify: every cell of it.

A cell is refused in the same test for somebody who has not signed, so that no tool
passes that accepts anything. The older form has no keyless and no logged cells: its
annotations have room for Rekor v1 only.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from modelpack.api import push
from modelpack.signing.private_key import PrivateKey
from tests.interop.desk import Desk
from tests.interop.registries import Running
from tests.interop.sigstore.private import Sigstore, no_sigstore, private_sigstore
from tests.interop.sigstore.tools import (
    PASSWORD,
    Cosign,
    Form,
    Modelpack,
    Tool,
    Way,
)

pytestmark = pytest.mark.interop

SIGNERS = 20

Make = Callable[[Desk, Sigstore, Form], Tool]
TOOLS: dict[str, Make] = {"modelpack": Modelpack, "cosign": Cosign}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Who signs, who verifies, and how."""

    signs: str
    verifies: str
    way: Way
    form: Form

    def __str__(self) -> str:
        parts = (self.signs, self.verifies, self.way.value, self.form.value)
        return "-".join(parts)


CELLS = [
    Cell(signs=signs, verifies=verifies, way=way, form=form)
    for signs, verifies, way, form in product(TOOLS, TOOLS, Way, Form)
    if form is Form.BUNDLE or way is Way.KEY
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A model in a registry, and the two tools of a cell."""

    reference: str
    signs: Tool
    verifies: Tool


@pytest.fixture(params=CELLS, ids=str)
def cell(request: pytest.FixtureRequest) -> Cell:
    found: Cell = request.param
    return found


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Small\n")
    (folder / "weights.bin").write_bytes(b"weights")
    return folder


@pytest.fixture
def reference(modern_registry: Running, model: Path) -> str:
    return _pushed(modern_registry, model)


@pytest.fixture
def table(
    cell: Cell, reference: str, desk: Desk, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Table]:
    with _sigstore(cell.way, tmp_path_factory.mktemp("sigstore")) as sigstore:
        signs = TOOLS[cell.signs](desk, sigstore, cell.form)
        if cell.way is not Way.KEYLESS:
            signs.generate_key("dev")
            public = PrivateKey.generate().public.pem
            (desk.home / "mallory.pub").write_bytes(public)
        yield Table(
            reference=reference,
            signs=signs,
            verifies=TOOLS[cell.verifies](desk, sigstore, cell.form),
        )


def test_a_signature(cell: Cell, table: Table) -> None:
    table.signs.sign("dev", cell.way, table.reference)
    verified = table.verifies.verify("dev", cell.way, table.reference)
    assert verified.code == 0, verified.err
    if cell.verifies == "modelpack":
        assert _has_form(verified.out, cell.form, ".sig[0]")
    refused = table.verifies.verify("mallory", cell.way, table.reference)
    assert refused.code != 0
    assert "Error: no matching" in refused.err or refused.code == 3


def test_an_attestation(cell: Cell, table: Table) -> None:
    table.signs.attest("dev", cell.way, table.reference)
    verified = table.verifies.verify_attestation("dev", cell.way, table.reference)
    assert verified.code == 0, verified.err
    if cell.verifies == "modelpack":
        assert _has_form(verified.out, cell.form, ".att[0]")
    refused = table.verifies.verify_attestation("mallory", cell.way, table.reference)
    assert refused.code != 0
    assert "Error: no matching" in refused.err or refused.code == 3


def test_cosign_finds_the_signed_annotations(
    reference: str, desk: Desk, tmp_path: Path
) -> None:
    sigstore = no_sigstore(tmp_path)
    Modelpack(desk, sigstore).generate_key("dev")
    told = desk.told(MODELPACK_PASSWORD=PASSWORD)
    told.modelpack("sign", "--key", "dev.key", "-a", "stage=prod", reference)
    asked = ("verify", "--key", "dev.pub", "--insecure-ignore-tlog")
    desk.peer("cosign", *asked, "-a", "stage=prod", reference)
    assert desk.try_peer("cosign", *asked, "-a", "stage=test", reference).code != 0


@pytest.mark.parametrize("form", Form)
def test_what_cosign_has_signed_is_signed_wherever_it_is_copied(
    form: Form, reference: str, distribution: Running, desk: Desk, tmp_path: Path
) -> None:
    """Over an archive, to a registry that does not list referrers itself."""
    cosign = Cosign(desk, no_sigstore(tmp_path), form)
    cosign.generate_key("dev")
    cosign.sign("dev", Way.KEY, reference)
    cosign.attest("dev", Way.KEY, reference)
    inside, bare = (f"{distribution.host}/{name}/model:v1" for name in ("in", "bare"))
    desk.modelpack("copy", reference, "oci-archive:carried.tar")
    desk.modelpack("copy", "oci-archive:carried.tar:v1", inside)
    desk.modelpack("copy", "--no-referrers", reference, bare)
    for check in (cosign.verify, cosign.verify_attestation):
        verified = check("dev", Way.KEY, inside)
        assert verified.code == 0, verified.err
        assert check("dev", Way.KEY, bare).code != 0


def test_no_signature_is_lost_among_twenty(
    distribution: Running, model: Path, desk: Desk, tmp_path: Path
) -> None:
    """Without the referrers API all of them change one tag."""
    reference = _pushed(distribution, model)
    people = [f"dev{number}" for number in range(SIGNERS)]
    for who in people:
        key = PrivateKey.generate()
        (desk.home / f"{who}.key").write_bytes(key.encrypted(PASSWORD))
        (desk.home / f"{who}.pub").write_bytes(key.public.pem)
    sigstore = no_sigstore(tmp_path)
    ours = Modelpack(desk, sigstore)
    with ThreadPoolExecutor(SIGNERS) as pool:
        list(pool.map(lambda who: ours.sign(who, Way.KEY, reference), people))
    keys = [argument for who in people for argument in ("--key", f"{who}.pub")]
    desk.modelpack("verify", "--require", str(SIGNERS), *keys, reference)
    for who in people:
        verified = Cosign(desk, sigstore).verify(who, Way.KEY, reference)
        assert verified.code == 0, verified.err


def _pushed(registry: Running, model: Path) -> str:
    reference = f"{registry.host}/team/model:v1"
    push(model, reference)
    return reference


@contextmanager
def _sigstore(way: Way, folder: Path) -> Iterator[Sigstore]:
    if way is Way.KEY:
        yield no_sigstore(folder)
        return
    with private_sigstore(folder) as running:
        yield running


def _has_form(out: bytes, form: Form, suffix: str) -> bool:
    """Whether modelpack names what it found as this form is named."""
    names = [each["name"] for each in json.loads(out)["verified"]]
    if form is Form.LEGACY:
        return any(name.endswith(suffix) for name in names)
    return [":" in name for name in names] == [True]
