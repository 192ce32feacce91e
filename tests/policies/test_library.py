"""Every demand and every place of the library, before the real Kyverno CLI."""

import pytest

from tests.kyverno.case import Case, filled
from tests.kyverno.judges import Kyverno
from tests.policies.orders import CASES


@pytest.mark.interop
@pytest.mark.parametrize("case", CASES, ids=str)
def test_kyverno(case: Case, kyverno: Kyverno) -> None:
    verdict = kyverno.judge(case)
    assert verdict.results == list(case.results), verdict.printed
    assert filled(case.message, kyverno.names) in verdict.messages, verdict.printed
