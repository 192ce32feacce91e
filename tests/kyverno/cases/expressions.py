"""CEL: variables, messages, extractors, and the libraries."""

from collections.abc import Iterator

from tests.kyverno.case import Case, Difference, Json, Result
from tests.kyverno.cases.references import UNCOVERED
from tests.kyverno.documents import (
    ALL_SIGNED,
    SIGNED,
    ivpol,
    json_ivpol,
    pod,
    vpol,
)

PASS, FAIL, ERROR, SKIP, NONE = (
    Result.PASS,
    Result.FAIL,
    Result.ERROR,
    Result.SKIP,
    Result.NONE,
)


def _case(
    name: str,
    result: Result,
    message: str = "",
    *,
    model: str = "signed",
    ours: Difference | None = None,
    **spec: Json,
) -> Case:
    return Case(
        name=name,
        policies=(ivpol(**spec),),
        resource=pod(f"${{{model}}}"),
        result=result,
        message=message,
        ours=ours,
    )


_BY_VARIABLE = {"expression": f"variables.ours || ({SIGNED})", "message": "m"}
_FALSE = {"expression": f"{SIGNED} && object.metadata.name == 'other'"}
_IMAGE = {
    "name": "models",
    "expression": "object.spec.volumes.map(v, v.image.reference)",
}


def _messages() -> Iterator[Case]:
    for name, said, message in (
        ("text", {"message": "as it stands"}, "as it stands"),
        ("no-template", {"message": "{{ object.metadata.name }}"}, "{{ object"),
        (
            "expression",
            {"messageExpression": "'not ' + object.metadata.name"},
            "not server",
        ),
        (
            "expression-before-text",
            {"message": "text", "messageExpression": "'expression'"},
            "expression",
        ),
        (
            "expression-that-is-empty",
            {"message": "text", "messageExpression": "''"},
            "validation failed at index 0",
        ),
        ("none", {}, "validation failed at index 0"),
        (
            "expression-with-images",
            {"messageExpression": "'see ' + images.models.join(', ')"},
            "see ${registry}/models/signed@",
        ),
    ):
        yield _case(f"message-{name}", FAIL, message, validations=[{**_FALSE, **said}])


_MESSAGES = (
    *_messages(),
    _case(
        "message-expression-that-is-no-string",
        ERROR,
        validations=[{**_FALSE, "messageExpression": "object.metadata.name"}],
    ),
    _case(
        "message-expression-that-fails",
        FAIL,
        validations=[
            {**_FALSE, "message": "text", "messageExpression": "string(object.absent)"}
        ],
    ),
    _case(
        "message-of-the-first-that-is-false",
        FAIL,
        "second",
        validations=[
            {"expression": SIGNED, "message": "first"},
            {"expression": "false", "message": "second"},
            {"expression": "false", "message": "third"},
        ],
    ),
)

_VARIABLES = (
    _case(
        "variable-that-is-used",
        PASS,
        ours=UNCOVERED,
        model="unsigned",
        variables=[{"name": "ours", "expression": "object.metadata.name == 'server'"}],
        validations=[_BY_VARIABLE],
        validationConfigurations={"required": False},
    ),
    _case(
        "variable-that-is-used-and-false",
        FAIL,
        model="unsigned",
        variables=[{"name": "ours", "expression": "object.metadata.name == 'other'"}],
        validations=[_BY_VARIABLE],
    ),
    _case(
        "variable-of-a-variable",
        PASS,
        variables=[
            {"name": "name", "expression": "object.metadata.name"},
            {"name": "long", "expression": "variables.name + '-1'"},
        ],
        validations=[{"expression": f"variables.long == 'server-1' && {SIGNED}"}],
    ),
    _case(
        "variable-of-a-later-one",
        ERROR,
        variables=[
            {"name": "long", "expression": "variables.name + '-1'"},
            {"name": "name", "expression": "object.metadata.name"},
        ],
        validations=[{"expression": f"variables.long == 'server-1' && {SIGNED}"}],
    ),
    _case(
        "variable-that-fails-but-is-not-used",
        PASS,
        variables=[{"name": "bad", "expression": "object.absent.field"}],
    ),
    _case(
        "variable-that-fails-and-is-used",
        ERROR,
        variables=[{"name": "bad", "expression": "object.absent.field"}],
        validations=[{"expression": f"variables.bad == 'x' && {SIGNED}"}],
    ),
    _case(
        "variable-with-the-images",
        PASS,
        variables=[{"name": "first", "expression": "images.models[0]"}],
        validations=[
            {
                "expression": "verifyImageSignatures(variables.first,"
                " [attestors.dev]) > 0"
            }
        ],
    ),
    _case(
        "variable-that-is-not-declared",
        ERROR,
        validations=[{"expression": f"variables.nothing == 1 || {SIGNED}"}],
    ),
)

_EXTRACTORS = (
    _case(
        "extractor-of-one-text",
        ERROR,
        images=[
            {"name": "models", "expression": "object.spec.volumes[0].image.reference"}
        ],
    ),
    _case("extractor-of-several", PASS, images=[_IMAGE]),
    _case(
        "extractor-of-numbers",
        ERROR,
        images=[{"name": "models", "expression": "[1]"}],
    ),
    _case(
        "extractor-that-fails",
        ERROR,
        images=[{"name": "models", "expression": "object.spec.absent.map(v, v.image)"}],
    ),
    _case(
        "extractor-of-nothing",
        PASS,
        ours=UNCOVERED,
        images=[{"name": "models", "expression": "[]"}],
        matchImageReferences=[{"glob": "${registry}/*"}],
    ),
    _case(
        "extractors-two",
        PASS,
        images=[_IMAGE, {"name": "again", "expression": _IMAGE["expression"]}],
        validations=[
            {
                "expression": "images.models.size() == 1 && images.again.size() == 1"
                f" && {SIGNED}"
            }
        ],
    ),
    _case(
        "extractor-that-is-not-declared",
        ERROR,
        validations=[{"expression": f"images.others.size() == 0 && {SIGNED}"}],
    ),
)

# Each is true where the libraries are as Kyverno has them.
_LIBRARIES = {
    "quantity": "quantity('1Gi').isGreaterThan(quantity('1G'))",
    "quantity-sum": "quantity('500m').add(quantity('1')) == quantity('1.5')",
    "is-quantity": "isQuantity('10Gi') && !isQuantity('ten')",
    "semver": "semver('1.2.3').isLessThan(semver('1.10.0'))",
    "semver-parts": "semver('1.2.3').major() == 1 && !isSemver('v1')",
    "url": "url('https://example.com:8443/a?b=c').getHost() == 'example.com:8443'",
    "url-parts": "url('https://example.com/a?b=c').getQuery() == {'b': ['c']}",
    "ip": "ip('10.0.0.1').family() == 4 && isIP('::1')",
    "ip-kinds": "ip('127.0.0.1').isLoopback() && !ip('10.0.0.1').isLoopback()",
    "cidr": "cidr('10.0.0.0/8').containsIP('10.1.2.3')",
    "cidr-in-cidr": "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')",
    "format": "format.dns1123Label().validate('a-b').hasValue() == false",
    "format-bad": "format.dns1123Label().validate('A_B').hasValue()",
    "lists-sum": "[1, 2, 3].sum() == 6 && [3, 1].min() == 1 && [3, 1].max() == 3",
    "lists-order": "[1, 2].isSorted() && [1, 2, 1].lastIndexOf(1) == 2",
    "lists-more": "[[1], [2]].flatten() == [1, 2] && [1, 1].distinct() == [1]",
    "regex-find": "'a12'.find('[0-9]+') == '12' && 'a1b'.findAll('[0-9]') == ['1']",
    "regex-extract": "regex.extract('v1', 'v([0-9])').orValue('') == '1'",
    "regex-match": "'model-1'.matches('^model-[0-9]$')",
    "strings": "'a,b'.split(',') == ['a', 'b'] && 'A'.lowerAscii() == 'a'",
    "strings-format": "'%s-%d'.format(['a', 1]) == 'a-1'",
    "sets": "sets.contains([1, 2], [1])",
    "math": "math.greatest(1, 2) == 2",
    "base64": "base64.decode('aGk=') == b'hi'",
    "optional": "object.?spec.?absent.orValue('none') == 'none'",
    "has": "has(object.spec.volumes) && !has(object.spec.absent)",
    "two-variables": "[1, 2].all(i, v, v == i + 1)",
    "transform": "{'a': 1}.transformList(k, v, k) == ['a']",
    "bind": "cel.bind(x, 2, x * x) == 4",
    "json": "json.unmarshal('{\"a\": 1}').a == 1.0",
    "json-marshal": "json.marshal({'a': 1}) == '{\"a\":1}'",
    "yaml": "yaml.parse('a: 1').a == 1",
    "hash": "hash.sha256('a') =="
    " 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb'",
    "hash-md5": "hash.md5('a') == '0cc175b9c0f1b6a831c399e269772661'",
    "time": "time.now() > timestamp('2020-01-01T00:00:00Z')",
    "duration": "duration('24h') < duration('25h')",
    "cross-type": "1 < 1.5 && 2u > 1",
    "ternary": "(object.metadata.name == 'server' ? 1 : 2) == 1",
    "in": "'a' in ['a'] && 'b' in {'b': 1}",
    "timestamps": "timestamp('2026-01-02T03:04:05Z').getFullYear() == 2026",
    "gzip": "gzip.decompress(gzip.compress('a')) == 'a'",
    "list-to-map": "listObjToMap([{'k': 'a'}], [{'v': 'b'}], 'k', 'v') == {'a': 'b'}",
}


_NOT_OURS = {"gzip"}
_UNSUPPORTED = Difference(reason="What is not supported", result=ERROR)


def _libraries() -> Iterator[Case]:
    """In both kinds of policies, which have nearly the same."""
    for name, expression in _LIBRARIES.items():
        ours = _UNSUPPORTED if name in _NOT_OURS else None
        yield Case(
            name=f"cel-{name}",
            policies=(vpol([{"expression": expression}]),),
            resource=pod(),
            result=PASS,
            ours=ours,
        )
        yield _case(
            f"cel-{name}-beside-images",
            PASS,
            ours=ours,
            validations=[{"expression": f"{SIGNED} && ({expression})"}],
        )


def _broken(name: str, expression: str) -> Case:
    return _case(name, ERROR, validations=[{"expression": expression}])


_BROKEN = (
    _broken("cel-that-does-not-parse", "images.models.all(m,"),
    _broken("cel-of-an-unknown-function", "verified(images.models)"),
    _broken("cel-of-an-unknown-name", "nothing == 1"),
    _broken("cel-that-is-no-bool", "images.models"),
    _broken("cel-of-a-dyn", "object.spec.hostNetwork"),
    _broken("cel-of-mixed-lists", "['a', 1].size() == 2"),
    _broken("cel-that-divides-by-zero", "1 / (images.models.size() - 1) == 1"),
    _broken("cel-with-a-bad-regex", "'a'.matches('(')"),
    _broken("cel-with-a-bad-timestamp", "timestamp('yesterday') < time.now()"),
    _broken("cel-or-value-of-a-plain-field", "object.metadata.name.orValue('') == ''"),
    _case(
        "cel-error-beside-true",
        PASS,
        validations=[{"expression": f"{SIGNED} || object.absent == 1"}],
    ),
    _case(
        "cel-error-before-true",
        PASS,
        validations=[{"expression": f"object.absent == 1 || {SIGNED}"}],
    ),
    _case(
        "cel-error-beside-false",
        FAIL,
        model="unsigned",
        validations=[{"expression": f"{SIGNED} && object.absent == 1"}],
    ),
    _case(
        "cel-error-before-false",
        FAIL,
        model="unsigned",
        validations=[{"expression": f"object.absent == 1 && {SIGNED}"}],
    ),
    _case(
        "old-object-is-not-null",
        FAIL,
        validations=[{"expression": f"{SIGNED} && oldObject == null"}],
    ),
    _case(
        "operation-of-the-request",
        PASS,
        validations=[{"expression": f"{SIGNED} && request.operation == 'CREATE'"}],
    ),
    _case(
        "namespace-of-the-request",
        PASS,
        validations=[{"expression": f"{SIGNED} && request.namespace == 'default'"}],
    ),
)


def _json(
    name: str,
    result: Result,
    message: str = "",
    *,
    model: str = "signed",
    ours: Difference | None = None,
    **spec: Json,
) -> Case:
    return Case(
        name=f"json-{name}",
        policies=(json_ivpol(**spec),),
        payload={"reference": f"${{{model}}}", "purpose": "test"},
        result=result,
        message=message,
        ours=ours,
    )


_JSON_MODE = (
    _json("signed", PASS),
    _json("unsigned", FAIL, "not signed by the team", model="unsigned"),
    _json("tag", FAIL, "does not have a digest", model="signed.tag"),
    _json(
        "tag-that-may-be",
        PASS,
        model="signed.tag",
        validationConfigurations={"verifyDigest": False},
    ),
    _json(
        "field-of-the-payload",
        PASS,
        validations=[{"expression": f"{SIGNED} && object.purpose == 'test'"}],
    ),
    _json(
        "other-field-of-the-payload",
        FAIL,
        validations=[{"expression": f"{SIGNED} && object.purpose == 'other'"}],
    ),
    _json(
        "field-that-is-not-there",
        ERROR,
        validations=[{"expression": f"{SIGNED} && object.absent == 'x'"}],
    ),
    _json(
        "request-is-not-declared",
        ERROR,
        validations=[{"expression": f"{SIGNED} && request.operation == 'CREATE'"}],
    ),
    _json(
        "variables-are-not-declared",
        ERROR,
        variables=[{"name": "a", "expression": "1"}],
        validations=[{"expression": f"{SIGNED} && variables.a == 1"}],
    ),
    _json("manifest-that-is-not-there", ERROR, model="absent"),
    _json(
        "of-another-registry",
        PASS,
        ours=UNCOVERED,
        matchImageReferences=[{"glob": "registry.invalid/*"}],
    ),
)

CASES = (
    Case(
        name="vpol-passes-and-nothing-is-verified",
        policies=(vpol([{"expression": "has(object.spec.volumes)"}]),),
        resource=pod("${signed}"),
        result=PASS,
        ours=UNCOVERED,
    ),
    *_MESSAGES,
    *_VARIABLES,
    *_EXTRACTORS,
    *_libraries(),
    *_BROKEN,
    *_JSON_MODE,
    Case(
        name="vpol-passes",
        policies=(vpol([{"expression": "has(object.spec.volumes)"}]),),
        resource=pod(),
        result=PASS,
    ),
    Case(
        name="vpol-fails",
        policies=(
            vpol(
                [
                    {
                        "expression": "object.spec.volumes.size() == 0",
                        "message": "no volumes",
                    }
                ]
            ),
        ),
        resource=pod("${signed}"),
        result=FAIL,
        message="no volumes",
    ),
    Case(
        name="vpol-errs",
        policies=(vpol([{"expression": "object.spec.absent == 0"}]),),
        resource=pod("${signed}"),
        result=ERROR,
    ),
    Case(
        name="vpol-beside-ivpol",
        policies=(
            vpol([{"expression": "object.metadata.name == 'other'"}]),
            ivpol([ALL_SIGNED]),
        ),
        resource=pod("${signed}"),
        result=(FAIL, PASS),
    ),
)
