"""The table: all cases, by what they are about."""

from tests.kyverno.case import Case
from tests.kyverno.cases import (
    attestations,
    conditions,
    expressions,
    places,
    references,
    signatures,
)

CASES: tuple[Case, ...] = (
    *signatures.CASES,
    *attestations.CASES,
    *references.CASES,
    *conditions.CASES,
    *expressions.CASES,
    *places.CASES,
)
