"""Every demand and every place of the library, before both judges."""

import pytest

from tests.kyverno.case import Case, filled
from tests.kyverno.house import House
from tests.kyverno.judges import Kyverno
from tests.policies.orders import CASES


@pytest.mark.interop
@pytest.mark.parametrize("case", CASES, ids=str)
def test_kyverno(case: Case, kyverno: Kyverno) -> None:
    verdict = kyverno.judge(case)
    assert verdict.results == list(case.results), verdict.printed
    assert filled(case.message, kyverno.names) in verdict.messages, verdict.printed


@pytest.mark.parametrize("case", CASES, ids=str)
def test_modelpack(case: Case, house: House) -> None:
    """No difference is allowed here: these files have one meaning everywhere."""
    verdict = house.judge(case)
    assert verdict.results == list(case.results), verdict.printed
    assert verdict.admitted == case.admits, verdict.printed
    assert filled(case.message, house.names) in verdict.messages, verdict.printed
