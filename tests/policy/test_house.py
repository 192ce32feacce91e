"""Kyverno's verdicts, and the rule of the house, over a registry in memory."""

import dataclasses
from dataclasses import replace

import pytest

from modelpack.errors import PolicyDenied
from modelpack.oci.manifest import Manifest
from modelpack.oci.store import Source
from modelpack.policy.admission import admitted_by
from modelpack.policy.evaluation.house import Verdict
from modelpack.policy.image_reference import ImageReference
from modelpack.policy.objects import Carrier, carrying
from modelpack.policy.request import Payload, request_of
from tests.policy.scene import (
    BOM,
    NAME,
    Scene,
    attestor,
    exception,
    image_policy,
    object_policy,
    outcome,
    rule,
)
from tests.workflows.signing import Person, put_model

ANNA, BEN = Person.new(), Person.new()

PAYLOAD = "extractPayload(m, attestations.bom).predicate"
HAS_BOM = (
    "images.models.all(m, "
    "verifyAttestationSignatures(m, attestations.bom, [attestors.team]) > 0)"
)


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def signed(scene: Scene) -> Scene:
    ANNA.signing(scene.store).signature(scene.model)
    return scene


def attest(scene: Scene, predicate: dict[str, object], *, append: bool = True) -> None:
    signing = ANNA.signing(scene.store)
    signing.attestation(scene.model, BOM, predicate, append=append)


def test_what_the_team_signed_is_admitted_and_its_digest_is_named(
    signed: Scene,
) -> None:
    verdict = signed.judge(image_policy(ANNA))
    assert verdict.admitted
    assert outcome(verdict) == "pass"
    digest = signed.model.descriptor.digest
    assert verdict.verified == {signed.reference: digest}
    manifest = Manifest.parse(signed.model.raw)
    assert admitted_by(verdict, manifest, "signed").digest == digest
    with pytest.raises(TypeError, match="only policies"):
        replace(verdict, verified={})


def test_a_verdict_cannot_be_made_outside() -> None:
    with pytest.raises(TypeError, match="only policies"):
        Verdict(results=(), refusals=(), warnings=(), verified={})


def test_a_verdict_about_one_digest_does_not_admit_another(signed: Scene) -> None:
    verdict = signed.judge(image_policy(ANNA))
    other = put_model(signed.store, tag="2", w=b"other weights")
    with pytest.raises(PolicyDenied, match="no policy has verified"):
        admitted_by(verdict, Manifest.parse(other.raw), "signed")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({}, "not signed", id="unsigned"),
        pytest.param({"validations": None}, "asks for nothing", id="no validation"),
    ],
)
def test_unsigned_is_refused(
    scene: Scene, change: dict[str, object], message: str
) -> None:
    if change:
        with pytest.raises(Exception, match=message):
            scene.judge(image_policy(ANNA, **change))
        return
    verdict = scene.judge(image_policy(ANNA))
    assert outcome(verdict) == "fail"
    assert message in verdict.refusals[0]


def test_somebody_elses_signature_is_refused_and_named(signed: Scene) -> None:
    verdict = signed.judge(image_policy(BEN))
    assert outcome(verdict) == "fail"
    assert any("set aside" in reason for reason in verdict.refusals)


def test_an_unreachable_registry_is_an_error_and_refuses(signed: Scene) -> None:
    signed.unreachable = True
    verdict = signed.judge(image_policy(ANNA))
    assert outcome(verdict) == "error"
    assert not verdict.admitted


def test_no_expression_passes_over_what_could_not_be_looked_at(signed: Scene) -> None:
    """`||` absorbs errors in CEL; an image that is not there is none of them."""
    absent = f"{NAME}@sha256:{'0' * 64}"
    expression = (
        f"verifyImageSignatures('{absent}', [attestors.team]) > 0 || "
        "images.models.all(m, verifyImageSignatures(m, [attestors.team]) > 0)"
    )
    verdict = signed.judge(image_policy(ANNA, **rule(expression)))
    assert outcome(verdict) == "error"
    assert not verdict.admitted


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            {"matchImageReferences": [{"glob": "elsewhere.test/*"}]},
            "no policy has verified",
            id="another registry",
        ),
        pytest.param(
            {"matchConditions": [{"name": "never", "expression": "false"}]},
            "no policy has verified",
            id="condition false",
        ),
        pytest.param(
            {"images": None, "validations": [{"expression": "1 < 2"}]},
            "no policy has verified",
            id="no extractor",
        ),
        pytest.param(
            {
                "validations": [{"expression": "1 < 2"}],
                "validationConfigurations": {"required": False},
            },
            "no policy has verified",
            id="verifies nothing",
        ),
    ],
)
def test_what_kyverno_would_let_pass_unverified_is_refused(
    signed: Scene, change: dict[str, object], said: str
) -> None:
    verdict = signed.judge(image_policy(ANNA, **change))
    assert outcome(verdict) in ("pass", "skip")
    assert not verdict.admitted
    assert said in verdict.refusals[0]
    assert signed.judge(image_policy(ANNA, **change), allow_uncovered=True).admitted


def test_one_uncovered_volume_of_two_is_refused(signed: Scene) -> None:
    stranger = f"elsewhere.test/model@{signed.model.descriptor.digest}"
    pod = signed.pod(signed.reference, stranger)
    verdict = signed.judge(image_policy(ANNA), asked=pod)
    assert outcome(verdict) == "pass"
    assert verdict.refusals == (f"no policy has verified {stranger}",)


def test_a_tag_is_refused_where_digests_are_asked_for(signed: Scene) -> None:
    verdict = signed.judge(image_policy(ANNA), asked=signed.pod(f"{NAME}:1"))
    assert verdict.results[0].rule == "verifyDigest"
    assert verdict.results[0].message == f"image {NAME}:1 does not have a digest"
    lax = image_policy(ANNA, validationConfigurations={"verifyDigest": False})
    assert signed.judge(lax, asked=signed.pod(f"{NAME}:1")).admitted


def test_required_asks_for_a_check_of_every_image(signed: Scene) -> None:
    verdict = signed.judge(image_policy(ANNA, **rule("true")))
    assert verdict.results[0].rule == "required"
    assert "no policy performed" in verdict.results[0].message


def test_the_check_may_come_from_a_later_policy(signed: Scene) -> None:
    first = image_policy(ANNA, "catch-all", **rule("true"))
    verdict = signed.judge(first, image_policy(ANNA))
    assert [str(each.result) for each in verdict.results] == ["pass", "pass"]
    assert verdict.admitted


@pytest.mark.parametrize("actions", [["Audit"], ["Warn"], ["Audit", "Warn"]])
def test_a_failure_that_is_only_audited_warns_and_does_not_deny(
    signed: Scene, actions: list[str]
) -> None:
    audited = image_policy(ANNA, "audited", **rule("1 > 2"), validationActions=actions)
    verdict = signed.judge(image_policy(ANNA), audited)
    assert [str(each.result) for each in verdict.results] == ["pass", "fail"]
    assert verdict.admitted
    assert "audited" in verdict.warnings[0]


def test_an_audited_policy_alone_admits_nothing_that_it_has_not_verified(
    scene: Scene,
) -> None:
    verdict = scene.judge(image_policy(ANNA, validationActions=["Audit"]))
    assert outcome(verdict) == "fail"
    assert not verdict.admitted


def test_an_error_refuses_whatever_the_action(signed: Scene) -> None:
    audited = image_policy(
        ANNA, "audited", **rule("object.nothing == 1"), validationActions=["Audit"]
    )
    verdict = signed.judge(image_policy(ANNA), audited)
    assert [str(each.result) for each in verdict.results] == ["pass", "error"]
    assert not verdict.admitted


@pytest.mark.parametrize(
    ("failure", "result"), [("Fail", "error"), ("Ignore", "skip"), (None, "error")]
)
def test_a_condition_that_fails_is_an_error_unless_ignored(
    signed: Scene, failure: str | None, result: str
) -> None:
    condition = {"name": "broken", "expression": "object.nothing == 1"}
    policy = image_policy(ANNA, matchConditions=[condition], failurePolicy=failure)
    verdict = signed.judge(policy)
    assert outcome(verdict) == result
    assert not verdict.admitted


def test_a_false_condition_settles_it_beside_one_that_fails(signed: Scene) -> None:
    conditions = [
        {"name": "broken", "expression": "object.nothing == 1"},
        {"name": "never", "expression": "1 > 2"},
    ]
    assert outcome(signed.judge(image_policy(ANNA, matchConditions=conditions))) == (
        "skip"
    )


def test_variables_are_lazy_and_typed(signed: Scene) -> None:
    variables = [
        {"name": "broken", "expression": "object.nothing"},
        {"name": "models", "expression": "images.models"},
        {
            "name": "ok",
            "expression": "variables.models.all(m, "
            "verifyImageSignatures(m, [attestors.team]) > 0)",
        },
    ]
    policy = image_policy(ANNA, variables=variables, **rule("variables.ok"))
    assert signed.judge(policy).admitted
    used = image_policy(ANNA, variables=variables, **rule("variables.broken == 1"))
    verdict = signed.judge(used)
    assert outcome(verdict) == "error"
    assert "variables.broken" in verdict.results[0].message


def test_a_message_is_computed_where_it_is_an_expression(scene: Scene) -> None:
    said = rule("1 > 2", message="plain", messageExpression="'of ' + object.kind")
    verdict = scene.judge(image_policy(ANNA, **said))
    assert verdict.results[0].message == "of Pod"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({}, "CEL expression validation failed at index 0"),
        ({"message": "plain"}, "plain"),
        (
            {"message": "plain", "messageExpression": "''"},
            "CEL expression validation failed at index 0",
        ),
    ],
)
def test_messages_fall_back_as_in_kyverno(
    scene: Scene, more: dict[str, str], message: str
) -> None:
    verdict = scene.judge(image_policy(ANNA, **rule("1 > 2", **more)))
    assert verdict.results[0].message == message


def test_an_attestation_counts_for_its_type_and_its_payload_is_seen(
    signed: Scene,
) -> None:
    attest(signed, {"bomFormat": "CycloneDX"})
    validations = [
        {"expression": HAS_BOM, "message": "no BOM"},
        {"expression": f"images.models.all(m, {PAYLOAD}.bomFormat == 'CycloneDX')"},
    ]
    assert signed.judge(image_policy(ANNA, validations=validations)).admitted
    validations[1] = {"expression": f"images.models.all(m, {PAYLOAD}.bomFormat == '')"}
    verdict = signed.judge(image_policy(ANNA, validations=validations))
    assert verdict.results[0].rule == "validations[1]"


def test_a_payload_is_not_seen_before_it_was_verified(signed: Scene) -> None:
    attest(signed, {"bomFormat": "CycloneDX"})
    expression = f"images.models.all(m, {PAYLOAD}.bomFormat == 'CycloneDX')"
    assert outcome(signed.judge(image_policy(ANNA, **rule(expression)))) == "error"


def test_an_older_pass_does_not_hide_a_newer_failure(signed: Scene) -> None:
    """Kyverno looks at the last that the registry lists; here all have to hold."""
    validations = [
        {"expression": HAS_BOM},
        {"expression": f"images.models.all(m, {PAYLOAD}.outcome == 'pass')"},
    ]
    policy = image_policy(ANNA, validations=validations)
    attest(signed, {"outcome": "fail"})
    attest(signed, {"outcome": "pass"})
    both = [signed.judge(policy)]
    other = Scene()
    ANNA.signing(other.store).signature(other.model)
    attest(other, {"outcome": "pass"})
    attest(other, {"outcome": "fail"})
    both.append(other.judge(policy))
    assert not any(verdict.admitted for verdict in both)
    disputed = [verdict for verdict in both if outcome(verdict) == "pass"]
    assert all("several statements" in v.refusals[0] for v in disputed)


def test_a_statement_in_place_of_an_earlier_one_is_the_only_one(
    signed: Scene,
) -> None:
    validations = [
        {"expression": HAS_BOM},
        {"expression": f"images.models.all(m, {PAYLOAD}.outcome == 'pass')"},
    ]
    attest(signed, {"outcome": "fail"})
    attest(signed, {"outcome": "pass"}, append=False)
    assert signed.judge(image_policy(ANNA, validations=validations)).admitted


def test_as_in_kyverno_any_statement_counts_as_a_signature(scene: Scene) -> None:
    attest(scene, {"bomFormat": "CycloneDX"})
    assert scene.judge(image_policy(ANNA)).admitted


def test_a_signature_in_the_older_form_counts_where_there_is_no_bundle(
    scene: Scene,
) -> None:
    ANNA.signing(scene.store, older=True).signature(scene.model)
    assert scene.judge(image_policy(ANNA)).admitted
    for descriptor in scene.store.referrers(scene.model.descriptor.digest):
        scene.store.delete(descriptor.digest)
    assert scene.judge(image_policy(ANNA)).admitted
    attest_by_ben = BEN.signing(scene.store)
    attest_by_ben.signature(scene.model)
    assert not scene.judge(image_policy(ANNA)).admitted


def test_two_attestors_each_have_to_sign_where_each_is_asked(signed: Scene) -> None:
    two = [attestor(ANNA), attestor(BEN, "audit")]
    expression = (
        "images.models.all(m, verifyImageSignatures(m, [attestors.team]) > 0 && "
        "verifyImageSignatures(m, [attestors.audit]) > 0)"
    )
    policy = image_policy(ANNA, attestors=two, **rule(expression))
    assert not signed.judge(policy).admitted
    BEN.signing(signed.store).signature(signed.model)
    assert signed.judge(policy).admitted


def test_an_exception_counts_and_is_said(scene: Scene) -> None:
    policy = image_policy(ANNA)
    verdict = scene.judge(policy, exception(policy))
    assert outcome(verdict) == "skip"
    assert verdict.admitted
    assert verdict.warnings == ("signed: the exception ml/but is made",)


def test_an_expired_exception_skips_in_kyverno_and_refuses_here(scene: Scene) -> None:
    policy = image_policy(ANNA)
    verdict = scene.judge(policy, exception(policy, expiresAt="2026-11-25T00:00:00Z"))
    assert outcome(verdict) == "skip"
    assert "has expired" in verdict.refusals[0]


def test_an_exception_to_another_policy_or_for_others_changes_nothing(
    scene: Scene,
) -> None:
    policy = image_policy(ANNA)
    other = exception(image_policy(ANNA, "other"))
    assert outcome(scene.judge(policy, other)) == "fail"
    condition = {"name": "dev", "expression": "object.metadata.namespace == 'dev'"}
    elsewhere = exception(policy, matchConditions=[condition])
    assert outcome(scene.judge(policy, elsewhere)) == "fail"


def test_a_policy_about_pods_is_one_about_deployments_too(signed: Scene) -> None:
    template = dict(carrying(signed.reference, Carrier.VOLUME))["spec"]
    deployment = request_of(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "serving", "namespace": "ml"},
            "spec": {"template": {"spec": template}},
        }
    )
    assert signed.judge(image_policy(ANNA), asked=deployment).admitted
    assert not signed.judge(image_policy(BEN), asked=deployment).admitted
    none: dict[str, object] = {"podControllers": {"controllers": []}}
    off = signed.judge(image_policy(ANNA, autogen=none), asked=deployment)
    assert not off.admitted
    assert off.results == ()


def test_a_policy_in_json_mode_judges_payloads(signed: Scene) -> None:
    policy = image_policy(
        ANNA,
        evaluation={"mode": "JSON"},
        images=[{"name": "models", "expression": "[object.reference]"}],
        matchConstraints=None,
    )
    payload = Payload({"reference": signed.reference})
    assert signed.judge(policy, asked=payload).admitted
    assert not signed.judge(policy).admitted


def test_a_policy_about_objects_verifies_no_image(signed: Scene) -> None:
    verdict = signed.judge(object_policy())
    assert outcome(verdict) == "pass"
    assert verdict.refusals == (f"no policy has verified {signed.reference}",)
    assert signed.judge(object_policy(), image_policy(ANNA)).admitted


def test_an_object_that_names_no_model_is_admitted_by_a_policy_about_objects(
    scene: Scene,
) -> None:
    value = dict(scene.pod().object)
    value["spec"] = {"containers": [{"name": "c", "image": "app:1"}]}
    assert scene.judge(object_policy(), asked=request_of(value)).admitted


def test_what_no_policy_is_about_is_refused(scene: Scene) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}
    verdict = scene.judge(image_policy(ANNA), asked=request_of(namespace))
    assert verdict.results == ()
    assert verdict.refusals == ("no policy covers Namespace a",)


def test_a_key_of_another_hash_than_it_signs_with_refuses(signed: Scene) -> None:
    policy = image_policy(ANNA)
    spec = policy["spec"]
    assert isinstance(spec, dict)
    spec["attestors"][0]["cosign"]["key"]["hashAlgorithm"] = "sha512"
    verdict = signed.judge(policy)
    assert outcome(verdict) == "error"
    assert "sha256" in verdict.refusals[0]


def test_a_key_that_has_to_be_in_a_log_needs_an_entry(signed: Scene) -> None:
    logged = attestor(ANNA, insecureIgnoreTlog=False)
    log = BEN.key.public.pem.decode()
    cosign = logged["cosign"]
    assert isinstance(cosign, dict)
    cosign["ctlog"]["rekorPubKey"] = log
    verdict = signed.judge(image_policy(ANNA, attestors=[logged]))
    assert outcome(verdict) == "fail"
    assert any("transparency log" in reason for reason in verdict.refusals)


def test_more_images_than_are_looked_at_refuse(signed: Scene) -> None:
    references = [f"{NAME}@sha256:{index:064x}" for index in range(500)]
    verdict = signed.judge(image_policy(ANNA), asked=signed.pod(*references))
    assert outcome(verdict) == "error"
    assert not verdict.admitted


def test_a_moving_tag_is_looked_at_once(signed: Scene) -> None:
    """What is verified is the digest that the tag meant at the first look."""
    lax = image_policy(ANNA, validationConfigurations={"verifyDigest": False})
    verdict = signed.judge(lax, asked=signed.pod(f"{NAME}:1"))
    assert verdict.verified == {f"{NAME}:1": signed.model.descriptor.digest}


def test_results_are_frozen(signed: Scene) -> None:
    verdict = signed.judge(image_policy(ANNA))
    with pytest.raises(dataclasses.FrozenInstanceError):
        verdict.refusals = ()  # type: ignore[misc]


BOTH = (
    "images.models.all(m, verifyImageSignatures(m, [attestors.team]) > 0 && "
    "verifyImageSignatures(m, [attestors.audit]) > 0)"
)


def test_what_a_failing_audit_policy_verified_counts_for_nothing(
    signed: Scene,
) -> None:
    two = [attestor(ANNA), attestor(BEN, "audit")]
    audited = image_policy(
        ANNA, "audited", attestors=two, validationActions=["Audit"], **rule(BOTH)
    )
    verdict = signed.judge(audited, object_policy())
    assert [str(each.result) for each in verdict.results] == ["fail", "pass"]
    assert verdict.verified == {}
    assert verdict.refusals[0] == f"no policy has verified {signed.reference}"


def test_a_signature_that_a_policy_forbids_does_not_verify(signed: Scene) -> None:
    forbidden = "images.models.all(m, verifyImageSignatures(m, [attestors.team]) == 0)"
    warning = image_policy(
        ANNA, "revoked", validationActions=["Warn"], **rule(forbidden)
    )
    assert not signed.judge(warning, object_policy()).admitted


def test_an_expired_exception_for_some_images_refuses_as_well(scene: Scene) -> None:
    policy = object_policy(
        validations=[{"expression": "'ok' in exceptions.allowedImages"}]
    )
    value = dict(scene.pod().object)
    value["spec"] = {"containers": []}
    asked = request_of(value)
    current = exception(policy, images=["ok"])
    assert scene.judge(policy, current, asked=asked).admitted
    expired = exception(policy, images=["ok"], expiresAt="2020-01-01T00:00:00Z")
    verdict = scene.judge(policy, expired, asked=asked)
    assert verdict.refusals == ("objects: the exception ml/but has expired",)


class Broken(Scene):
    """A registry whose second answer is a fault of ours."""

    asked = 0

    def find(self, reference: ImageReference) -> Source:
        self.asked += 1
        if self.asked > 2:
            raise ValueError("a fault")
        return super().find(reference)


def test_a_fault_of_ours_is_no_error_that_an_expression_passes_over() -> None:
    scene = Broken()
    ANNA.signing(scene.store).signature(scene.model)
    absent = f"{NAME}@sha256:{'0' * 64}"
    expression = (
        "images.models.all(m, verifyImageSignatures(m, [attestors.team]) > 0) && "
        f"(verifyImageSignatures('{absent}', [attestors.team]) > 0 || 1 < 2)"
    )
    verdict = scene.judge(image_policy(ANNA, **rule(expression)))
    assert outcome(verdict) == "error"
    assert "a fault" in verdict.refusals[0]


def test_statements_that_are_verified_later_are_no_statements_that_fail(
    signed: Scene,
) -> None:
    attest(signed, {"outcome": "pass"})
    for number in range(2):
        BEN.signing(signed.store).attestation(
            signed.model, BOM, {"outcome": "pass", "number": number}, append=True
        )
    two = [attestor(ANNA), attestor(BEN, "audit")]
    seen = f"images.models.all(m, {PAYLOAD}.outcome == 'pass')"
    validations = [
        {"expression": HAS_BOM},
        {"expression": seen},
        {"expression": HAS_BOM.replace("team", "audit")},
        {"expression": seen},
    ]
    policy = image_policy(ANNA, attestors=two, validations=validations)
    assert signed.judge(policy).admitted


def test_conditions_cannot_look_at_images(signed: Scene) -> None:
    condition = {
        "name": "signed",
        "expression": f"verifyImageSignatures('{signed.reference}', []) == 0",
    }
    verdict = signed.judge(image_policy(ANNA, matchConditions=[condition]))
    assert outcome(verdict) == "error"
    assert "only be looked at in validations" in verdict.refusals[0]


def test_a_condition_that_is_ignored_is_said(signed: Scene) -> None:
    condition = {"name": "broken", "expression": "object.nothing == 1"}
    ignored = image_policy(
        ANNA, "ignored", matchConditions=[condition], failurePolicy="Ignore"
    )
    verdict = signed.judge(image_policy(ANNA), ignored)
    assert verdict.admitted
    assert "ignored" in verdict.warnings[0]
