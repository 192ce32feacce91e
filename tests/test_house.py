"""Rules of the house that no other tool checks."""

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
PACKAGE: Final = ROOT / "modelpack"
MODULES: Final = sorted(PACKAGE.rglob("*.py"))
MOST_LINES: Final = 400
MOST_BYTES: Final = 1 << 20

# Written so that this file keeps its own rule.
_INDEXES: Final = re.compile(
    r"pypi[.]org|pythonhosted[.]org|npmjs[.]org|crates[.]io"
    r"|proxy[.]golang[.]org|deb[.]debian[.]org"
)
_MACHINE: Final = re.compile(r"/(?:work|root)[/]|bash[_]jobs")


def test_a_module_can_be_read_in_one_sitting() -> None:
    lengths = {m: len(m.read_text("utf-8").splitlines()) for m in MODULES}
    assert [m for m, length in lengths.items() if length > MOST_LINES] == []


def test_nothing_imports_the_command_line_from_below() -> None:
    below = [m for m in MODULES if "cli" not in m.parts and m.name != "__main__.py"]
    assert [
        m for m in below if any(n.startswith("modelpack.cli") for n in _named(m))
    ] == []


def test_the_environment_and_the_terminal_are_read_at_the_edge() -> None:
    # The last is a program of its own, which another Python runs.
    edge = {"cli", "api", "ask_scanner.py"}
    inner = [m for m in MODULES if not edge & set(m.relative_to(PACKAGE).parts)]
    reading = re.compile(r"os\.environ|os\.getenv|\.isatty\(|sys\.argv|sys\.exit")
    assert [m for m in inner if reading.search(m.read_text("utf-8"))] == []


def test_every_package_says_what_it_is() -> None:
    silent = [m for m in MODULES if not ast.get_docstring(ast.parse(m.read_bytes()))]
    assert silent == []


def test_no_file_names_a_package_index_or_a_path_of_one_machine() -> None:
    found = [
        f"{path}: {match[0]}"
        for path, text in _texts()
        for rule in (_INDEXES, _MACHINE)
        for match in rule.finditer(text)
    ]
    assert found == []


def test_no_large_file_is_kept() -> None:
    large = [p for p in _tracked() if (ROOT / p).stat().st_size > MOST_BYTES]
    assert large == []


def _named(module: Path) -> Iterator[str]:
    """Yield what a module imports."""
    for node in ast.walk(ast.parse(module.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _tracked() -> list[str]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        [git, "-c", "safe.directory=*", "ls-files", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    names = [name for name in listed.stdout.split("\0") if name]
    return [name for name in names if (ROOT / name).is_file()]


def _texts() -> Iterator[tuple[str, str]]:
    for name in _tracked():
        data = (ROOT / name).read_bytes()
        if b"\0" not in data:
            yield name, data.decode("utf-8", "replace")
