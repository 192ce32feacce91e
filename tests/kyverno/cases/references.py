"""Tags and digests, which references are matched, and what has to be verified."""

from collections.abc import Iterator
from itertools import product

from tests.kyverno.case import Case, Difference, Json, Result
from tests.kyverno.documents import (
    ALL_SIGNED,
    attestation,
    by_key,
    ivpol,
    pod,
)

PASS, FAIL, ERROR, SKIP, NONE = (
    Result.PASS,
    Result.FAIL,
    Result.ERROR,
    Result.SKIP,
    Result.NONE,
)

UNCOVERED = Difference(reason="Models that no policy verified", refuses=True)
_UNSUPPORTED = Difference(reason="What is not supported", result=ERROR)

_MATCHED: dict[str, tuple[Json, bool]] = {
    "registry": ([{"glob": "${registry}/*"}], True),
    "glob": ([{"glob": "${registry}/models/*"}], True),
    "other-glob": ([{"glob": "registry.invalid/*"}], False),
    "cel": ([{"expression": "ref.contains('/models/')"}], True),
    "other-cel": ([{"expression": "ref.startsWith('registry.invalid/')"}], False),
}


def _digests() -> Iterator[Case]:
    """Every way to pin and to match."""
    for tagged, verified, required, (matched, (images, hit)) in product(
        (False, True), (False, True), (False, True), _MATCHED.items()
    ):
        pinned = "tag" if tagged else "digest"
        strict = (
            f"{'verify' if verified else 'any'}-{'required' if required else 'may'}"
        )
        unpinned = hit and tagged and verified
        yield Case(
            name=f"{pinned}-{strict}-{matched}",
            policies=(
                ivpol(
                    matchImageReferences=images,
                    validationConfigurations={
                        "mutateDigest": False,
                        "verifyDigest": verified,
                        "required": required,
                    },
                ),
            ),
            resource=pod("${signed.tag}" if tagged else "${signed}"),
            result=FAIL if unpinned else PASS,
            message="does not have a digest" if unpinned else "",
            ours=None if hit else UNCOVERED,
        )


def _case(
    name: str,
    result: Result,
    message: str = "",
    *,
    rule: str = ALL_SIGNED["expression"],
    resource: Json = None,
    ours: Difference | None = None,
    **spec: Json,
) -> Case:
    return Case(
        name=name,
        policies=(ivpol([{"expression": rule}], **spec),),
        resource=resource or pod("${signed}"),
        result=result,
        message=message,
        ours=ours,
    )


_ONE = [{"glob": "${registry}/models/signed@*"}]

CASES = (
    *_digests(),
    _case(
        "glob-star-crosses-slashes", PASS, matchImageReferences=[{"glob": "*signed*"}]
    ),
    _case(
        "glob-with-a-class",
        PASS,
        matchImageReferences=[{"glob": "${registry}/[lm]odels/*"}],
    ),
    _case(
        "glob-with-a-question-mark",
        PASS,
        matchImageReferences=[{"glob": "${registry}/model?/*"}],
    ),
    _case(
        "glob-with-alternatives",
        PASS,
        matchImageReferences=[{"glob": "${registry}/{models,other}/*"}],
    ),
    _case(
        "glob-is-of-the-whole-reference",
        PASS,  # of nothing: no model is matched, and the rule is of all that are
        ours=UNCOVERED,
        matchImageReferences=[{"glob": "${registry}/models"}],
    ),
    _case(
        "glob-or-cel",
        PASS,
        matchImageReferences=[
            {"glob": "registry.invalid/*"},
            {"expression": "parseImageReference(ref).repository() == 'models/signed'"},
        ],
    ),
    _case(
        "cel-on-a-registry",
        PASS,
        matchImageReferences=[
            {"expression": "parseImageReference(ref).registry() == '${registry}'"}
        ],
    ),
    _case(
        "reference-cel-that-is-no-bool",
        ERROR,
        matchImageReferences=[{"expression": "ref"}],
    ),
    _case(
        "reference-cel-that-fails",
        ERROR,
        matchImageReferences=[{"expression": "ref.split('/')[99] == ''"}],
    ),
    _case(
        "two-models-one-unsigned",
        FAIL,
        resource=pod("${signed}", "${unsigned}"),
    ),
    _case("two-models-both-signed", PASS, resource=pod("${signed}", "${by-both}")),
    _case(
        "two-models-one-matched",
        PASS,
        ours=UNCOVERED,
        resource=pod("${signed}", "${unsigned}"),
        matchImageReferences=_ONE,
    ),
    _case(
        "the-unmatched-counts-as-unsigned",
        FAIL,
        rule="verifyImageSignatures('${unsigned}', [attestors.dev]) > 0",
        matchImageReferences=_ONE,
    ),
    _case("no-model-in-the-pod", PASS, resource=pod()),
    _case(
        "required-but-no-rule-verifies",
        FAIL,
        "is not verified",
        rule="images.models.size() == 1",
        validationConfigurations={"required": True},
    ),
    _case(
        "not-required-and-no-rule-verifies",
        PASS,
        ours=UNCOVERED,
        rule="images.models.size() == 1",
        validationConfigurations={"required": False},
    ),
    _case(
        "required-by-default",
        FAIL,
        "is not verified",
        rule="images.models.size() == 1",
    ),
    _case(
        "required-of-two-one-is-verified",
        FAIL,
        "is not verified",
        rule="verifyImageSignatures(images.models[0], [attestors.dev]) > 0",
        resource=pod("${signed}", "${by-both}"),
    ),
    _case(
        "required-and-an-attestation-will-do",
        PASS,
        rule="verifyAttestationSignatures(images.models[0], attestations.bom,"
        " [attestors.dev]) > 0",
        resource=pod("${bom-alone}"),
        attestations=[attestation("bom", "https://cyclonedx.org/bom")],
    ),
    _case(
        "required-and-verified-by-nobody-believed",
        FAIL,
        rule="verifyImageSignatures(images.models[0], [attestors.dev]) >= 0",
        resource=pod("${unsigned}"),
    ),
    _case(
        "digest-that-is-not-there",
        ERROR,
        resource=pod("${signed.tag}@sha256:" + "0" * 64),
    ),
    _case(
        "registry-that-is-not-there",
        ERROR,
        resource=pod(f"127.0.0.1:9/m/m@sha256:{'0' * 64}"),
        matchImageReferences=[{"glob": "127.0.0.1:9/*"}],
    ),
    _case("reference-that-is-none", ERROR, resource=pod("${registry}/CAPITALS")),
    _case("tag-and-digest", PASS, resource=pod("${signed.tag}@${signed.digest}")),
    _case(
        "tag-of-something-else-and-digest",
        PASS,
        resource=pod("${registry}/models/signed:nowhere@${signed.digest}"),
    ),
    _case(
        "data-of-the-manifest",
        PASS,
        ours=_UNSUPPORTED,
        rule=f"{ALL_SIGNED['expression']} && images.models.all(m,"
        " getImageData(m).Manifest.Layers.size() == 1)",
    ),
    _case(
        "data-of-the-manifest-by-its-json-names",
        PASS,
        ours=_UNSUPPORTED,
        rule=f"{ALL_SIGNED['expression']} && images.models.all(m,"
        " json.unmarshal(json.marshal(getImageData(m))).manifest.layers.size() == 1)",
    ),
    _case(
        "artifact-type-of-the-manifest",
        PASS,
        ours=_UNSUPPORTED,
        rule=f"{ALL_SIGNED['expression']} && images.models.all(m,"
        " json.unmarshal(json.marshal(getImageData(m))).manifest.artifactType =="
        " 'application/vnd.cncf.model.manifest.v1+json')",
    ),
    _case(
        "parts-of-a-reference",
        PASS,
        rule=f"{ALL_SIGNED['expression']} && images.models.all(m,"
        " parseImageReference(m).registry() == '${registry}' &&"
        " parseImageReference(m).containsDigest() &&"
        " parseImageReference(m).repository() == 'models/signed' &&"
        " parseImageReference(m).identifier() == '${signed.digest}' && isImage(m))",
    ),
    _case(
        "another-key-under-the-same-name",
        FAIL,
        attestors=[by_key("dev", of="stranger")],
    ),
)
