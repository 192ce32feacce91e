"""What is said about a model beside its signature: types, signers, payloads."""

from tests.kyverno.case import Case, Difference, Json, Result
from tests.kyverno.documents import attestation, by_key, ivpol, pod
from tests.kyverno.shelf import BOM_TYPE, SIGN_TYPE

PASS, FAIL, ERROR = Result.PASS, Result.FAIL, Result.ERROR
VULN_TYPE = "https://cosign.sigstore.dev/attestation/vuln/v1"

_HAS_BOM = {
    "expression": "images.models.all(m, "
    "verifyAttestationSignatures(m, attestations.bom, [attestors.dev]) > 0)",
    "message": "no BOM of the team",
}
_OF_A_MODEL = {
    "expression": "images.models.all(m, extractPayload(m, attestations.bom)"
    ".predicate.components.exists(c, c.type == 'machine-learning-model'))",
    "message": "the BOM is of no model",
}
_SCAN = "extractPayload(m, attestations.scan).predicate"
_HAS_SCAN = {
    "expression": "images.models.all(m, "
    "verifyAttestationSignatures(m, attestations.scan, [attestors.dev]) > 0)",
    "message": "no scan of the team",
}
_SCAN_PASSED = {
    "expression": f"images.models.all(m, {_SCAN}.scanner.result.outcome == 'pass')",
    "message": "the scan did not pass",
}
_SCAN_RECENT = {
    "expression": f"images.models.all(m, time.now() - timestamp({_SCAN}"
    ".metadata.scanFinishedOn) < duration('720h'))",
    "message": "the scan is old",
}


_SEVERAL = Difference(reason="Several statements of one type", refuses=True)


def _bom_case(
    name: str, model: str, result: Result, message: str = "", *, kind: str = BOM_TYPE
) -> Case:
    return Case(
        name=name,
        policies=(
            ivpol([_HAS_BOM, _OF_A_MODEL], attestations=[attestation("bom", kind)]),
        ),
        resource=pod(f"${{{model}}}"),
        result=result,
        message=message,
        ours=_SEVERAL if model == "boms-good-last" else None,
    )


def _scan_case(model: str, result: Result, message: str = "") -> Case:
    rules = [_HAS_SCAN, _SCAN_PASSED, _SCAN_RECENT]
    return Case(
        name=f"scan-of-{model}",
        policies=(ivpol(rules, attestations=[attestation("scan", VULN_TYPE)]),),
        resource=pod(f"${{{model}}}"),
        result=result,
        message=message,
    )


def _one_rule(
    name: str, model: str, rule: str, result: Result, message: str = "", **spec: Json
) -> Case:
    attestations = spec.pop("attestations", [attestation("bom", BOM_TYPE)])
    return Case(
        name=name,
        policies=(ivpol([{"expression": rule}], attestations=attestations, **spec),),
        resource=pod(f"${{{model}}}"),
        result=result,
        message=message,
    )


_NO_RULE = "expression validation failed at index 0"
_COUNT = (
    "images.models.all(m, verifyAttestationSignatures(m, attestations.bom, [{}]) {})"
)
_PAYLOAD = "extractPayload(m, attestations.bom)"
_VERIFIED = "verifyAttestationSignatures(m, attestations.bom, [attestors.dev]) > 0"
_DEV, _STRANGER = "attestors.dev", "attestors.stranger"
_SIGNATURE = (
    "images.models.all(m, verifyAttestationSignatures(m, attestations.signature,"
    " [attestors.dev]) > 0)"
)
_BOTH = [by_key("dev"), by_key("stranger")]

CASES = (
    _bom_case("bom", "bom", PASS),
    _bom_case("bom-without-signature", "bom-alone", PASS),
    _bom_case("bom-missing", "signed", FAIL, "no BOM of the team"),
    _bom_case("bom-of-unsigned", "unsigned", FAIL, "no BOM of the team"),
    _bom_case("bom-by-stranger", "bom-by-stranger", FAIL, "no BOM of the team"),
    _bom_case("bom-of-a-library", "bom-of-library", FAIL, "the BOM is of no model"),
    _bom_case("bom-of-other-type", "bom-of-other-type", FAIL, "no BOM of the team"),
    _bom_case("bom-in-the-older-form", "bom-older", FAIL, "no BOM of the team"),
    _bom_case("bom-and-older-signature", "older-and-bom", PASS),
    _bom_case("boms-the-last-is-good", "boms-good-last", PASS),
    _bom_case("boms-the-last-is-bad", "boms-bad-last", FAIL, "the BOM is of no model"),
    # The signature counts by cosign's word; the payload lies under the whole type.
    _bom_case("bom-by-short-name", "bom", ERROR, "", kind="cyclonedx"),
    _bom_case("bom-by-unknown-name", "bom", FAIL, "no BOM", kind="bill-of-materials"),
    _bom_case("bom-type-with-a-slash-more", "bom", FAIL, kind=f"{BOM_TYPE}/"),
    _scan_case("scanned", PASS),
    _scan_case("scan-failed", FAIL, "the scan did not pass"),
    _scan_case("scan-old", FAIL, "the scan is old"),
    _scan_case("signed", FAIL, "no scan of the team"),
    _one_rule(
        "bom-of-two-one-is-enough", "bom", _COUNT.format("attestors.dev", "== 1"), PASS
    ),
    _one_rule(
        "bom-of-either",
        "bom-by-stranger",
        _COUNT.format(f"{_DEV}, {_STRANGER}", "== 1"),
        PASS,
        attestors=_BOTH,
    ),
    _one_rule(
        "bom-of-both-is-one",
        "bom",
        _COUNT.format(f"{_DEV}, {_STRANGER}", "== 2"),
        FAIL,
        _NO_RULE,
        attestors=_BOTH,
    ),
    _one_rule(
        "signatures-of-two",
        "by-both",
        f"images.models.all(m, verifyImageSignatures(m, [{_DEV}, {_STRANGER}]) == 2)",
        PASS,
        attestors=_BOTH,
    ),
    _one_rule(
        "signature-by-its-type",
        "signed",
        _SIGNATURE,
        PASS,
        attestations=[attestation("signature", SIGN_TYPE)],
    ),
    _one_rule(
        "signature-by-its-type-no-bom-will-do",
        "bom-alone",
        _SIGNATURE,
        FAIL,
        _NO_RULE,
        attestations=[attestation("signature", SIGN_TYPE)],
    ),
    _one_rule(
        "signature-by-its-type-not-in-the-older-form",
        "older",
        _SIGNATURE,
        FAIL,
        _NO_RULE,
        attestations=[attestation("signature", SIGN_TYPE)],
    ),
    _one_rule(
        "payload-before-it-is-verified",
        "bom",
        "images.models.all(m, extractPayload(m, attestations.bom).predicate.bomFormat"
        " == 'CycloneDX')",
        ERROR,
    ),
    _one_rule(
        "payload-of-a-stranger",
        "bom-by-stranger",
        "images.models.all(m, verifyAttestationSignatures(m, attestations.bom,"
        f" [{_DEV}]) == 0 && {_PAYLOAD}.predicate.bomFormat == 'CycloneDX')",
        ERROR,
    ),
    _one_rule(
        "payload-is-the-statement",
        "bom",
        f"images.models.all(m, {_VERIFIED} && {_PAYLOAD}.subject[0].digest.sha256 =="
        " parseImageReference(m).digest().substring(7))",
        PASS,
    ),
    _one_rule(
        "payload-field-that-is-not-there",
        "bom",
        f"images.models.all(m, {_VERIFIED} && {_PAYLOAD}.predicate.metadata.x == 1)",
        ERROR,
        "no such key",
    ),
    _one_rule(
        "payload-field-that-may-be-there",
        "bom",
        f"images.models.all(m, {_VERIFIED} &&"
        f" {_PAYLOAD}.predicate.?metadata.?x.orValue('') == '')",
        PASS,
    ),
    _one_rule(
        "attestation-that-is-not-declared",
        "bom",
        "images.models.all(m, verifyAttestationSignatures(m, attestations.sbom,"
        f" [{_DEV}]) > 0)",
        ERROR,
    ),
    _one_rule(
        "attestor-that-is-not-declared",
        "signed",
        "images.models.all(m, verifyImageSignatures(m, [attestors.nobody]) > 0)",
        ERROR,
    ),
    _one_rule(
        "attestor-with-a-hyphen",
        "signed",
        "images.models.all(m, verifyImageSignatures(m, [attestors['the-team']]) > 0)",
        PASS,
        attestors=[by_key("the-team", of="dev")],
    ),
    _one_rule(
        "no-attestor-at-all",
        "signed",
        "images.models.all(m, verifyImageSignatures(m, []) > 0)",
        FAIL,
    ),
)
