"""Every case before the real Kyverno CLI."""

import pytest

from tests.kyverno.case import Case, filled
from tests.kyverno.cases import CASES
from tests.kyverno.judges import Kyverno


def test_no_two_cases_have_one_name() -> None:
    names = [case.name for case in CASES]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.interop
@pytest.mark.parametrize("case", CASES, ids=str)
def test_kyverno(case: Case, kyverno: Kyverno) -> None:
    verdict = kyverno.judge(case)
    assert verdict.results == list(case.results), verdict.printed
    message = filled(case.message, kyverno.names)
    assert message in verdict.messages, verdict.printed
