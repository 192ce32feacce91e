from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.formats.energy.quantities import Emissions
from modelpack.formats.energy.use import Activity, EnergyUse
from modelpack.formats.prose.card import Card, parse_card
from modelpack.formats.window import Window
from tests.formats.files import minilm, window_on


def card(front: str | bytes) -> Card:
    raw = front.encode() if isinstance(front, str) else front
    return parse_card(Window.of(b"---\n" + raw + b"\n---\n# A model\n", "README.md"))


def test_a_real_card() -> None:
    found = parse_card(window_on(minilm() / "README.md"))
    assert found.licenses == ("apache-2.0",)
    assert found.languages == ("en",)
    assert found.pipeline_tag == "sentence-similarity"
    assert found.library_name == "sentence-transformers"
    assert found.datasets[:2] == ("s2orc", "flax-sentence-embeddings/stackexchange_xml")


def test_every_field() -> None:
    front = """
model_name: Tiny
license: [apache-2.0, mit]
license_name: ours
license_link: LICENSE
base_model: [org/a, org/b, org/a]
base_model_relation: merge
language: [en, de]
tags: [x]
datasets: squad
pipeline_tag: text-generation
library_name: transformers
"""
    assert card(front) == Card(
        name="Tiny",
        licenses=("apache-2.0", "mit"),
        license_name="ours",
        license_link="LICENSE",
        base_models=("org/a", "org/b"),
        base_model_relation="merge",
        languages=("en", "de"),
        tags=("x",),
        datasets=("squad",),
        pipeline_tag="text-generation",
        library_name="transformers",
    )


def test_name_from_the_evaluation_results() -> None:
    assert card("model-index:\n- name: Tiny\n  results: []").name == "Tiny"
    assert card("model_name: A\nmodel-index:\n- name: B").name == "A"
    assert card("model-index: {}").name is None


def test_norwegian_is_no_bool() -> None:
    assert card("language: no").languages == ("no",)
    assert card("tags: [on, 1.10, 2026-01-01, 0x10]").tags == (
        "on",
        "1.10",
        "2026-01-01",
        "0x10",
    )


def test_what_says_nothing_is_missing() -> None:
    front = "license: '[More Information Needed]'\nmodel_name:\ntags: [~, '']"
    assert card(front) == Card()
    assert card('model_name: "null"').name == "null"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"# A model",
        b"---",
        b"---\n# below a rule",
        b"---\n---\n",
        b"text\n---\nlicense: mit\n---\n",
        b"---\n# only a comment\n---\n",
        b"\xff\xfe",
    ],
)
def test_no_front_matter_is_an_empty_card(raw: bytes) -> None:
    assert parse_card(Window.of(raw)) == Card()


@pytest.mark.parametrize(
    "raw",
    [
        b"---\nlicense: mit\n---\n",
        b"---\r\nlicense: mit\r\n---\r\ntext",
        b"\xef\xbb\xbf---\nlicense: mit\n---",
        b"\n---\nlicense: mit\n--- \ntext",
        b"---\nlicense: mit\n---\n" + b"x" * 2_000_000,
    ],
)
def test_where_front_matter_stands(raw: bytes) -> None:
    assert parse_card(Window.of(raw)).licenses == ("mit",)


def test_a_few_aliases_are_read() -> None:
    front = "license: &x mit\nlicense_name: *x\ntags: &t [a]\ndatasets: *t"
    assert card(front) == Card(
        licenses=("mit",), license_name="mit", tags=("a",), datasets=("a",)
    )


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 8)}]\n"
    for level in range(1, 9)
)
HOSTILE = {
    "alias bomb": (BOMB, "README.md: a5[4]: more than 200000 values"),
    "alias of itself": ("a: &a [*a]", "README.md: a[0]: unknown alias a"),
    "unknown alias": ("a: *b", "README.md: a: unknown alias b"),
    "merge key": (
        "a: &a {x: 1}\nb:\n  <<: *a",
        "README.md: b: merge keys are not supported",
    ),
    "merge bomb": (
        "a: &a {x: 1}\nb: &b {<<: [*a, *a]}\nc: {<<: [*b, *b]}",
        "README.md: b: merge keys are not supported",
    ),
    "duplicate key": ("license: mit\nlicense: x", "README.md: license: duplicate key"),
    "duplicate key inside": (
        "a:\n- {b: 1, b: 2}",
        "README.md: a[0].b: duplicate key",
    ),
    "key that is a list": ("? [a]\n: b", "README.md: a key that is no text"),
    "key that is an alias": (
        "a: &a x\n*a : y",
        "README.md: a key that is no text",
    ),
    "python object": (
        "license: !!python/name:print ''",
        "README.md: license: tag tag:yaml.org,2002:python/name:print is not supported",
    ),
    "own tag": ("license: !x mit", "README.md: license: tag !x is not supported"),
    "deep list": (
        "a: " + "[" * 100_000,
        f"README.md: a{'[0]' * 32}: nested more than 32 deep",
    ),
    "deep mapping": (
        "{a: " * 100_000,
        f"README.md: a{'.a' * 32}: nested more than 32 deep",
    ),
    "deep block": ("- " * 100_000, f"README.md{'[0]' * 33}: nested more than 32 deep"),
    "many values": (
        "a: [" + "b," * 200_000 + "]",
        "README.md: a[199998]: more than 200000 values",
    ),
    "directives": (
        "%TAG !e! tag:e\n--- a",
        "README.md: has a YAML directive",
    ),
    "two documents": (
        "a: b\n...\n--- c",
        "README.md: front matter is two documents",
    ),
    "list": ("- a", "README.md: front matter is no mapping"),
    "text": ("a", "README.md: front matter is no mapping"),
    "not YAML": (
        "license: mit\ntags: [a",
        "README.md: is not YAML, line 4",
    ),
    "tab": ("a:\n\t- b", "README.md: is not YAML, line 3"),
    "control character": ("a: \x01", "README.md: is not YAML"),
    "not UTF-8": (b"a: \xff", "README.md: front matter is not UTF-8"),
    "too long": ("a" * 2**20, "README.md: front matter is longer than 1048576 bytes"),
    "license is a mapping": ("license: {a: b}", "README.md: license: expected a text"),
    "tag is a list": ("tags: [a, [b]]", "README.md: tags[1]: expected a text"),
    "too many tags": (
        "tags: [" + "a," * 1025 + "]",
        "README.md: tags: more than 1024 entries",
    ),
    "long tag": (
        f"tags: [{'a' * 1025}]",
        "README.md: tags[0]: longer than 1024 characters",
    ),
    "escape sequence": (
        'license: "\\e[2J"',
        "README.md: license: has a control character",
    ),
    "name is a list": (
        "model-index: [{name: [a]}]",
        "README.md: model-index[0].name: expected a text",
    ),
}


@pytest.mark.parametrize(("front", "message"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_cards_are_refused(front: str | bytes, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        card(front)
    assert str(caught.value) == message


@given(st.text(max_size=200))
def test_any_text_raises_only_invalid_input(front: str) -> None:
    with contextlib.suppress(InvalidInput):
        card(front.encode("utf-8", "replace"))


@given(st.text("ab:-?![]{}&*<>|%#'\"\\ \n\t,~", max_size=60))
def test_any_yaml_raises_only_invalid_input(front: str) -> None:
    with contextlib.suppress(InvalidInput):
        card(front)


@given(st.binary(max_size=100))
def test_any_bytes_raise_only_invalid_input(raw: bytes) -> None:
    for data in (raw, b"---\n" + raw + b"\n---"):
        with contextlib.suppress(InvalidInput):
            parse_card(Window.of(data))


WORDS = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Z"]), min_size=1, max_size=20
)


@given(st.lists(WORDS, max_size=5, unique=True), WORDS)
def test_what_yaml_writes_reads_the_same(tags: list[str], name: str) -> None:
    front = yaml.safe_dump({"tags": tags, "model_name": name}, allow_unicode=True)
    found = card(front)
    assert (found.tags, found.name) == (tuple(tags), name)


def test_emissions_are_grams_and_nonsense_there_takes_nothing_away() -> None:
    def cost(value: str) -> EnergyUse | None:
        raw = f"---\nlicense: mit\nco2_eq_emissions: {value}\n---\n".encode()
        card = parse_card(Window.of(raw, "README.md"))
        assert card.licenses == ("mit",)
        return card.cost

    for value in ("1.5", "{emissions: 1.5}"):
        assert (found := cost(value)) is not None
        assert found.emissions == Emissions(Decimal("1.5"))
    full = cost("{emissions: 2, source: a, training_type: fine-tuning}")
    assert full is not None
    assert (full.activity, full.source) == (Activity.FINE_TUNING, "a")
    assert cost("{source: a}") is cost("about a ton") is cost("") is None
