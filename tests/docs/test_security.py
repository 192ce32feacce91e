"""What docs/security.md says is checked somewhere, is there."""

import ast
import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

PACKAGE = ROOT / "modelpack"
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
# "`name` in `path`", or a path alone.
NAMED = re.findall(r"`([A-Za-z_.]+)` in `([a-z_/0-9]+\.py)`", PAGE)
PATHS = sorted(set(re.findall(r"`([a-z_]+/[a-z_/0-9]+\.py)`", PAGE)))


@pytest.mark.parametrize("path", PATHS)
def test_every_module_that_it_names_exists_and_is_tested(path: str) -> None:
    assert (PACKAGE / path).is_file()
    room = (ROOT / "tests" / path).parent
    assert room.is_dir() or room.parent.is_dir()


@pytest.mark.parametrize(("name", "path"), NAMED)
def test_every_function_that_it_names_is_in_its_module(name: str, path: str) -> None:
    tree = ast.parse(Path(PACKAGE, path).read_text("utf-8"))
    scope: list[ast.stmt] = tree.body
    for part in name.split("."):
        found = [
            node
            for node in scope
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == part
        ]
        assert found, f"{path} has no {name}"
        scope = found[0].body
    assert len(NAMED) > 15
