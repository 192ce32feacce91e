"""Places in a document are found by their description."""

import pytest

from modelpack.documents.profiles.facts import FACTS
from modelpack.documents.profiles.lists import PROFILES
from modelpack.documents.profiles.paths import find

DOCUMENT = {
    "name": "top",
    "list": [
        {"type": "a", "name": "one"},
        {"type": "b", "name": ""},
        {"type": "ab", "name": "three", "of": "id:2"},
    ],
    "only": {"type": "a", "name": "single"},
}


@pytest.mark.parametrize(
    ("path", "found"),
    {
        "name": [("$.name", "top")],
        "list[*].name": [("$.list[0].name", "one"), ("$.list[2].name", "three")],
        "list[type=a].name": [("$.list[0].name", "one")],
        "list[type^=a].name": [("$.list[0].name", "one"), ("$.list[2].name", "three")],
        "list[type=a][name=one].type": [("$.list[0].type", "a")],
        "only[*].name": [("$.only.name", "single")],
        "only[type=a].name": [("$.only.name", "single")],
        "only[type=b].name": [],
        "list[type=ab].of->.name": [("$.list[2].of->.name", "second")],
        "list[type=a].of->.name": [],
        "nothing[*].at.all": [],
        "name.deeper": [],
    }.items(),
)
def test_find(path: str, found: list[tuple[str, str]]) -> None:
    graph = {"id:2": {"name": "second"}}
    assert [(f.path, f.value) for f in find(DOCUMENT, path, graph)] == found


def test_every_path_of_every_fact_can_be_followed() -> None:
    for fact in FACTS.values():
        for path in (*fact.cyclonedx, *fact.spdx):
            assert not list(find({}, path))


def test_every_element_of_every_profile_asks_for_a_fact() -> None:
    for elements in PROFILES.values():
        assert {each.fact for each in elements} <= FACTS.keys()
        assert len({each.id for each in elements}) == len(elements)
    assert len(PROFILES.keys()) == 5
