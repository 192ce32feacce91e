"""Every parser takes its seeds, and survives what hypothesis makes of them."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS, read

SEEDS: Final = {name: target.seeds() for name, target in TARGETS.items()}
# A part that is cut out, a part that is put in, and where.
EDITS: Final = st.lists(
    st.tuples(st.integers(0, 1 << 16), st.integers(0, 8), st.binary(max_size=8)),
    max_size=6,
)


def edited(raw: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    for at, cut, more in edits:
        place = at % (len(raw) + 1)
        raw = raw[:place] + more + raw[place + cut :]
    return raw


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_read(name: str) -> None:
    assert SEEDS[name]
    for seed in SEEDS[name]:
        read(TARGETS[name], seed)


@pytest.mark.parametrize("name", TARGETS)
def test_the_first_seed_is_sound_so_that_fuzzing_gets_deep(name: str) -> None:
    TARGETS[name].read(SEEDS[name][0])


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_what_is_made_of_seeds_is_read_or_refused(
    name: str, data: st.DataObject
) -> None:
    seed = data.draw(st.sampled_from(SEEDS[name]))
    read(TARGETS[name], edited(seed, data.draw(EDITS)))


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=20, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(name: str, raw: bytes) -> None:
    read(TARGETS[name], raw)
