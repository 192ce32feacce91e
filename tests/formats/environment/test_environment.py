"""What was installed, from each of the files that say so."""

import contextlib
import json
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.disk.environment import read_environment
from modelpack.errors import InvalidInput
from modelpack.formats.environment.bill import parse_bill
from modelpack.formats.environment.lock_files import (
    parse_requirements,
    parse_toml_lock,
)
from modelpack.formats.environment.packages import Environment
from modelpack.formats.window import Window
from modelpack.oci.digest import Digest

_HEX = "ab" * 32
REQUIREMENTS = f"""\
# by pip freeze
--index-url https://example.com/simple
Torch_Vision==0.20.1 --hash=sha256:{_HEX} \\
    --hash=sha256:{"cd" * 32}
numpy[extra] == 2.0.0  # why
"""
UV = f"""\
version = 1
requires-python = ">=3.11"
[[package]]
name = "ours"
version = "0.1.0"
source = {{ virtual = "." }}
[[package]]
name = "numpy"
version = "2.0.0"
sdist = {{ url = "https://example.com/n.tar.gz", hash = "sha256:{_HEX}" }}
"""
POETRY = f"""\
[[package]]
name = "numpy"
version = "2.0.0"
files = [{{ file = "n.whl", hash = "sha256:{_HEX}" }}]
"""
PYLOCK = f"""\
lock-version = "1.0"
[[packages]]
name = "numpy"
version = "2.0.0"
wheels = [{{ url = "https://example.com/n.whl", hashes = {{ sha256 = "{_HEX}" }} }}]
"""
BILL = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "components": [
        {
            "type": "library",
            "name": "numpy",
            "version": "2.0.0",
            "purl": "pkg:pypi/numpy@2.0.0",
            "licenses": [
                {"license": {"id": "BSD-3-Clause"}},
                {"license": {"name": "the whole text"}},
            ],
            "hashes": [{"alg": "SHA-256", "content": _HEX}],
        },
        {"type": "file", "name": "x"},
    ],
}
Parse = Callable[[Window], Environment]


def parse(how: Parse, text: str) -> Environment:
    return how(Window.of(text.encode(), "lock"))


def test_pins() -> None:
    found = parse(parse_requirements, REQUIREMENTS)
    assert [(p.name, p.version) for p in found.packages] == [
        ("numpy", "2.0.0"),
        ("torch-vision", "0.20.1"),
    ]
    assert found.packages[1].digests[0] == Digest.parse(f"sha256:{_HEX}")


@pytest.mark.parametrize("text", [UV, POETRY, PYLOCK])
def test_lock_files(text: str) -> None:
    (found,) = parse(parse_toml_lock, text).packages
    assert (found.name, found.version) == ("numpy", "2.0.0")
    assert found.digests == (Digest.parse(f"sha256:{_HEX}"),)


def test_what_cyclonedx_py_writes() -> None:
    (found,) = parse(parse_bill, json.dumps(BILL)).packages
    assert (found.name, found.license) == ("numpy", "BSD-3-Clause")


def test_a_virtual_environment(tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=False, symlinks=True)
    (place,) = (tmp_path / "env").glob("lib/python*/site-packages")
    info = place / "numpy-2.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.4\nName: NumPy\nVersion: 2.0.0\n"
        "License-Expression: BSD-3-Clause\n"
    )
    found = read_environment(tmp_path / "env")
    (package,) = found.packages
    assert (package.name, package.license) == ("numpy", "BSD-3-Clause")
    assert found.python.startswith(f"{sys.version_info[0]}.{sys.version_info[1]}.")
    with pytest.raises(InvalidInput, match="no virtual environment"):
        read_environment(tmp_path)


@pytest.mark.parametrize(
    ("how", "text", "said"),
    [
        (parse_requirements, "", "names no package"),
        (parse_requirements, "numpy>=2", "does not pin"),
        (parse_requirements, "numpy==2.0; os_name=='nt'", "does not pin"),
        (parse_requirements, "-e .", "does not pin"),
        (parse_requirements, "numpy==2.*", "does not pin"),
        (parse_requirements, "a==1\nA==2", "has the versions 1 and 2"),
        (parse_requirements, "a @ https://user:pass@example.com/a", "does not pin"),
        (parse_toml_lock, "[", "is not TOML"),
        (parse_toml_lock, "a = 1", "lists no packages"),
        (parse_toml_lock, "[[package]]\nname = 'a'", "has no name or no version"),
        (parse_toml_lock, "[[package]]\nname='../x'\nversion='1'", "not a package's"),
        (parse_bill, "{}", "is no CycloneDX"),
        (parse_bill, '{"bomFormat": "CycloneDX", "components": []}', "no package"),
    ],
)
def test_what_does_not_say_what_was_there(how: Parse, text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        parse(how, text)


@given(st.text(), st.sampled_from([parse_requirements, parse_toml_lock, parse_bill]))
def test_any_text_is_read_or_refused(text: str, how: Parse) -> None:
    with contextlib.suppress(InvalidInput):
        parse(how, text)
