"""Expressions come out as in the real Kyverno, but for named differences."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from modelpack.errors import InvalidInput
from modelpack.policy.cel.engine import CelError, Environment
from modelpack.policy.cel.kubernetes import kubernetes_functions
from modelpack.policy.cel.kyverno import certificate_functions, kyverno_functions
from modelpack.policy.cel.types import BOOL, DYN
from tests.interop.kyverno_expressions import outcomes
from tests.policy.cel.expressions import FAIL, HOLD, OBJECT
from tests.policy.cel.test_libraries import NOW

pytestmark = pytest.mark.interop

_HERE = Path(__file__).parent
_SOURCES = (
    *HOLD,
    *(source for source, _ in FAIL),
    *_HERE.joinpath("cel_expressions.txt").read_text("utf-8").splitlines(),
)


@pytest.fixture(scope="module")
def environment() -> Environment:
    return Environment(
        variables={"object": DYN},
        functions=(
            *kubernetes_functions(),
            *kyverno_functions(lambda: NOW),
            *certificate_functions(),
        ),
    )


@pytest.fixture(scope="module")
def known() -> Mapping[str, tuple[str, str]]:
    """Return what each differing expression comes to, here and there."""
    text = _HERE.joinpath("cel_kyverno.toml").read_text("utf-8")
    return {
        source: (group["here"], group["kyverno"])
        for group in tomllib.loads(text)["differences"]
        for source in group["expressions"]
    }


def test_the_table_is_long_enough() -> None:
    assert len(set(_SOURCES)) == len(_SOURCES) >= 400


def test_expressions_come_out_as_in_kyverno(
    environment: Environment, known: Mapping[str, tuple[str, str]], tmp_path: Path
) -> None:
    here = {source: _outcome(environment, source) for source in _SOURCES}
    # One policy that does not load ends Kyverno's whole command: those are run alone.
    alone = {s for s in _SOURCES if here[s] == "refused"}
    alone |= {s for s, (_, theirs) in known.items() if theirs == "refused"}
    together = [source for source in _SOURCES if source not in alone]
    said = dict(zip(together, outcomes(together, OBJECT, tmp_path), strict=True))
    said |= {source: outcomes([source], OBJECT, tmp_path)[0] for source in alone}
    unlike = {s: (here[s], said[s][0]) for s in _SOURCES if here[s] != said[s][0]}
    assert unlike == dict(known)


def _outcome(environment: Environment, source: str) -> str:
    metadata = {"name": "c", "namespace": "default"}
    resource = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    try:
        program = environment.compile(source, where="expression", result=BOOL)
        return str(program.evaluate({"object": {**resource, **OBJECT}})).lower()
    except InvalidInput:
        return "refused"
    except CelError:
        return "error"
