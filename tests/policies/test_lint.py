"""``policy lint``: each trap is found where it is, and the library has none."""

import json
from pathlib import Path

import pytest

from modelpack.api.policy_lint import Severity, lint_policies
from tests.kyverno.case import Document, Json, filled
from tests.kyverno.documents import (
    ALL_SIGNED,
    POD_MODELS,
    SERVICES,
    SIGNED,
    attestation,
    by_key,
    ivpol,
    vpol,
)
from tests.kyverno.shelf import SIGN_TYPE
from tests.policies.write import FOLDER, KEY, LEVELS

NAMES = {"registry": "registry.example.com", "dev.pub": KEY.read_text()}
_STATEMENT = (
    "images.models.all(m, verifyAttestationSignatures(m, attestations.{},"
    " [attestors.dev]) > 0)"
)
_ON_THE_LIST = f"{POD_MODELS}.all(r, r in images.models)"
_GOOD: Json = {
    "validations": [
        {"expression": _ON_THE_LIST},
        {"expression": _STATEMENT.format("signature")},
    ],
    "attestations": [attestation("signature", SIGN_TYPE)],
}


def _lint(folder: Path, *policies: Document) -> dict[str, Severity]:
    path = folder / "policies.yaml"
    texts = [json.dumps(filled(each, NAMES)) for each in policies]
    path.write_text("\n---\n".join(texts))
    return {each.trap: each.severity for each in lint_policies([path])}


def _good(**changed: Json) -> Document:
    return ivpol(**{**_GOOD, **changed})


def _with_rule(rule: str, *more: Json) -> Document:
    return _good(
        validations=[*_GOOD["validations"], {"expression": rule}],
        attestations=[*_GOOD["attestations"], *more],
    )


def _keyless(**identity: str) -> Json:
    keyless = {"identities": [identity]}
    return [{"name": "dev", "cosign": {"keyless": keyless}}]


_WORKFLOW = "https://ci.example/acme/.+"
_ISSUER = "https://issuer.example"
_BOM = attestation("bom", "https://cyclonedx.org/bom")
_READS = "images.models.all(m, extractPayload(m, attestations.bom).predicate.a == 'b')"

TRAPS: dict[str, tuple[str, list[Document]]] = {
    "an SBOM by the same key would do": (
        "any-statement-signs",
        [ivpol([{"expression": _ON_THE_LIST}, ALL_SIGNED])],
    ),
    "two on the same objects": ("deadlock", [_good(), _good(name="again")]),
    "two on everything": (
        "deadlock",
        [
            _good(),
            _good(
                name="all",
                matched={
                    "resourceRules": [
                        {
                            "apiGroups": ["*"],
                            "apiVersions": ["*"],
                            "operations": ["*"],
                            "resources": ["*"],
                        }
                    ]
                },
            ),
        ],
    ),
    "an unknown field": ("dropped-document", [_good(surprise=True)]),
    "an unknown action": ("dropped-document", [_good(validationActions=["Block"])]),
    "several identities in one attestor": (
        "dropped-document",
        [
            _good(
                attestors=[
                    {
                        "name": "dev",
                        "cosign": {
                            "keyless": {
                                "identities": [
                                    {"subject": "a", "issuer": _ISSUER},
                                    {"subject": "b", "issuer": _ISSUER},
                                ]
                            }
                        },
                    }
                ]
            )
        ],
    ),
    "a host without its end": (
        "open-registry",
        [_good(matchImageReferences=[{"glob": "registry.example.com*"}])],
    ),
    "a host without its beginning": (
        "open-registry",
        [_good(matchImageReferences=[{"glob": "*example.com/models/*"}])],
    ),
    "an expression without the host's end": (
        "open-registry",
        [
            _good(
                matchImageReferences=[
                    {"expression": "ref.startsWith('registry.example.com')"}
                ]
            )
        ],
    ),
    "an expression that looks anywhere": (
        "open-registry",
        [_good(matchImageReferences=[{"expression": "ref.contains('acme/')"}])],
    ),
    "models from elsewhere": (
        "others-pass",
        [_good(validations=[{"expression": _STATEMENT.format("signature")}])],
    ),
    "a short predicate type": (
        "short-predicate-type",
        [_with_rule(_STATEMENT.format("bom"), attestation("bom", "cyclonedx"))],
    ),
    "the last of several statements": (
        "last-statement-counts",
        [_with_rule(f"{_STATEMENT.format('bom')} && {_READS}", _BOM)],
    ),
    "a payload that nobody verified": (
        "payload-that-nobody-verified",
        [_with_rule(_READS, _BOM)],
    ),
    "only a report": ("never-denies", [_good(validationActions=["Audit"])]),
    "a count that is never negative": (
        "never-denies",
        [ivpol([{"expression": SIGNED.replace("> 0", ">= 0")}])],
    ),
    "a rule that is always true": ("never-denies", [vpol([{"expression": "true"}])]),
    "a condition that is never met": (
        "never-denies",
        [_good(matchConditions=[{"name": "no", "expression": "false"}])],
    ),
    "tags": ("tags-pass", [_good(validationConfigurations={"verifyDigest": False})]),
    "nothing required": (
        "unverified-pass",
        [_good(validationConfigurations={"required": False})],
    ),
    "a subject that is found anywhere": (
        "open-identity",
        [_good(attestors=_keyless(subjectRegExp=_WORKFLOW, issuer=_ISSUER))],
    ),
    "a wrong type": (
        "does-not-compile",
        [_with_rule("object.metadata.name")],
    ),
    "another hash than the key's": (
        "unusable-attestor",
        [_good(attestors=[by_key(hashed="sha512")])],
    ),
    "a key that is none": (
        "unusable-attestor",
        [_good(attestors=[{"name": "dev", "cosign": {"key": {"data": "none"}}}])],
    ),
}


@pytest.mark.parametrize("name", TRAPS)
def test_the_trap_is_found(name: str, tmp_path: Path) -> None:
    trap, policies = TRAPS[name]
    found = _lint(tmp_path, *policies)
    expected = Severity.NOTE if trap == "last-statement-counts" else None
    assert trap in found
    assert expected is None or found[trap] is expected


def test_a_good_policy_has_none(tmp_path: Path) -> None:
    assert _lint(tmp_path, _good()) == {}
    assert _lint(tmp_path, _good(), _good(name="kserve", matched=SERVICES)) == {}
    exact = _keyless(subjectRegExp=f"^{_WORKFLOW}$", issuer=_ISSUER)
    assert _lint(tmp_path, _good(attestors=exact)) == {}


@pytest.mark.parametrize("level", LEVELS)
def test_the_library_falls_into_none(level: str) -> None:
    findings = lint_policies([FOLDER / level])
    assert {each.trap for each in findings} == {"last-statement-counts"}


def test_both_sets_of_the_library_at_once_would_block_each_other() -> None:
    findings = lint_policies([FOLDER / level for level in LEVELS])
    deadlocks = [each for each in findings if each.trap == "deadlock"]
    assert len(deadlocks) == 3  # pods, kserve, kserve-llm


def test_a_folder_of_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("")
    assert [each.trap for each in lint_policies([tmp_path])] == ["no-policy"]
