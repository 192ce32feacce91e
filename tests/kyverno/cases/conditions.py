"""When a policy applies, what it does about a failure, and who is excepted."""

from collections.abc import Iterator
from itertools import product

from tests.kyverno.case import Case, Difference, Json, Result
from tests.kyverno.documents import (
    ALL_SIGNED,
    exception,
    ivpol,
    matching,
    pod,
)

PASS, FAIL, ERROR, SKIP, NONE = (
    Result.PASS,
    Result.FAIL,
    Result.ERROR,
    Result.SKIP,
    Result.NONE,
)

_TRUE = {"name": "yes", "expression": "object.metadata.name == 'server'"}
_FALSE = {"name": "no", "expression": "object.metadata.name == 'other'"}
_BROKEN = {"name": "broken", "expression": "object.metadata.absent == 'x'"}
_UNCOMPILED = {"name": "no-bool", "expression": "object.metadata.name"}

_CONDITIONS: dict[str, tuple[list[Json], Result]] = {
    "true": ([_TRUE], PASS),
    "false": ([_FALSE], NONE),
    "broken": ([_BROKEN], ERROR),
    "true-and-false": ([_TRUE, _FALSE], NONE),
    "false-and-broken": ([_FALSE, _BROKEN], NONE),
    "broken-and-false": ([_BROKEN, _FALSE], NONE),
    "true-and-broken": ([_TRUE, _BROKEN], ERROR),
}


def _conditions() -> Iterator[Case]:
    policies = product(_CONDITIONS.items(), (None, "Fail", "Ignore"))
    for (name, (conditions, result)), failure in policies:
        ignored = failure == "Ignore" and result is ERROR
        yield Case(
            name=f"condition-{name}-{(failure or 'default').lower()}",
            policies=(ivpol(matchConditions=conditions, failurePolicy=failure),),
            resource=pod("${signed}"),
            result=NONE if ignored else result,
        )


_ERRS = {"expression": "object.metadata.absent == images.models[0]"}
_OUTCOMES: dict[str, tuple[str, Json, Result]] = {
    "pass": ("${signed}", ALL_SIGNED, PASS),
    "fail": ("${unsigned}", ALL_SIGNED, FAIL),
    "error": ("${signed}", _ERRS, ERROR),
}


def _actions() -> Iterator[Case]:
    """What a policy says does not depend on what is then done about it."""
    actions = (["Deny"], ["Audit"], ["Warn"], ["Audit", "Warn"], ["Deny", "Audit"])
    for action, (name, (model, rule, result)) in product(actions, _OUTCOMES.items()):
        yield Case(
            name=f"{'-'.join(action).lower()}-{name}",
            policies=(ivpol([rule], validationActions=action),),
            resource=pod(model),
            result=result,
        )


def _failures() -> Iterator[Case]:
    """Outside of conditions, nothing is ignored."""
    for failure in ("Fail", "Ignore"):
        yield Case(
            name=f"rule-broken-{failure.lower()}",
            policies=(ivpol([_ERRS], failurePolicy=failure),),
            resource=pod("${signed}"),
            result=ERROR,
        )


def _excepted(
    name: str, result: Result, *exceptions: Json, model: str = "unsigned", **spec: Json
) -> Case:
    expired = Difference(reason="Exceptions that have expired", refuses=True)
    return Case(
        name=f"exception-{name}",
        policies=(ivpol(**spec),),
        resource=pod(f"${{{model}}}"),
        exceptions=exceptions,
        result=result,
        ours=expired if name == "expired" else None,
    )


_EXCEPTIONS = (
    _excepted("for-all", SKIP, exception()),
    _excepted("where-it-would-pass", SKIP, exception(), model="signed"),
    _excepted("of-another-policy", FAIL, exception("others")),
    _excepted("of-another-kind", FAIL, exception(kind="ValidatingPolicy")),
    _excepted("of-any-policy", FAIL, exception("*")),
    _excepted("if-true", SKIP, exception(matchConditions=[_TRUE])),
    _excepted("if-false", FAIL, exception(matchConditions=[_FALSE])),
    _excepted("if-true-and-false", FAIL, exception(matchConditions=[_TRUE, _FALSE])),
    _excepted("expired", SKIP, exception(expiresAt="2020-01-01T00:00:00Z")),
    _excepted("not-yet-expired", SKIP, exception(expiresAt="2999-01-01T00:00:00Z")),
    _excepted("for-the-image", SKIP, exception(images=["*"])),
    _excepted("for-another-image", SKIP, exception(images=["registry.invalid/*"])),
    _excepted("that-reports-a-pass", SKIP, exception(reportResult="pass")),
    _excepted(
        "second-of-two",
        SKIP,
        exception(matchConditions=[_FALSE]),
        exception(matchConditions=[_TRUE]),
    ),
    _excepted(
        "and-a-rule-that-does-not-compile",
        ERROR,
        exception(),
        validations=[{"expression": "nothing == 1"}],
    ),
)


def _match(name: str, result: Result, matched: Json, **spec: Json) -> Case:
    return Case(
        name=f"match-{name}",
        policies=(ivpol(matched=matched, **spec),),
        resource=pod("${signed}", meta={"labels": {"team": "a"}}),
        result=result,
    )


_PODS = matching("", "v1", "pods")


def _operations(*operations: str) -> Json:
    [rule] = _PODS["resourceRules"]
    return {"resourceRules": [{**rule, "operations": list(operations)}]}


_MATCHES = (
    _match("other-resource", NONE, matching("", "v1", "services")),
    _match("other-group", NONE, matching("apps", "v1", "pods")),
    _match("other-version", NONE, matching("", "v2", "pods")),
    _match("any-resource", PASS, matching("*", "*", "*")),
    _match("update-alone", NONE, _operations("UPDATE")),
    _match("any-operation", PASS, _operations("*")),
    _match(
        "named",
        PASS,
        {"resourceRules": [{**_PODS["resourceRules"][0], "resourceNames": ["server"]}]},
    ),
    _match(
        "not-named",
        NONE,
        {"resourceRules": [{**_PODS["resourceRules"][0], "resourceNames": ["other"]}]},
    ),
    _match(
        "labels",
        PASS,
        {**_PODS, "objectSelector": {"matchLabels": {"team": "a"}}},
    ),
    _match(
        "other-labels",
        NONE,
        {**_PODS, "objectSelector": {"matchLabels": {"team": "b"}}},
    ),
    _match(
        "excluded",
        NONE,
        {**_PODS, "excludeResourceRules": _PODS["resourceRules"]},
    ),
    _match(
        "namespaced-scope",
        PASS,
        {"resourceRules": [{**_PODS["resourceRules"][0], "scope": "Namespaced"}]},
    ),
    _match(
        "cluster-scope",
        NONE,
        {"resourceRules": [{**_PODS["resourceRules"][0], "scope": "Cluster"}]},
    ),
)


def _dropped(name: str, **policy: Json) -> Case:
    """Kyverno drops a document that its schema refuses, without a word."""
    return Case(
        name=f"dropped-{name}",
        policies=(ivpol(**policy),),
        resource=pod("${unsigned}"),
        result=NONE,
        ours=Difference(reason="Documents that are dropped", result=ERROR),
    )


_DROPPED = (
    _dropped("unknown-field", unknown=True),
    _dropped("unknown-action", validationActions=["Block"]),
    _dropped("empty-image-reference", matchImageReferences=[{}]),
    _dropped("unknown-failure-policy", failurePolicy="Never"),
    _dropped("rule-without-expression", validations=[{"message": "x"}]),
    _dropped("attestor-without-name", attestors=[{"cosign": {"key": {"data": "x"}}}]),
    _dropped("wrong-type", validationConfigurations={"required": "yes"}),
    _dropped("unknown-version", version="v2"),
    _dropped("unknown-kind", kind="ImageVerifyingPolicy"),
)

CASES = (
    *_conditions(),
    Case(
        name="condition-that-is-no-bool",
        policies=(ivpol(matchConditions=[_UNCOMPILED]),),
        resource=pod("${signed}"),
        result=ERROR,
    ),
    *_actions(),
    *_failures(),
    *_EXCEPTIONS,
    *_MATCHES,
    *_DROPPED,
)
