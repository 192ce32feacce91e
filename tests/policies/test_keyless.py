"""The library for models that a workflow of one repository signs, without a key.

Before modelpack alone: Kyverno 1.19.0 asks a TUF repository for every keyless attestor,
also where the policy brings a trusted root.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from modelpack.api import Settings, Sigstore, sign, sign_keyless
from modelpack.api.composing import new_policy, trust_identity
from modelpack.serve.registry import RegistryServer
from tests.kyverno.case import Case, Result, Verdict
from tests.kyverno.documents import pod
from tests.kyverno.house import House
from tests.kyverno.shelf import Shelf
from tests.kyverno.stock import FORMS
from tests.sigstore.server import FakeSigstore

_FILE = "https://github.com/acme/models/.github/workflows/release.yml"
WORKFLOW = f"{_FILE}@refs/heads/main"
_SOMEWHERE = "registry.example.com/models"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A model that the workflow has signed, and who vouches for it."""

    house: House
    issuer: str
    root: Path

    def judge(self, identity: str, issuer: str = "", model: str = "built") -> Verdict:
        written = new_policy(
            trust_identity(identity, issuer or self.issuer, trusted_root=self.root),
            require=["signed"],
            places=["volumes"],
            registries=[_SOMEWHERE],
        )
        text = json.dumps(list(yaml.safe_load_all(written)))
        moved = text.replace(_SOMEWHERE, f"{self.house.names['registry']}/models")
        case = Case(
            name="keyless",
            policies=tuple(json.loads(moved)),
            resource=pod(f"${{{model}}}"),
            result=Result.PASS,
        )
        return self.house.judge(case)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("sigstore")
    with RegistryServer() as registry, FakeSigstore() as sigstore:
        config, root, _ = sigstore.write(folder)
        shelf = Shelf(registry.address, tmp_path_factory.mktemp("shelf"), FORMS)
        signer = sign_keyless(
            lambda _issuer: sigstore.token(WORKFLOW), Sigstore(config=config)
        )
        sign(shelf.model("built"), signer, settings=Settings())
        house = House(folder=tmp_path_factory.mktemp("papers"), names=shelf.names)
        yield Desk(house=house, issuer=sigstore.url, root=root)


def test_the_workflow_is_believed(desk: Desk) -> None:
    verdict = desk.judge(WORKFLOW)
    assert verdict.results == [Result.PASS], verdict.printed
    assert verdict.admitted


@pytest.mark.parametrize(
    "identity",
    [
        f"{_FILE}@refs/heads/other",
        f"{WORKFLOW}s",
        WORKFLOW.replace("acme", "acme-imitated"),
        WORKFLOW.replace("release", "test"),
        "anna@example.com",
    ],
)
def test_nobody_else_is(desk: Desk, identity: str) -> None:
    verdict = desk.judge(identity)
    assert verdict.results == [Result.FAIL], verdict.printed
    assert "is not signed by the team" in verdict.messages


def test_somebody_else_may_not_vouch_for_it(desk: Desk) -> None:
    verdict = desk.judge(WORKFLOW, "https://issuer.example")
    assert verdict.results == [Result.FAIL], verdict.printed


@pytest.mark.parametrize("model", ["signed", "unsigned", "by-stranger"])
def test_a_key_is_no_identity(desk: Desk, model: str) -> None:
    assert desk.judge(WORKFLOW, model=model).results == [Result.FAIL]
