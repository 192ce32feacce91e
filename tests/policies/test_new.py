"""``policy new``: what it refuses to write."""

from pathlib import Path

import pytest
import yaml

from modelpack.api.composing import new_policy, trust_identity, trust_key
from modelpack.errors import InvalidInput
from modelpack.policy.library.writing import yaml_of
from tests.policies.write import KEY, REGISTRY


def _new(
    *require: str, place: str = "volumes", registry: str = REGISTRY, name: str = "m"
) -> str:
    return new_policy(
        trust_key(KEY),
        require=require,
        places=[place],
        registries=[registry],
        name=name,
    )


@pytest.mark.parametrize(
    "demand",
    [
        "",
        "sined",
        "signed=yes",
        "licence",
        "licence=",
        "licence=with space",
        "provenance",
        "base",
        "wasm",
        "scan=0",
        "scan=-1",
        "scan=soon",
        "scan=٣",
        "scan=99999999999999999999",
        "carbon=1.5",
    ],
)
def test_a_demand_that_is_none_is_refused(demand: str) -> None:
    with pytest.raises(InvalidInput):
        _new(demand)


@pytest.mark.parametrize(
    "registry",
    [
        "",
        "*",
        "registry.example.com*",
        "registry.example.com/models/*",
        "https://registry.example.com",
        "registry.example.com/Models",
        "registry.example.com//models",
        "registry.example.com/m'odels",
        "{a,b}.example.com",
    ],
)
def test_a_registry_that_would_let_others_pass_is_refused(registry: str) -> None:
    with pytest.raises(InvalidInput):
        _new("signed", registry=registry)


def test_a_place_and_a_name_have_to_be_one() -> None:
    with pytest.raises(InvalidInput, match="is no place"):
        _new("signed", place="pods")
    with pytest.raises(InvalidInput, match="is no name"):
        _new("signed", name="A policy")


def test_a_private_key_does_not_get_into_a_policy(tmp_path: Path) -> None:
    key = tmp_path / "team.key"
    key.write_text("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n")
    with pytest.raises(InvalidInput, match="is a private key"):
        trust_key(key)


def test_values_are_text_and_nothing_more() -> None:
    [policy] = yaml.safe_load_all(_new("""licence=x"])||true||("a"in["a"""))
    rules = [each["expression"] for each in policy["spec"]["validations"]]
    assert any(r'"x\"])||true||(\"a\"in[\"a"' in rule for rule in rules)


def test_an_identity_is_written_with_whom_it_is_believed_by(tmp_path: Path) -> None:
    root = tmp_path / "root.json"
    root.write_text('{"mediaType": "a root"}\n')
    workflow = (
        "https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main"
    )
    issuer = "https://token.actions.githubusercontent.com"
    written = new_policy(
        trust_identity(workflow, issuer, trusted_root=root),
        require=["signed"],
        places=["volumes"],
        registries=[REGISTRY],
    )
    [policy] = yaml.safe_load_all(written)
    [attestor] = policy["spec"]["attestors"]
    assert attestor["cosign"] == {
        "keyless": {"identities": [{"subject": workflow, "issuer": issuer}]},
        "trustedRoot": {"value": '{"mediaType": "a root"}\n'},
    }


def test_yaml_is_read_back_as_it_was() -> None:
    odd = {
        "word": "no",
        "list": ["a: b", "- c", "", " d ", "e  f", "#", "1", "~"],
        "long": "word " * 40 + "end",
        "spaces": "two  spaces " * 12,
        "text": "lines\nand\n\nmore\n",
        "open": "lines\nwithout an end",
        "nested": [{"a": [{"b": {"c": True}}]}, {"d": None, "e": 1.5}],
        "unicode": "größer 模型",
    }
    assert list(yaml.safe_load_all(yaml_of([odd, odd]))) == [odd, odd]
