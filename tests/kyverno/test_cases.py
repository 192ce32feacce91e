"""Every case before both judges: the real Kyverno CLI, and modelpack."""

import re
from pathlib import Path

import pytest

from tests.kyverno.case import Case, Result, filled
from tests.kyverno.cases import CASES
from tests.kyverno.house import House
from tests.kyverno.judges import Kyverno

PAGE = Path(__file__).parents[2] / "docs" / "kyverno.md"


def test_no_two_cases_have_one_name() -> None:
    names = [case.name for case in CASES]
    assert sorted(set(names)) == sorted(names)


def test_the_page_gives_a_reason_for_every_difference_and_for_no_other() -> None:
    page = PAGE.read_text("utf-8")
    differences = page.partition("\n## Differences\n")[2].partition("\n## ")[0]
    explained = re.findall(r"^### (.+)$", differences, re.MULTILINE)
    assert sorted({case.ours.reason for case in CASES if case.ours}) == sorted(
        explained
    )


@pytest.mark.interop
@pytest.mark.parametrize("case", CASES, ids=str)
def test_kyverno(case: Case, kyverno: Kyverno) -> None:
    verdict = kyverno.judge(case)
    assert verdict.results == list(case.results), verdict.printed
    message = filled(case.message, kyverno.names)
    assert message in verdict.messages, verdict.printed


@pytest.mark.parametrize("case", CASES, ids=str)
def test_modelpack(case: Case, house: House) -> None:
    verdict = house.judge(case)
    assert verdict.results == list(case.our_results), verdict.printed
    assert verdict.admitted == case.admits, verdict.printed
    if Result.ERROR not in case.our_results:  # the words of errors are our own
        message = filled(case.message, house.names)
        assert message in verdict.messages, verdict.printed
