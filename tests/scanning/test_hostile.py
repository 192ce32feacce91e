"""No hostile file passes, whatever is allowed; none crashes the scan."""

import tracemalloc
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.formats.window import Window
from modelpack.scanning.file import judge
from modelpack.scanning.rules import Allowance, Rule
from modelpack.scanning.verdict import Outcome
from tests.scanning.hostile import HOSTILE, torch_zip

EVERYTHING: Final = frozenset(Allowance)
MOST_MEMORY: Final = 200 << 20


def test_there_are_many_and_each_has_its_own_name() -> None:
    names = [name for name, _, _ in HOSTILE]
    assert len(set(names)) == len(names) >= 600


@pytest.mark.parametrize(
    ("path", "raw"), [pytest.param(p, r, id=n) for n, p, r in HOSTILE]
)
def test_a_hostile_file_does_not_pass(path: str, raw: bytes) -> None:
    verdict = judge(Window.of(raw, path), allow=EVERYTHING).verdict
    assert verdict.outcome is not Outcome.PASS
    assert verdict.findings
    assert all(finding.message.isprintable() for finding in verdict.findings)


@pytest.mark.parametrize("name", [n for n, _, raw in HOSTILE if len(raw) > 2_000_000])
def test_a_large_one_takes_no_more_than_its_share_of_memory(name: str) -> None:
    path, raw = next((p, r) for n, p, r in HOSTILE if n == name)
    tracemalloc.start()
    judge(Window.of(raw, path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MOST_MEMORY


def test_what_a_secret_is_does_not_show() -> None:
    for name, path, raw in HOSTILE:
        if not name.startswith("secret"):
            continue
        verdict = judge(Window.of(raw, path)).verdict
        rules = {finding.rule for finding in verdict.findings}
        assert rules - {Rule.CODE} == {Rule.SECRET}  # a notebook is code, too
        assert not any(f.message in raw.decode() for f in verdict.findings)


@given(st.binary(max_size=400), st.sampled_from(["a.bin", "a.json", "a.safetensors"]))
def test_any_bytes_get_a_verdict(raw: bytes, path: str) -> None:
    verdict = judge(Window.of(raw, path), allow=EVERYTHING).verdict
    assert (verdict.outcome is Outcome.PASS) == (not verdict.findings)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_of_an_archive_that_passes_breaks_it_or_nothing(
    at: int, flip: int
) -> None:
    """Times, versions and attributes may change; what a loader acts on may not."""
    raw = bytearray(torch_zip())
    at %= len(raw)
    raw[at] ^= flip
    verdict = judge(Window.of(bytes(raw), "m.pt"), allow=EVERYTHING).verdict
    pickled = raw.find(b"\x80\x02ccollections")
    if verdict.outcome is Outcome.PASS:
        assert pickled == torch_zip().find(b"\x80\x02ccollections")
