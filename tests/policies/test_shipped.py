"""The files of ``policies/``: what `policy new` writes, and what both judges say."""

import shutil
from pathlib import Path

import pytest

from modelpack.api import Settings
from modelpack.api.policies import load_policies
from modelpack.api.policy_tests import run_policy_tests
from modelpack.policy.kyverno.declared_test import DeclaredTest
from modelpack.policy.kyverno.documents import objects_of
from modelpack.policy.library.demands import DEMANDS
from modelpack.policy.library.places import PLACES
from tests.interop.desk import Desk
from tests.kyverno.case import Case, Json, Result
from tests.kyverno.judges import Kyverno
from tests.kyverno.shelf import Shelf
from tests.policies.write import FOLDER, KEY, KINDS, LEVELS, REGISTRY, files

TESTS = [f"{level}/{kind}" for level in LEVELS for kind in KINDS]


def test_the_folder_holds_what_the_library_writes_and_nothing_else() -> None:
    found = {
        path.relative_to(FOLDER).as_posix(): path.read_text("utf-8")
        for path in FOLDER.rglob("*.yaml")
    }
    assert found == files(), "python -m tests.policies.write"


def test_the_page_names_every_demand_and_place() -> None:
    page = (FOLDER / "README.md").read_text("utf-8")
    for name in (*DEMANDS, *PLACES):
        assert f"| `{name}" in page


@pytest.mark.parametrize("level", LEVELS)
def test_a_folder_can_be_given_to_pull_as_it_is(level: str) -> None:
    policies = load_policies([FOLDER / level])
    assert policies.faults == ()
    assert policies.names == ", ".join(
        sorted((f"models-{level}-{kind}" for kind in KINDS), key=_by_file)
    )


def _by_file(name: str) -> str:
    return f"{name}.yaml"


@pytest.fixture
def moved(library_shelf: Shelf, tmp_path: Path) -> Path:
    """Return the folder for the shelf's registry and key in place of the example's."""
    folder = tmp_path / "policies"
    shutil.copytree(FOLDER, folder)
    host = REGISTRY.partition("/")[0]
    key, other = KEY.read_text(), library_shelf.names["dev.pub"]
    for path in folder.rglob("*.yaml"):
        text = path.read_text().replace(host, library_shelf.address)
        for old, new in zip(key.splitlines(), other.splitlines(), strict=True):
            text = text.replace(old, new)
        path.write_text(text)
    for name in library_shelf.forms:  # all that the cases name
        library_shelf.names[name]
    return folder


@pytest.mark.parametrize("name", TESTS)
def test_modelpack(moved: Path, name: str) -> None:
    tested = run_policy_tests(moved / "tests" / name, settings=Settings())
    assert len(tested) > 10
    assert [each for each in tested if not each.holds] == []


def test_a_case_that_comes_out_otherwise_is_told(moved: Path) -> None:
    path = moved / "tests/baseline/pods/kyverno-test.yaml"
    path.write_text(path.read_text().replace("result: fail", "result: pass"))
    tested = run_policy_tests(path.parent, settings=Settings())
    wrong = [each for each in tested if not each.holds]
    assert {each.result for each in wrong} == {"fail"}
    assert not any(each.admitted for each in wrong)
    unsigned = [each for each in wrong if each.about == "Pod/unsigned"]
    assert "is not signed by the team" in unsigned[0].reason


@pytest.mark.interop
@pytest.mark.parametrize("level", LEVELS)
def test_kyverno_runs_the_same_tests(moved: Path, level: str, desk: Desk) -> None:
    ran = desk.try_peer("kyverno", "test", moved / "tests" / level / "pods")
    said = ran.out.decode()
    assert ran.code == 0, said + ran.err
    assert "0 tests failed" in said


@pytest.mark.interop
@pytest.mark.parametrize("name", [t for t in TESTS if not t.endswith("/pods")])
def test_kyverno_says_the_same_of_kserve(
    moved: Path, name: str, kyverno: Kyverno
) -> None:
    """`kyverno test` knows no custom resources: here it is `kyverno apply`."""
    folder = moved / "tests" / name
    [(value, where)] = _documents(folder / "kyverno-test.yaml")
    declared = DeclaredTest.parse(value, where)
    policy, _ = _documents(folder / declared.policies[0])[0]
    objects = {
        item["metadata"]["name"]: item
        for item, _ in _documents(folder / "resources.yaml")
    }
    for expected in declared.expected:
        [model] = expected.objects
        case = Case(
            name=f"shipped-{name.replace('/', '-')}-{model}",
            policies=(policy,),
            resource=objects[model],
            result=Result(expected.result),
        )
        verdict = kyverno.judge(case)
        assert verdict.results == list(case.results), verdict.printed


def _documents(path: Path) -> list[tuple[Json, str]]:
    return objects_of(path.read_bytes(), str(path))
