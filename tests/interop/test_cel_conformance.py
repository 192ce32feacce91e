"""The CEL engine passes the tests of the specification, but for named differences."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.interop.conformance import Case, Outside, cases
from tests.interop.peers import program

pytestmark = pytest.mark.interop

_DIFFERENCES = Path(__file__).with_name("cel_differences.toml")


@pytest.fixture(scope="module")
def known() -> Mapping[str, str]:
    groups = tomllib.loads(_DIFFERENCES.read_text("utf-8"))["differences"]
    return {name: group["reason"] for group in groups for name in group["cases"]}


@pytest.fixture(scope="module")
def inside() -> list[Case]:
    found = []
    for case in cases(program("cel-spec")):
        try:
            case.check_inside()
        except Outside:
            continue
        found.append(case)
    return found


def test_the_suite_is_there(inside: list[Case]) -> None:
    assert len(inside) == 1658


def test_only_the_named_cases_differ(
    inside: list[Case], known: Mapping[str, str]
) -> None:
    wrong = {case.name: found for case in inside if (found := case.run())}
    assert {name: said for name, said in wrong.items() if name not in known} == {}
    assert sorted(known.keys() - wrong.keys()) == []


def test_no_case_has_another_value(inside: list[Case]) -> None:
    assert [c.name for c in inside if c.run().startswith(("gives", "is of"))] == []
