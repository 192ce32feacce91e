"""Documents of policies: read whole, or refused with the field at fault."""

import contextlib
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.policy.evaluation.house import Policies
from modelpack.policy.kyverno.documents import objects_of, read_documents
from modelpack.policy.kyverno.policy import ImageValidatingPolicy
from tests.policy.scene import (
    NOW,
    Json,
    attestor,
    exception,
    image_policy,
    object_policy,
    read,
)
from tests.workflows.signing import Person

ANNA = Person.new()

KEY = {"data": ANNA.key.public.pem.decode()}
IDENTITY = {"subject": "anna@example.com", "issuer": "https://issuer.test"}


def by(**cosign: object) -> Json:
    return {"attestors": [{"name": "team", "cosign": cosign}]}


def keyless(**identity: object) -> Json:
    return by(keyless={"identities": [identity]})


REFUSED: dict[str, tuple[Json, str]] = {
    "an unknown field": ({"matchImageReference": []}, "spec.matchImageReference"),
    "no validation": ({"validations": []}, "spec.validations: asks for nothing"),
    "a validation without expression": (
        {"validations": [{"message": "no"}]},
        "spec.validations[0].expression",
    ),
    "an unknown action": ({"validationActions": ["Block"]}, "spec.validationActions"),
    "an unknown failure policy": ({"failurePolicy": "Retry"}, "spec.failurePolicy"),
    "an unknown mode": ({"evaluation": {"mode": "HTTP"}}, "spec.evaluation.mode"),
    "an unknown operation": (
        {"matchConstraints": {"resourceRules": [{"operations": ["PATCH"]}]}},
        "spec.matchConstraints.resourceRules[0].operations",
    ),
    "a reference that is neither glob nor expression": (
        {"matchImageReferences": [{}]},
        "spec.matchImageReferences[0]",
    ),
    "a pattern that does not compile": (
        {"matchImageReferences": [{"glob": "a[b"}]},
        "spec.matchImageReferences[0].glob",
    ),
    "no attestor": ({"attestors": []}, "spec.attestors"),
    "two attestors of one name": (
        {"attestors": [attestor(ANNA), attestor(ANNA)]},
        "spec.attestors: two are named 'team'",
    ),
    "an attestor without a way to sign": (by(), "spec.attestors[0].cosign"),
    "an attestor with two": (
        by(key=KEY, keyless={"identities": [IDENTITY]}),
        "spec.attestors[0].cosign",
    ),
    "a private key": (
        by(key={"data": "-----BEGIN PRIVATE KEY-----\nMIG=\n-----END"}),
        "spec.attestors[0].cosign.key.data: is a private key",
    ),
    "a key in a KMS": (
        by(key={"kms": "awskms://x"}),
        "spec.attestors[0].cosign.key.kms: is not supported",
    ),
    "notary": (
        {"attestors": [{"name": "n", "notary": {"certs": {"value": "x"}}}]},
        "spec.attestors[0].notary: is not supported",
    ),
    "an update framework of its own": (
        by(key=KEY, tuf={"mirror": "https://tuf.test"}),
        "spec.attestors[0].cosign.tuf: is not supported",
    ),
    "annotations that match nothing": (
        by(key=KEY, annotations={"a": "b"}),
        "spec.attestors[0].cosign.annotations: is not supported",
    ),
    "no identity": (
        by(keyless={"identities": []}),
        "spec.attestors[0].cosign.keyless.identities",
    ),
    "two identities": (
        by(keyless={"identities": [IDENTITY, IDENTITY]}),
        "identities: has 2 identities",
    ),
    "an identity without an issuer": (
        keyless(subject="anna@example.com"),
        "identities[0].issuer",
    ),
    "an identity of two forms": (
        keyless(**IDENTITY, subjectRegExp=".*"),
        "identities[0].subject",
    ),
    "a pattern that Go does not compile": (
        keyless(issuer="https://issuer.test", subjectRegExp="a(?=b)"),
        "identities[0].subjectRegExp: not a regular expression",
    ),
    "a pattern that is nested beyond reason": (
        keyless(issuer="https://issuer.test", subjectRegExp="(" * 3000),
        "identities[0].subjectRegExp: not a regular expression",
    ),
    "an identity that an expression gives": (
        keyless(issuer="https://issuer.test", subjectExpression="object.x"),
        "identities[0].subjectExpression: is not supported",
    ),
    "a statement without a type": (
        {"attestations": [{"name": "bom", "intoto": {}}]},
        "spec.attestations[0].intoto.type",
    ),
    "a referrer that nobody signs": (
        {"attestations": [{"name": "bom", "referrer": {"type": "x/y"}}]},
        "spec.attestations[0].referrer: is not supported",
    ),
    "variables in JSON mode": (
        {
            "evaluation": {"mode": "JSON"},
            "variables": [{"name": "a", "expression": "1"}],
        },
        "spec.variables",
    ),
    "a flag that is a text": (
        {"validationConfigurations": {"required": "no"}},
        "spec.validationConfigurations.required",
    ),
    "a time-out of a minute": (
        {"webhookConfiguration": {"timeoutSeconds": 60}},
        "spec.webhookConfiguration.timeoutSeconds",
    ),
    "a selector with a wrong operator": (
        {
            "matchConstraints": {
                "objectSelector": {
                    "matchExpressions": [{"key": "a", "operator": "Near"}]
                }
            }
        },
        "objectSelector.matchExpressions[0].operator",
    ),
    "10,000 validations": (
        {"validations": [{"expression": "1 < 2"}] * 10_000},
        "spec.validations: has 10000 items",
    ),
    "an expression of 1 MB": (
        {"validations": [{"expression": "1 < 2 || " * 120_000 + "true"}]},
        "spec.validations[0].expression: is longer than 64 KiB",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_policy_is_refused_by_the_name_of_its_field(name: str) -> None:
    change, message = REFUSED[name]
    with pytest.raises(InvalidInput) as caught:
        read(image_policy(ANNA, **change))
    assert message in str(caught.value)


NOT_COMPILING = {
    "a condition that is not statically boolean": (
        {"matchConditions": [{"name": "a", "expression": "object.ok"}]},
        "must be of the type bool",
    ),
    "a validation that is not statically boolean": (
        {"validations": [{"expression": "object.ok"}]},
        "must be of the type bool",
    ),
    "a message that is no text": (
        {"validations": [{"expression": "1 < 2", "messageExpression": "object.a"}]},
        "must be of the type string",
    ),
    "a function that is not there": (
        {"validations": [{"expression": "http.Get('https://a.test').ok == true"}]},
        "http",
    ),
    "a variable that is not declared": (
        {"validations": [{"expression": "variables.nothing == 1"}]},
        "variables",
    ),
    "a variable that a later one declares": (
        {
            "variables": [
                {"name": "a", "expression": "variables.b"},
                {"name": "b", "expression": "1"},
            ]
        },
        "variables",
    ),
    "an extractor that gives no list": (
        {"images": [{"name": "models", "expression": "'a'"}]},
        "must be list(string)",
    ),
    "a reference condition that looks at the object": (
        {"matchImageReferences": [{"expression": "object.a == 1"}]},
        "object",
    ),
}


@pytest.mark.parametrize("name", NOT_COMPILING)
def test_a_policy_that_does_not_compile_says_why(name: str) -> None:
    change, message = NOT_COMPILING[name]
    policies = Policies(read(image_policy(ANNA, **change)), lambda: NOW)
    assert len(policies.faults) == 1
    assert message in policies.faults[0]
    assert "policy.yaml" in policies.faults[0]


DOCUMENTS: dict[str, tuple[bytes, str]] = {
    "another kind": (b"apiVersion: v1\nkind: Pod\nmetadata: {name: a}", "'Pod' of"),
    "the older kind": (
        b"apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: a}",
        "'ClusterPolicy' of 'kyverno.io/v1' is no policy",
    ),
    "a version that is gone": (
        b"{apiVersion: policies.kyverno.io/v1alpha1, kind: ImageValidatingPolicy}",
        "apiVersion",
    ),
    "no object": (b"- a\n- b", "expected an object"),
    "not UTF-8": (b"\xff\xfe", "is not UTF-8"),
    "no YAML": (b"a: [", "is not YAML"),
    "a duplicate key": (b"kind: a\nkind: b", "duplicate key"),
    "an alias": (b"a: &x [1]\nb: *x", "b: alias x"),
    "a bomb": (b"a: &a [" + b"x," * 9 + b"]\nb: [*a,*a]", "alias a"),
    "a tag": (b"a: !!python/object:os.system x", "tag"),
    "nested without end": (b"a: " + b"[" * 5000, "nested more than"),
    "a scalar of two meanings": (b"a: yes", "means different things"),
    "over 4 MiB": (b"#" * (4 << 20) + b"#", "is over 4 MiB"),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_file_that_is_no_policy_is_refused(name: str) -> None:
    raw, message = DOCUMENTS[name]
    with pytest.raises(InvalidInput) as caught:
        read_documents(raw, "policy.yaml")
    assert message in str(caught.value)
    assert "policy.yaml" in str(caught.value)


def test_several_documents_are_each_read() -> None:
    first, second = image_policy(ANNA), object_policy()
    documents = read(first, second, exception(first))
    assert [policy.common.name for policy, _ in documents.policies] == [
        "signed",
        "objects",
    ]
    assert documents.exceptions[0].policies == (("signed", "ImageValidatingPolicy"),)


def test_the_defaults_are_kyvernos() -> None:
    ((policy, _),) = read(image_policy(ANNA)).policies
    assert isinstance(policy, ImageValidatingPolicy)
    assert policy.verify_digest
    assert policy.required
    assert policy.common.denies
    assert not policy.common.failure_ignored
    assert not policy.common.json_mode


def test_both_versions_and_the_namespaced_kind_are_read() -> None:
    older = {**image_policy(ANNA), "apiVersion": "policies.kyverno.io/v1beta1"}
    namespaced = {**image_policy(ANNA), "kind": "NamespacedImageValidatingPolicy"}
    assert len(read(older, namespaced).policies) == 2


def test_an_exception_with_a_wrong_time_is_refused() -> None:
    with pytest.raises(InvalidInput, match="expiresAt"):
        read(exception(image_policy(ANNA), expiresAt="tomorrow"))


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(1 << 63), max_value=(1 << 63) - 1),
    st.text(
        alphabet=st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")),
    ),
)


@given(
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
        max_leaves=20,
    )
)
def test_what_a_yaml_writer_writes_is_read_as_it_was(value: object) -> None:
    """What is in quotes is a text; PyYAML leaves `n` without, and takes it for one."""
    raw = yaml.safe_dump({"value": value}, allow_unicode=True).encode()
    unclear = re.search(rb"(?<![\w'\"])[yYnN](?![\w'\"])|\*id", raw)
    if unclear:
        with contextlib.suppress(InvalidInput):
            assert objects_of(raw, "f") == [({"value": value}, "f")]
    else:
        assert objects_of(raw, "f") == [({"value": value}, "f")]


def test_patterns_of_go_are_read() -> None:
    # Go takes a count that is none for what it looks like.
    for pattern in (r"^a\z", "(?P<n>a)", r"\pL+", "a{99999999999999999999}"):
        read(
            image_policy(
                ANNA, **keyless(issuer="https://a.test", subjectRegExp=pattern)
            )
        )
