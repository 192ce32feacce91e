"""The libraries of Kubernetes and of Kyverno.

Values are those of the documentation and the sources of Kubernetes 1.36 and of Kyverno
1.19; tests/interop holds the same expressions against the real Kyverno.
"""

import datetime as dt
import re

import pytest

from modelpack.errors import InvalidInput
from modelpack.policy.cel.engine import CelError, Environment
from modelpack.policy.cel.kubernetes import kubernetes_functions
from modelpack.policy.cel.kyverno import (
    certificate_functions,
    image_functions,
    kyverno_functions,
)
from modelpack.policy.cel.types import BOOL, DYN, STRING
from tests.policy.cel.expressions import FAIL, HOLD, OBJECT

NOW = dt.datetime(2026, 11, 26, 12, 34, 56, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def environment() -> Environment:
    return Environment(
        variables={"object": DYN},
        functions=[
            *kubernetes_functions(),
            *kyverno_functions(lambda: NOW),
            *certificate_functions(),
        ],
    )


@pytest.mark.parametrize(
    "source",
    [
        *HOLD,
        "time.now() == timestamp('2026-11-26T12:34:56Z')",
        "time.truncate(time.now(), duration('0s')) == time.now()",
        "json.marshal([dyn(null)]) == '[null]'",
    ],
)
def test_an_expression_holds(environment: Environment, source: str) -> None:
    program = environment.compile(source, where="rule", result=BOOL)
    assert program.evaluate({"object": OBJECT}) is True


# Over these Kyverno 1.19 takes minutes, and memory.
ENDLESS = (
    ("quantity('1e999999999') == quantity('1')", "exponent of over 200"),
    ("lists.range(1000000000).size() == 1", "more than 1000000 values"),
)


@pytest.mark.parametrize(("source", "reason"), [*FAIL, *ENDLESS])
def test_what_cannot_be_done_is_an_error(
    environment: Environment, source: str, reason: str
) -> None:
    program = environment.compile(source, where="rule", result=BOOL)
    with pytest.raises(CelError, match=re.escape(reason)):
        program.evaluate({"object": OBJECT})


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("http.Get('https://a').ok == 1", "http.Get"),
        ("true || http.post('https://a', {}, {}) == 1", "http.post"),
        ("resource.Get('v1', 'secrets', 'ns', 'n').data.a == ''", "resource.Get"),
        ("resource.List('v1', 'pods', 'ns').items == []", "resource.List"),
        ("globalContext.Get('a', 'b') == 1", "globalContext.Get"),
        ("random() == 'a'", "random"),
        ("random.random('[a-z]') == 'a'", "random.random"),
        ("gzip.decompress(b'') == ''", "gzip.decompress"),
        ("x509.decode('').a == 1", "x509.decode"),
    ],
)
def test_what_reaches_outside_is_refused_by_name(
    environment: Environment, source: str, name: str
) -> None:
    reason = re.escape(f"uses {name}, which modelpack does not support")
    with pytest.raises(InvalidInput, match=reason):
        environment.compile(source, where="rule")


@pytest.mark.parametrize(
    "source",
    [
        "quantity('1').isLessThan(semver('1.0.0'))",
        "quantity('1').add('1')",
        "ip('1.2.3.4').prefixLength()",
        "quantity(1)",
        "[{}].sum()",
        "url('https://a').host",
        "'a'.findAll(1)",
    ],
)
def test_types_of_the_libraries_are_checked(
    environment: Environment, source: str
) -> None:
    with pytest.raises(InvalidInput, match=r"no matching overload|operand of a select"):
        environment.compile(source, where="rule")


def test_references_of_images_have_functions_of_their_own() -> None:
    environment = Environment(variables={"ref": STRING}, functions=image_functions())
    program = environment.compile(
        "parseImageReference(ref).registry() == 'ghcr.io'", where="glob", result=BOOL
    )
    assert program.evaluate({"ref": "ghcr.io/a/b:1"}) is True
    with pytest.raises(InvalidInput, match="undeclared reference to 'json'"):
        environment.compile("json.unmarshal(ref)", where="glob")
