"""The hub's own library reads our cards, and finds in them what we put there."""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from modelpack.documents.card.markdown import markdown_card
from tests.documents.card.making import material
from tests.documents.card.test_markdown import ADAPTER, BARE, RESULTS
from tests.documents.test_cyclonedx import FILES
from tests.interop.peers import program

pytestmark = pytest.mark.interop

_READ: Final = """
import json, sys
from huggingface_hub import ModelCard
card = ModelCard(sys.stdin.read())
data = card.data.to_dict()
results = [
    [r.task_type, r.dataset_name, r.metric_type, r.metric_value]
    for r in card.data.eval_results or []
]
print(json.dumps({"data": data, "text": card.text, "results": results}))
"""


def read(card: bytes) -> dict[str, Any]:
    python = Path(program("huggingface_hub")).parent / "environment" / "bin" / "python"
    done = subprocess.run(
        [python, "-c", _READ], input=card, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return dict(json.loads(done.stdout))


def test_it_reads_what_people_wrote_and_what_we_added() -> None:
    files = FILES | {"results.json": RESULTS}
    found = read(markdown_card(material(files)))
    assert found["data"]["license"] == "apache-2.0"
    assert found["data"]["base_model"] == "org/base"
    assert found["results"] == [["arc", "allenai/ai2_arc", "acc", 0.5]]
    assert "# A model" in found["text"]
    assert "## Read from the files" in found["text"]


def test_it_reads_a_card_that_is_all_ours() -> None:
    found = read(
        markdown_card(material(BARE | {"adapter_config.json": ADAPTER.encode()}))
    )
    assert found["data"]["base_model"] == ["org/base"]
    assert found["data"]["base_model_relation"] == "adapter"


def test_strange_names_arrive_as_they_are() -> None:
    name = 'a: "b" # c \U0001f600 \u2028 é'
    made = material(BARE)
    object.__setattr__(made.model.facts.claims, "library", name)
    assert read(markdown_card(made))["data"]["library_name"] == name
