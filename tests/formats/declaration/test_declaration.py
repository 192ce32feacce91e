"""`modelpack.yaml` is read strictly, and what is drafted is what is read."""

import contextlib
import json
from decimal import Decimal

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from modelpack.errors import InvalidInput
from modelpack.formats.declaration.declaration import Answer, Declaration, Role
from modelpack.formats.declaration.drafting import draft
from modelpack.formats.declaration.reading import parse_declaration
from modelpack.formats.declaration.schema import declaration_schema
from modelpack.formats.window import Window
from tests.docs.pages import ROOT
from tests.formats.declaration.strategies import declarations

FULL = b"""\
modelpack: 1
name: Sentiment
version: 1.10
supplier: {name: Example Ltd, url: https://example.com}
licenses: [apache-2.0, MIT OR Apache-2.0]
languages: [no, en]
base_models:
- name: org/base
  relation: finetune
  digest: sha256:%s
datasets:
- name: imdb
  role: [training, testing]
  personal_data: no
training:
  hyperparameters: {learning_rate: 2e-5}
evaluations:
- {metric: accuracy, value: 0.930, dataset: imdb}
energy:
- {energy: 5.4 MJ, emissions: 400 g, hours: 3.5}
""" % (b"0" * 64)


def parse(raw: bytes) -> Declaration:
    return parse_declaration(Window.of(raw, "modelpack.yaml"))


def test_everything_is_text_but_what_is_a_quantity() -> None:
    said = parse(FULL)
    # YAML would have made 1.1, False and 0.93 of these.
    assert (said.version, said.languages) == ("1.10", ("no", "en"))
    assert said.datasets[0].role == (Role.TRAINING, Role.TESTING)
    assert said.datasets[0].personal_data is Answer.NO
    assert said.evaluations[0].value == "0.930"
    assert said.training.hyperparameters == {"learning_rate": "2e-5"}
    (cost,) = said.energy
    assert cost.energy is not None
    assert cost.emissions is not None
    assert (cost.energy.kwh, cost.emissions.tonnes) == (
        Decimal("1.5"),
        Decimal("0.0004"),
    )


@pytest.mark.parametrize(
    ("text", "where"),
    {
        "": "is not one mapping",
        "- a": "is not one mapping",
        "modelpack: 1\n---\nname: a": "is not one mapping",
        "name: a": "modelpack: missing",
        "modelpack: 2": "modelpack: not a version",
        "modelpack: 1\nnaem: a": "naem: unknown field",
        "modelpack: 1\nname: a\nname: b": "name: duplicate key",
        "modelpack: 1\nname:": "name: says nothing",
        "modelpack: 1\nname: ''": "name: empty",
        "modelpack: 1\nname: [a]": "name: expected a text",
        'modelpack: 1\nname: "a\\u001b[2J"': "name: has a control character",
        "modelpack: 1\nname: &a x\nversion: *a": "version: alias a",
        "modelpack: 1\nuses: {<<: {}}": "merge keys",
        "modelpack: 1\nname: !!python/object:os.system x": "tag",
        "%YAML 1.1\n---\nmodelpack: 1": "directive",
        "modelpack: 1\nlicenses: MIT": "licenses: expected a list",
        "modelpack: 1\nsupplier: Example": "supplier: expected fields",
        "modelpack: 1\nsupplier: {url: https://x}": "supplier.name: missing",
        "modelpack: 1\ndatasets:\n- name: a\n- nam: b": "datasets[1].nam: unknown",
        "modelpack: 1\ndatasets: [{name: a, size: -1}]": "datasets[0].size: not a who",
        "modelpack: 1\ndatasets: [{name: a, digest: x}]": "datasets[0].digest: not a d",
        "modelpack: 1\nbase_models: [{name: a, commit: main}]": "commit: not a commit",
        "modelpack: 1\nlinks: {homepage: 'javascript:x'}": "homepage: not an address",
        "modelpack: 1\nlinks: {homepage: 'https://u:p@x'}": "homepage: has a login",
        "modelpack: 1\nreleased: 2026-02-30": "released: not a day",
        "modelpack: 1\ntraining: {approach: magic}": "approach: magic is none of",
        "modelpack: 1\nenergy: [{energy: 5}]": "energy[0].energy: 5 is not a number",
        "modelpack: 1\nenergy: [{energy: 5 lb}]": "energy[0].energy",
        "modelpack: 1\nenergy: [{hours: .nan}]": "energy[0].hours: not a number",
        "modelpack: 1\nenergy: [{hours: 1e999}]": "energy[0].hours: not a number",
        "modelpack: 1\nname: " + "[" * 5000: "nested",
    }.items(),
)
def test_what_may_not_be_there_is_refused_by_its_name(text: str, where: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(text.encode())
    assert str(caught.value).startswith("modelpack.yaml")
    assert where in str(caught.value)


def test_a_field_that_is_nearly_one_is_guessed() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(b"modelpack: 1\nlicense: [MIT]")
    assert caught.value.hint == "did you mean licenses?"


def test_too_much_is_refused() -> None:
    with pytest.raises(InvalidInput, match="larger"):
        parse(b"modelpack: 1\n#" + bytes(1 << 20))
    with pytest.raises(InvalidInput, match="more than 1000"):
        parse(b"modelpack: 1\nlanguages: [" + b"en," * 1001 + b"]")
    with pytest.raises(InvalidInput, match="UTF-8"):
        parse(b"modelpack: 1\nname: \xff")


@given(st.text() | st.from_regex(r"modelpack: 1\n(?:[a-z]+: [ -~]*\n)*"))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        parse(text.encode(errors="surrogatepass"))


@settings(max_examples=20, suppress_health_check=list(HealthCheck), deadline=None)
@given(declarations())
def test_what_is_drafted_is_what_is_read(declaration: Declaration) -> None:
    """An author who changes nothing declares exactly what the draft says."""
    raw = draft(declaration)
    assert parse(raw) == declaration
    # And what editors see, who take `no` and 1.0 for other things, holds as well.
    Draft202012Validator(json.loads(declaration_schema())).validate(
        yaml.safe_load(raw.decode())
    )


def test_a_draft_shows_every_field_and_can_be_read_as_it_is() -> None:
    raw = draft(Declaration())
    assert parse(raw) == Declaration()
    for name in Declaration.__dataclass_fields__:
        assert f"\n# {name}:" in raw.decode()
    assert raw.startswith(b"# yaml-language-server: $schema=.modelpack-schema.json\n")


@pytest.mark.parametrize(
    "text",
    [
        "name: [a]",
        "unknown: a",
        "supplier: {}",
        "datasets: [{name: a, size: -1}]",
        "datasets: [{name: a, digest: 'sha256:00'}]",
        "energy: [{energy: 5}]",
        "training: {approach: magic}",
        "links: {homepage: x}",
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(text: str) -> None:
    raw = f"modelpack: 1\n{text}"
    with pytest.raises(InvalidInput):
        parse(raw.encode())
    validator = Draft202012Validator(json.loads(declaration_schema()))
    assert not validator.is_valid(yaml.safe_load(raw))


def test_the_published_schema_is_the_one_of_this_version() -> None:
    published = ROOT / "docs" / "modelpack.schema.json"
    assert published.read_bytes() == declaration_schema()
    Draft202012Validator.check_schema(json.loads(declaration_schema()))
