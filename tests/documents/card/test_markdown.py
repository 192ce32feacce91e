"""A card keeps what people wrote, adds what the files say, names what is missing."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from modelpack.documents.card.markdown import markdown_card
from modelpack.documents.card.material import Signed
from modelpack.documents.card.predicate import card_predicate
from modelpack.errors import InvalidInput
from tests.documents.card.making import material
from tests.documents.test_cyclonedx import CONFIG, FILES, WEIGHTS

RESULTS = json.dumps(
    {
        "results": {"arc": {"acc,none": 0.5, "acc_stderr,none": 0.01, "alias": "arc"}},
        "configs": {"arc": {"dataset_path": "allenai/ai2_arc"}},
        "lm_eval_version": "0.4.9",
    }
).encode()
ADAPTER = json.dumps({"peft_type": "LORA", "base_model_name_or_path": "org/base"})
BARE = {"config.json": CONFIG, "model.safetensors": WEIGHTS}


def card(files: dict[str, bytes], **changes: object) -> str:
    return markdown_card(material(files, **changes)).decode()


def front(text: str) -> dict[str, Any]:
    """Read the front matter as the hub's library does."""
    return dict(yaml.safe_load(text.split("---\n")[1]))


def without_ours(text: str) -> str:
    """Take away the marked parts, by hand."""
    kept, ours = [], False
    for line in text.splitlines(keepends=True):
        ours = ours or "modelpack: begin" in line
        if not ours:
            kept.append(line)
        ours = ours and "modelpack: end" not in line
    return "".join(kept)


def test_what_people_wrote_stays_to_the_byte() -> None:
    readme = FILES["README.md"].decode()
    text = card(FILES | {"results.json": RESULTS})
    assert without_ours(text) == f"{readme}\n"
    assert text.startswith(readme.partition("---\n# A")[0])


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=200).filter(
        lambda text: "\r" not in text and not text.lstrip().startswith("---")
    )
)
def test_whatever_people_wrote_stays(text: str) -> None:
    made = markdown_card(material(BARE | {"README.md": text.encode()}))
    assert text.encode() in made


def test_the_same_again_is_the_same_and_what_was_added_is_renewed() -> None:
    files = FILES | {"results.json": RESULTS}
    first = markdown_card(material(files))
    assert markdown_card(material(files)) == first
    again = markdown_card(material(files | {"README.md": first}))
    # The card is a file of the model itself: its own row differs, nothing else.
    rows = [line for line in first.splitlines() if b"`README.md`" not in line]
    renewed = [line for line in again.splitlines() if b"`README.md`" not in line]
    assert [line for line in renewed if b"### Files" not in line] == [
        line for line in rows if b"### Files" not in line
    ]
    assert again.count(b"modelpack: begin") == 2


def test_front_matter_gets_what_it_does_not_have() -> None:
    readme = b"---\nlicense: mit\n---\n# A\n"
    files = BARE | {
        "README.md": readme,
        "adapter_config.json": ADAPTER.encode(),
        "results.json": RESULTS,
    }
    fields = front(card(files))
    assert fields["license"] == "mit"
    assert fields["base_model"] == ["org/base"]
    assert fields["base_model_relation"] == "adapter"
    (model,) = fields["model-index"]
    (result,) = model["results"]
    assert result["dataset"] == {"type": "allenai/ai2_arc", "name": "allenai/ai2_arc"}
    assert result["metrics"] == [{"type": "acc", "value": 0.5, "name": "acc"}]


def test_a_model_without_a_readme_gets_front_matter_of_its_own() -> None:
    text = card(BARE | {"adapter_config.json": ADAPTER.encode()})
    assert front(text) == {"base_model": ["org/base"], "base_model_relation": "adapter"}
    text = card({"model.safetensors": WEIGHTS})
    assert text.startswith("\n<!-- modelpack: begin")


def test_a_model_index_of_people_is_left_alone() -> None:
    readme = (
        b"---\nmodel-index:\n- name: mine\n  results:\n  - task: {type: qa}\n"
        b"    dataset: {type: s, name: S}\n    metrics:\n    - {type: f1, value: 0.7}\n"
        b"---\n"
    )
    files = BARE | {"README.md": readme, "results.json": RESULTS}
    text = card(files)
    assert text.count("model-index") == 1
    found = card_predicate(material(files))["evaluations"]
    assert found == [
        {
            "task": "arc",
            "dataset": "allenai/ai2_arc",
            "metric": "acc",
            "value": 0.5,
            "lower": pytest.approx(0.4804),
            "upper": pytest.approx(0.5196),
            "source": "lm-evaluation-harness 0.4.9: results.json",
        },
        {
            "task": "qa",
            "dataset": "S",
            "metric": "f1",
            "value": 0.7,
            "source": "README.md",
        },
    ]


@pytest.mark.parametrize(
    "name",
    ["a: b", "no", "1e5", "x\u2028y", 'quo"te', "# c", "\U0001f600", "- a", "\x85"],
)
def test_yaml_says_what_was_meant(name: str) -> None:
    config = json.dumps({"peft_type": "LORA", "base_model_name_or_path": "org/base"})
    made = material(BARE | {"adapter_config.json": config.encode()})
    claims = made.model.facts.claims
    object.__setattr__(claims, "library", name)
    assert front(markdown_card(made).decode())["library_name"] == name


def test_small_and_large_numbers_stay_numbers() -> None:
    for value in (1e-05, 12345678.5, 0.1, 3.0):
        raw = json.dumps({"_evaluate_version": "0.4", "accuracy": value}).encode()
        fields = front(card(BARE | {"results.json": raw}))
        (metric,) = fields["model-index"][0]["results"][0]["metrics"]
        assert metric["value"] == value


@pytest.mark.parametrize(
    "readme",
    [
        "---\n: [\n---\n",
        "---\na: 1\na: 2\n---\n",
        "---\n- a\n---\n",
        "text\n<!-- modelpack: begin\n",
        "<!-- modelpack: end -->\n<!-- modelpack: begin\n",
        "a <!-- modelpack: begin\n<!-- modelpack: end -->\n",
        "---\n# modelpack: end\n# modelpack: begin\n---\n",
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(readme: str) -> None:
    with pytest.raises(InvalidInput, match=r"README\.md"):
        markdown_card(material(BARE, readme=readme.encode()))


def test_other_bytes_than_utf8_are_refused() -> None:
    with pytest.raises(InvalidInput, match="not UTF-8"):
        markdown_card(material(BARE, readme=b"\xff"))


def test_names_cannot_leave_their_place() -> None:
    hostile = "`x` | <script>alert(1)</script> [a](javascript:b) ``` \u202e"
    made = material(FILES, signed=(Signed(kind=hostile, signer=hostile),))
    (line,) = [
        line for line in markdown_card(made).decode().splitlines() if "script" in line
    ]
    # In a longer fence of backticks than any inside, each bar escaped: plain text.
    assert line.count("````") == 4
    assert line.replace("\\|", "").count("|") == 4
    assert "\u202e" not in line


def test_what_is_missing_is_named() -> None:
    found = card_predicate(material(BARE))
    assert found["sections"] == []
    assert found["missing"] == [
        "license",
        "datasets",
        "description",
        "intended-use",
        "out-of-scope-use",
        "limitations",
        "training-data",
        "training",
        "evaluation",
        "environmental-impact",
        "citation",
        "contact",
    ]
    text = card(BARE)
    assert "### Not said anywhere" in text
    assert "- what it is meant for" in text


def test_the_template_of_the_hub_says_nothing_until_it_is_filled() -> None:
    template = """# Model Card for {{ x }}
## Uses
<!-- Address questions around how the model is intended to be used. -->
### Direct Use
[More Information Needed]
## Bias, Risks, and Limitations
It repeats what it has read, and it was trained on English news only.
## Training Details
### Training Data
- **Developed by:** [More Information Needed]
## Citation
```
# Contact
@misc{x, title={A card with some text in it}}
```
"""
    files = BARE | {"README.md": template.encode()}
    assert card_predicate(material(files))["sections"] == ["limitations", "citation"]


def test_a_declaration_says_it_too() -> None:
    declared = b"""modelpack: 1
description: A classifier of sentences.
licenses: [MIT]
uses:
  intended: [Sorting letters]
limitations: [English only]
"""
    files = BARE | {"modelpack.yaml": declared}
    found = card_predicate(material(files))
    assert found["sections"] == ["description", "intended-use", "limitations"]
    assert "license" not in list(found["missing"])  # type: ignore[call-overload]
    assert front(card(files))["license"] == "mit"


DECLARED = b"""modelpack: 1
risks: [{name: "*It* <b>errs</b>", mitigation: A person checks}]
evaluations: [{metric: f1, value: "0.9", dataset: d, task: t}]
energy:
- {activity: fine-tuning, energy: 1.5 kWh, emissions: 0.4 kgCO2eq, region: FRA}
"""


def test_the_hub_gets_grams() -> None:
    fields = front(card(BARE | {"modelpack.yaml": DECLARED}))
    assert fields["co2_eq_emissions"] == {
        "emissions": 400.0,
        "training_type": "fine-tuning",
        "geographical_location": "FRA",
    }


def test_what_is_declared_is_told_and_is_no_markup() -> None:
    text = card(BARE | {"modelpack.yaml": DECLARED})
    assert r"- Risks: \*It\* &lt;b\>errs&lt;/b\>\: A person checks" in text
    assert "### Energy: fine tuning" in text
    assert "| Energy | `1.5 kWh` |" in text
    assert "| Said by | `declared:modelpack.yaml` |" in text
    made = card_predicate(material(BARE | {"modelpack.yaml": DECLARED}))
    assert {"limitations", "environmental-impact"} <= set(made["sections"])  # type: ignore[call-overload]
