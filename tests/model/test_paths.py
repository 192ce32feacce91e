"""What may be a path inside an artifact."""

from __future__ import annotations

import contextlib
import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.model.paths import parse_path, refuse_collisions, shown

HOSTILE = {
    "empty": "",
    "absolute": "/etc/passwd",
    "parent": "../x",
    "parent inside": "a/../../x",
    "parent last": "a/..",
    "dot": "./x",
    "only a dot": ".",
    "empty part": "a//b",
    "trailing slash": "a/",
    "backslash": "a\\b",
    "backslash parent": "..\\x",
    "share": "\\\\host\\share",
    "drive": "c:x",
    "drive absolute": "C:/x",
    "nul": "a\0b",
    "newline": "a\nb",
    "escape": "a\x1b[2Jb",
    "delete": "a\x7f",
    "c1 control": "a\x9bb",
    "line separator": "a\u2028b",
    "right-to-left override": "a\u202egnp.exe",
    "lone surrogate": "a\udcffb",
    "device": "con",
    "device with suffix": "dir/NUL.txt",
    "device with number": "com1.bin",
    "device with superscript": "COM\u00b9",
    "device before space": "aux .py",
    "trailing dot": "a./b",
    "trailing space": "a /b",
    "three dots": ".../b",
    "part too long": "a" * 256,
    "part too long in bytes": "é" * 128,
    "path of megabytes": "a/" * 1_000_000,
    "path too long": "/".join(["a" * 100] * 11),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_path_that_is_no_plain_relative_path_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_path(text, "layers[3].annotations")
    assert caught.value.where == "layers[3].annotations"
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "model.safetensors",
        "onnx/model.onnx",
        ".gitattributes",
        "runs/Nov23_21:15:35_host/events",
        "a b/c",
        "conv.py",
        "console/com10",
        "模型/重み.gguf",
        "~",
        "a" * 255,
    ],
)
def test_an_ordinary_path_stays_as_it_is(text: str) -> None:
    assert parse_path(text, "") == text


def test_decomposed_names_are_composed() -> None:
    assert parse_path("mode\u0300le", "") == "mod\u00e8le"


@given(st.text())
def test_what_is_accepted_stays_inside_on_every_system(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        path = parse_path(text, "")
        assert parse_path(path, "") == path
        assert unicodedata.is_normalized("NFC", path)
        assert not PurePosixPath(path).is_absolute()
        assert not PureWindowsPath(path).anchor
        assert PurePosixPath(path).parts == tuple(path.split("/"))
        assert ".." not in PureWindowsPath(path).parts


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a", "a"),
        ("README.md", "readme.MD"),
        ("mod\u00e8le", "MODE\u0300LE"),
        ("straße", "STRASSE"),
        ("a", "a/b"),
        ("A", "a/b/c"),
        ("x/Y", "X/y/z"),
    ],
)
def test_names_that_one_file_system_holds_as_one_are_refused(
    first: str, second: str
) -> None:
    for paths in ([first, second], [second, first]):
        with pytest.raises(InvalidInput):
            refuse_collisions(paths)


def test_names_that_only_look_alike_are_accepted() -> None:
    refuse_collisions(["a/b", "a/c", "ab", "a.b", "b"])


@given(st.text())
def test_shown_text_fits_on_a_line(text: str) -> None:
    assert shown(text).isprintable()
    assert shown(text).isascii() or not text.isascii()
