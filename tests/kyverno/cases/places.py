"""Where a model can be named in a cluster."""

from tests.kyverno.case import Case, Difference, Document, Json, Result
from tests.kyverno.cases.references import UNCOVERED
from tests.kyverno.documents import (
    LLM_SERVICES,
    PODS,
    SERVICES,
    csi_pod,
    inference_service,
    ivpol,
    llm_service,
    pod,
)

PASS, FAIL, ERROR, NONE = Result.PASS, Result.FAIL, Result.ERROR, Result.NONE

_CSI = (
    "object.spec.?volumes.orValue([]).filter(v, has(v.csi) && v.csi.driver =="
    " 'model.csi.modelpack.org').map(v,"
    " v.csi.volumeAttributes['model.csi.modelpack.org/reference'])"
)
_URIS = (
    "([object.spec.predictor.?model.?storageUri.orValue('')]"
    " + object.spec.predictor.?storageUris.orValue([]).map(s, s.uri))"
    ".filter(u, u.startsWith('oci://')).map(u, u.substring(6))"
)
_LLM = (
    "([object.spec.model.uri]"
    " + object.spec.model.?lora.?adapters.orValue([]).map(a, a.uri))"
    ".filter(u, u.startsWith('oci://')).map(u, u.substring(6))"
)
_CONTAINERS = {
    "expression": "images.containers.all(i,"
    " verifyImageSignatures(i, [attestors.dev]) > 0)",
    "message": "not signed by the team",
}


def _case(
    name: str,
    result: Result | tuple[Result, ...],
    resource: Document,
    expression: str | None,
    message: str = "",
    **spec: Json,
) -> Case:
    if expression is not None:
        spec["images"] = [{"name": "models", "expression": expression}]
    return Case(
        name=name,
        policies=(ivpol(**spec),),
        resource=resource,
        result=result,
        message=message,
    )


def _container(image: str, **spec: Json) -> Document:
    container = {"name": "server", "image": image}
    return pod(containers=[container], volumes=[], **spec)


def _workload(kind: str, image: str) -> Document:
    template = {"spec": {"containers": [{"name": "server", "image": image}]}}
    inner: Json = {"template": template}
    if kind == "CronJob":
        inner = {"schedule": "@daily", "jobTemplate": {"spec": {"template": template}}}
    group = "batch/v1" if kind in ("Job", "CronJob") else "apps/v1"
    return {
        "apiVersion": group,
        "kind": kind,
        "metadata": {"name": "server", "namespace": "default"},
        "spec": inner,
    }


_OF_CONTAINERS: Json = {"validations": [_CONTAINERS], "images": None}


def _containers(
    name: str,
    result: Result,
    resource: Document,
    ours: Difference | None = None,
    **spec: Json,
) -> Case:
    return Case(
        name=name,
        policies=(ivpol([_CONTAINERS], images=[], **spec),),
        resource=resource,
        result=result,
        ours=ours,
    )


CASES = (
    _case("csi-signed", PASS, csi_pod("${signed}"), _CSI),
    _case("csi-unsigned", FAIL, csi_pod("${unsigned}"), _CSI, "not signed"),
    _case("csi-tag", FAIL, csi_pod("${signed.tag}"), _CSI, "does not have a digest"),
    _case("csi-none", PASS, pod(), _CSI),
    _case(
        "kserve-signed",
        PASS,
        inference_service("oci://${signed}"),
        _URIS,
        matched=SERVICES,
    ),
    _case(
        "kserve-unsigned",
        FAIL,
        inference_service("oci://${unsigned}"),
        _URIS,
        "not signed",
        matched=SERVICES,
    ),
    _case(
        "kserve-elsewhere",
        PASS,
        inference_service("s3://bucket/model"),
        _URIS,
        matched=SERVICES,
    ),
    _case(
        "kserve-second-unsigned",
        FAIL,
        inference_service("oci://${signed}", "oci://${unsigned}"),
        _URIS,
        "not signed",
        matched=SERVICES,
    ),
    _case(
        "kserve-for-pods-alone",
        NONE,
        inference_service("oci://${signed}"),
        _URIS,
        matched=PODS,
    ),
    _case(
        "llm-signed", PASS, llm_service("oci://${signed}"), _LLM, matched=LLM_SERVICES
    ),
    _case(
        "llm-unsigned",
        FAIL,
        llm_service("oci://${unsigned}"),
        _LLM,
        matched=LLM_SERVICES,
    ),
    _case(
        "llm-adapter-unsigned",
        FAIL,
        llm_service("oci://${signed}", "oci://${unsigned}"),
        _LLM,
        matched=LLM_SERVICES,
    ),
    _containers("container-signed", PASS, _container("${signed}")),
    _containers("container-unsigned", FAIL, _container("${unsigned}")),
    _containers("container-tag", FAIL, _container("${signed.tag}")),
    _containers(
        "init-container-is-no-container",
        FAIL,
        _container("${signed}", initContainers=[{"name": "a", "image": "${unsigned}"}]),
    ),
    _containers(
        "init-container-matched-alone",
        PASS,
        _container("${signed}", initContainers=[{"name": "a", "image": "${unsigned}"}]),
        UNCOVERED,
        validationConfigurations={"required": False},
    ),
    *(
        _containers(
            f"autogen-{kind.lower()}-{name}", result, _workload(kind, f"${{{name}}}")
        )
        for kind in ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")
        for name, result in (("signed", PASS), ("unsigned", FAIL))
    ),
    _containers(
        "autogen-not-for-deployments",
        NONE,
        _workload("Deployment", "${unsigned}"),
        autogen={"podControllers": {"controllers": ["jobs"]}},
    ),
)
