"""Kitfiles and Modelfiles are read for what they declare, and strictly."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.formats.declaration.declaration import (
    BaseModel,
    Dataset,
    Declaration,
    Party,
    Relation,
)
from modelpack.formats.declaration.kitfile import parse_kitfile
from modelpack.formats.declaration.modelfile import parse_modelfile
from modelpack.formats.window import Window

KITFILE = b"""\
manifestVersion: "1.0.0"
package:
  name: sentiment
  version: 1.2.0
  license: Apache-2.0
  authors: [Anna, Ben]
  description: |
    Says whether a text
    is friendly.
model:
  path: ./model.safetensors
  framework: transformers
  license: MIT
  parameters: {any: [thing, 1]}
datasets:
- name: imdb
  path: ./data
  license: other
"""
MODCTL = b"""\
# made by hand
NAME sentiment
ARCH transformer
FAMILY bert
CONFIG config.json
MODEL *.safetensors
"""
OLLAMA = b'''\
FROM llama3.2:3b
ADAPTER ./adapter
PARAMETER temperature 1
SYSTEM """
You are
FROM nowhere
"""
LICENSE MIT
'''


def kitfile(raw: bytes) -> Declaration:
    return parse_kitfile(Window.of(raw, "Kitfile"))


def modelfile(raw: bytes) -> Declaration:
    return parse_modelfile(Window.of(raw, "Modelfile"))


def test_a_kitfile() -> None:
    assert kitfile(KITFILE) == Declaration(
        name="sentiment",
        version="1.2.0",
        description="Says whether a text is friendly.",
        authors=(Party(name="Anna"), Party(name="Ben")),
        licenses=("MIT", "Apache-2.0"),
        library="transformers",
        datasets=(Dataset(name="imdb", license="other"),),
    )


@pytest.mark.parametrize(
    ("text", "where"),
    {
        "package: {name: a}": "manifestVersion",
        "manifestVersion: 1.0.0\npackge: {}": "Kitfile: packge",
        "manifestVersion: 1.0.0\npackage: {nam: a}": "package.nam",
        "manifestVersion: 1.0.0\npackage: [a]": "package: expected fields",
        "manifestVersion: 1.0.0\npackage: {name: [a]}": "package.name",
        "manifestVersion: 1.0.0\npackage: {authors: Anna}": "package.authors",
        "manifestVersion: 1.0.0\ndatasets: [{nam: a}]": "datasets[0].nam",
        "manifestVersion: &a 1.0.0\nmodel: {name: *a}": "alias",
    }.items(),
)
def test_a_kitfile_that_is_none(text: str, where: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        kitfile(text.encode())
    assert where in str(caught.value)


def test_a_modelfile_of_modctl() -> None:
    assert modelfile(MODCTL) == Declaration(
        name="sentiment", architecture="transformer", family="bert"
    )


def test_a_modelfile_of_ollama() -> None:
    base = BaseModel(name="llama3.2:3b", relation=Relation.ADAPTER)
    assert modelfile(OLLAMA) == Declaration(base_models=(base,), licenses=("MIT",))


@pytest.mark.parametrize("place", ["./model.gguf", "model.gguf", "/m", "..", "."])
def test_a_file_is_no_base_model(place: str) -> None:
    assert modelfile(f"FROM {place}".encode()).base_models == ()


@pytest.mark.parametrize(
    ("text", "where"),
    {
        "NAME a\nRUN rm -rf": "line 2: unknown command run",
        "NAME": "line 1: name says nothing",
        "NAME a\nNAME b": "line 2: name is said twice",
        "NAME a\nFROM b": "half modctl's",
        'SYSTEM """a': 'line 1: """ is not closed',
        'SYSTEM """a""" b': 'text after """',
        "NAME \x1b[2J": "control character",
    }.items(),
)
def test_a_modelfile_that_is_none(text: str, where: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        modelfile(text.encode())
    assert where in str(caught.value)


@given(st.binary() | st.text().map(str.encode) | st.from_regex(rb"(FROM|NAME) .*\n"))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for parse in (kitfile, modelfile):
        with contextlib.suppress(InvalidInput):
            parse(raw)
