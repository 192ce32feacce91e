"""Expressions are checked before they run, and an error is never a value."""

import datetime as dt
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.policy.cel.engine import MAX_SOURCE, Bindings, CelError, Environment
from modelpack.policy.cel.functions import Function, Overload, function, member
from modelpack.policy.cel.types import (
    BOOL,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    CelType,
    list_of,
    map_of,
    opaque,
    optional_of,
    type_parameter,
)
from modelpack.policy.cel.values import MAX_DEPTH, Opaque, OptionalValue

WEIGHT = opaque("test.Weight")
HEIGHT = opaque("test.Height")
T = type_parameter("T")


def _refuse() -> bool:
    raise RuntimeError("the registry does not answer")


def _interrupt() -> bool:
    raise KeyboardInterrupt


FUNCTIONS = (
    function("weight", (STRING,), WEIGHT, lambda text: Opaque("test.Weight", text)),
    function("height", (STRING,), HEIGHT, lambda text: Opaque("test.Height", text)),
    member("above", (WEIGHT, WEIGHT), BOOL, lambda a, b: int(a.text) > int(b.text)),
    member("above", (HEIGHT, HEIGHT), BOOL, lambda a, b: f"{a} over {b}" != ""),
    function("string", (WEIGHT,), STRING, lambda weight: f"{weight.text} kg"),
    function("kind.of", (DYN,), STRING, lambda value: type(value).__name__),
    function("fails", (), BOOL, _refuse),
    function("interrupts", (), BOOL, _interrupt),
    function("lies", (), BOOL, lambda: "yes"),
    member("largest", (list_of(T),), T, max),
)


@pytest.fixture(scope="module")
def environment() -> Environment:
    return Environment(
        variables={
            "object": DYN,
            "images": map_of(STRING, list_of(STRING)),
            "when": TIMESTAMP,
            "variables.count": INT,
        },
        functions=FUNCTIONS,
    )


Run = Callable[[str], object]
TYPES = ["int", "map", "null_type", "google.protobuf.Timestamp"]


@pytest.fixture
def run(environment: Environment) -> Run:
    def evaluate(source: str) -> object:
        bindings = {
            "object": {"name": "m", "sizes": [1, 2], "none": None, "half": 0.5},
            "images": {"models": ["a", "b"]},
            "when": dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
        }
        return environment.compile(source, where="rule").evaluate(bindings)

    return evaluate


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("1 + 1", 2),
        ("[dyn(1), object, dyn(null), dyn(when)].map(v, type(v))", TYPES),
        ("object.sizes.map(s, s * 2)", [2, 4]),
        ("{'a': b'x', 'b': b'y'}", {"a": b"x", "b": b"y"}),
        ("object.?missing.orValue('else')", "else"),
        ("images.models.all(i, image, i < 2 && image != '')", True),
        ("object.sizes.exists(s, s > 5)", False),
        ("1 < 1.5 && 2u >= 2 && 'a' < 'b'", True),
        ("[3, 1].sort() == [1, 3] && sets.contains([1, 2], [2])", True),
        ("when - duration('24h')", dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
        ("'%s is %d'.format(['a', 1])", "a is 1"),
        ("base64.encode(b'hi') + 'a-b'.split('-').join('+')", "aGk=a+b"),
        ("regex.extract('v1.2', '([0-9]+)').orValue('')", "1"),
        ("cel.bind(x, 2, x * x) + math.greatest(1, 3)", 7),
        ("string(1) + string(weight('5'))", "15 kg"),
        ("weight('10').above(weight('9'))", True),
        ("height('1').above(height('2'))", True),
        ("weight('5') == weight('5') && weight('5') != weight('6')", True),
        ("[1, 3, 2].largest() + 1", 4),
        ("kind.of(object) + kind.of(object.sizes) + kind.of(1.5)", "dictlistfloat"),
        ("kind.of(null) + kind.of(when) + kind.of(b'')", "NoneTypedatetimebytes"),
    ],
)
def test_an_expression_gives_a_plain_value(
    run: Run, source: str, value: object
) -> None:
    found = run(source)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("object.missing", 'Key not found in map : "missing"'),
        ("1 / (object.sizes.size() - 2)", "divide by zero"),
        ("object.name.matches(object.name + '(')", "invalid regular expression"),
        ("variables.count == 1", "variables.count has no value"),
        ("fails()", "the registry does not answer"),
        ("[1].all(x, fails())", "the registry does not answer"),
        ("lies()", "result of a function: str. (Expected BOOL"),
        ("object.sizes.exists(s, object.missing)", "Key not found"),
        ("object.sizes && true", "No matching overloads found"),
        ("object.above(object)", "no such overload: above"),
        ("object.sizes.above(object)", "No matching overloads found"),
    ],
)
def test_an_error_is_raised_and_is_no_value(run: Run, source: str, reason: str) -> None:
    with pytest.raises(CelError, match=re.escape(reason)):
        run(source)


def test_either_side_of_a_logical_operator_may_absorb_an_error(run: Run) -> None:
    """Quote: the conditional operator `&&` and `||` are commutative (langdef.md)."""
    assert run("fails() || object.name == 'm'") is True
    assert run("object.name != 'm' && fails()") is False
    with pytest.raises(CelError, match="does not answer"):
        run("fails() || false")


def test_an_interrupt_is_not_absorbed(run: Run) -> None:
    with pytest.raises(KeyboardInterrupt):
        run("interrupts() || true")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("1 +", "1:4: Syntax error"),
        ("'a' ==\n  nothing", "2:3: undeclared reference to 'nothing'"),
        ("http.Get('x')", "undeclared reference to 'http'"),
        ("object.spec.frobnicate()", "1:23: undeclared reference to 'frobnicate'"),
        ("variables.other", "undeclared reference to 'variables.other'"),
        ("1 == 1.0", "no matching overload"),
        ("'a' + 1", "no matching overload"),
        ("weight('1').above(height('1'))", "no matching overload"),
        ("weight('1').text", "cannot be the operand of a select"),
        ("('" + "a" * MAX_SOURCE + "')", "an expression of over 65536 bytes"),
        ("(" * 60 + "1" + ")" * 60, "recursion limit exceeded"),
        ("[" * 20000 + "]" * 20000, "recursion limit exceeded"),
        ("", "Syntax error"),
        ("object.\ud800", "surrogate"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_it_runs(
    environment: Environment, source: str, reason: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        environment.compile(source, where="spec.validations[0].expression")
    assert caught.value.where == "spec.validations[0].expression"
    assert reason in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("object.ready", DYN),
        ("object.name == 'm'", BOOL),
        ("images.models", list_of(STRING)),
        ("{'a': [1]}", map_of(STRING, list_of(INT))),
        ("object.?a", optional_of(DYN)),
        ("weight('1')", WEIGHT),
        ("timestamp('2020-01-01T00:00:00Z')", TIMESTAMP),
        ("type(1)", CelType("type", (INT,))),
    ],
)
def test_a_program_knows_its_type(
    environment: Environment, source: str, kind: CelType
) -> None:
    assert environment.compile(source, where="rule").type == kind


def test_dyn_is_no_bool_before_it_runs(environment: Environment) -> None:
    with pytest.raises(InvalidInput, match="must be of the type bool, and is dyn"):
        environment.compile("object.ready", where="rule", result=BOOL)


def test_a_program_names_the_variables_that_it_uses(environment: Environment) -> None:
    source = "images.models.all(m, m != object.name) || variables.count > 0"
    program = environment.compile(source, where="rule")
    assert program.variables == {"images", "object", "variables.count"}


def test_bindings_serve_several_programs(environment: Environment) -> None:
    bindings = environment.bind({"object": {"a": 1}})
    sums = [f"object.a + {i}" for i in range(3)]
    programs = [environment.compile(s, where="rule") for s in sums]
    assert [p.evaluate(bindings) for p in programs] == [1, 2, 3]


def test_bindings_are_for_one_environment(environment: Environment) -> None:
    other = Environment(variables={"object": DYN})
    program = environment.compile("object", where="rule")
    with pytest.raises(ValueError, match="another environment"):
        program.evaluate(other.bind({"object": 1}))
    with pytest.raises(ValueError, match="no variables"):
        other.bind({"nothing": 1})


def _deep(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (1 << 64, "over 64 bits"),
        (-(1 << 63) - 1, "over 64 bits"),
        ({"a": [object()]}, r"a\[0\]: no value of CEL: object"),
        ({1.5: 1}, "no key of CEL"),
        ({None: 1}, "no key of CEL"),
        ({1, 2}, "no value of CEL: set"),
        ("good\0evil", "a zero character"),
        ({"good\0evil": 1}, "a zero character"),
        (b"good\0evil", "a zero character"),
        ("\ud800", "surrogate"),
        ({"\ud800": 1}, "surrogate"),
        (dt.datetime(2026, 1, 1), "time zone"),  # noqa: DTZ001 - that is the case
        (_deep(MAX_DEPTH + 1), "nested more than"),
        (_deep(100_000), "nested more than"),
        ([0] * 1_000_001, "more than 1000000 values"),
    ],
)
def test_what_is_no_value_of_cel_is_refused(
    environment: Environment, value: object, reason: str
) -> None:
    with pytest.raises(CelError, match=reason):
        environment.bind({"object": value})


def test_a_value_of_the_wrong_type_is_an_error(environment: Environment) -> None:
    program = environment.compile("images.models.size()", where="rule")
    with pytest.raises(CelError, match="Expected STRING"):
        program.evaluate({"images": {"models": [1]}})


def test_an_expression_that_loops_for_long_is_stopped(run: Run) -> None:
    ten = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"
    loop = f"{ten}.all(a, {ten}.all(b, {ten}.all(c, {ten}.all(d, {ten}.all(e, true)))))"
    with pytest.raises(CelError, match="Iteration budget exceeded"):
        run(loop)


def test_functions_of_one_name_add_up() -> None:
    twice = Overload(parameters=(INT,), result=INT, call=lambda number: number * 2)
    longer = Overload(parameters=(STRING,), result=STRING, call=lambda text: text * 2)
    environment = Environment(
        variables={},
        functions=[Function("twice", (twice,)), Function("twice", (longer,))],
    )
    program = environment.compile("twice('a') + string(twice(2))", where="rule")
    assert program.evaluate({}) == "aa4"


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False)
    | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)


@given(JSON)
def test_json_passes_through_unchanged(value: object) -> None:
    program = _IDENTITY.compile("object", where="rule")
    assert program.evaluate({"object": value}) == value


@given(st.text())
def test_any_text_compiles_or_is_refused(source: str) -> None:
    try:
        program = _IDENTITY.compile(source, where="rule")
    except InvalidInput:
        return
    assert isinstance(program.type, CelType)


_IDENTITY = Environment(variables={"object": DYN})


def test_without_the_library_policies_are_refused() -> None:
    blocked = (
        "import sys; sys.modules['cel_expr_python'] = None\n"
        "from modelpack.errors import LocalError\n"
        "try:\n    import modelpack.policy.cel.engine\n"
        "except LocalError as error:\n    print(error.message, '|', error.hint)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", blocked], capture_output=True, text=True, check=True
    ).stdout
    assert said.startswith("policies are refused on this platform")
    assert "glibc" in said


def test_optional_values_pass_in_and_out() -> None:
    inner = list_of(STRING)
    environment = Environment(
        variables={"object": DYN, "variables.perhaps": optional_of(STRING)},
        functions=[
            member(
                "faults",
                (STRING,),
                optional_of(inner),
                lambda text: OptionalValue(([text],) if text else ()),
            )
        ],
    )

    def run(source: str, perhaps: OptionalValue) -> object:
        program = environment.compile(source, where="rule")
        values = {"object": {"a": {"b": None}}, "variables.perhaps": perhaps}
        return program.evaluate(values)

    some, none = OptionalValue(("x",)), OptionalValue()
    assert run("variables.perhaps.orValue('else')", some) == "x"
    assert run("variables.perhaps.orValue('else')", none) == "else"
    assert run("[1].exists(i, variables.perhaps.hasValue())", none) is False
    assert run("variables.perhaps.optMap(p, p + '!')", some) == OptionalValue(("x!",))
    assert run("object.?a.?b", none) == OptionalValue((None,))
    assert run("object.?z.?b", none) == OptionalValue()
    assert run("'no'.faults().orValue([]).size()", none) == 1
    assert run("''.faults().hasValue()", none) is False
    assert run("'no'.faults()", none) == OptionalValue((["no"],))


def test_a_late_variable_is_found_out_when_it_is_asked_for_and_once() -> None:
    asked = []

    def verified() -> object:
        asked.append("verified")
        return 3

    environment = Environment(
        variables={"object": DYN}, late={"variables.verified": INT}
    )
    bindings = environment.bind({"object": {}, "variables.verified": verified})

    def run(source: str) -> object:
        return environment.compile(source, where="rule").evaluate(bindings)

    assert run("size(object) == 0 || variables.verified > 0") is True
    assert asked == []
    assert run("variables.verified + variables.verified") == 6
    assert run("[variables.verified].exists(v, v == 3)") is True
    assert asked == ["verified"]


def test_a_late_variable_keeps_its_error() -> None:
    environment = Environment(
        variables={}, late={"variables.a": BOOL, "variables.b": BOOL}
    )
    bindings = environment.bind({"variables.a": _refuse})

    def run(source: str) -> object:
        return environment.compile(source, where="rule").evaluate(bindings)

    assert run("variables.a || true") is True
    for _ in range(2):
        with pytest.raises(CelError, match="the registry does not answer"):
            run("variables.a")
    with pytest.raises(CelError, match=r"variables\.b has no value"):
        run("variables.b")


def test_a_late_variable_may_ask_for_another_but_not_for_itself() -> None:
    environment = Environment(variables={"x": INT}, late={"a": INT, "b": INT, "c": INT})
    bindings: Bindings = environment.bind(
        {
            "x": 1,
            "a": lambda: environment.compile("b + x", where="a").evaluate(bindings),
            "b": lambda: environment.compile("x * 10", where="b").evaluate(bindings),
            "c": lambda: environment.compile("c", where="c").evaluate(bindings),
        }
    )
    program = environment.compile("a + b + x", where="rule")
    assert program.evaluate(bindings) == 22
    assert program.variables == {"a", "b", "x"}
    with pytest.raises(CelError, match="c asks for itself"):
        environment.compile("c", where="rule").evaluate(bindings)


def test_threads_do_not_see_each_others_values() -> None:
    environment = Environment(variables={}, late={"n": INT})
    program = environment.compile("[n, n, n].map(i, i + n)", where="rule")

    def run(number: int) -> bool:
        found = program.evaluate({"n": lambda: number})
        return found == [2 * number] * 3

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(run, range(500)))


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("[1, 'a']", "1:5: expected the type int, but found string"),
        ("{'a': 1,\n 'b': 'x'}", "2:7: expected the type int, but found string"),
        ("{'a': 1, 2: 2}", "expected the type string, but found int"),
        ("[object.a, 'a']", "expected the type dyn, but found string"),
        ("[1].map(x, [x, 'a'])", "expected the type int, but found string"),
        ("[1, ?object.?a]", "expected the type int, but found dyn"),
    ],
)
def test_a_literal_of_several_types_is_refused_as_kyverno_does(
    environment: Environment, source: str, reason: str
) -> None:
    with pytest.raises(InvalidInput, match=re.escape(reason)):
        environment.compile(source, where="rule")


@pytest.mark.parametrize(
    "source",
    [
        "[dyn(1), dyn('a')].size()",
        "'%s %d'.format(['a', 1])",
        "[?optional.of(1), 2, ?optional.of(3)].size()",
        "{?'a': optional.of(1), 'b': 2}.size()",
        "[[1], [2, 3]].size()",
    ],
)
def test_a_literal_of_one_type_compiles(environment: Environment, source: str) -> None:
    environment.compile(source, where="rule")
