from __future__ import annotations

import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.oci.digest import Digest
from tests.oci.strategies import digests

_HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@given(digests)
def test_a_digest_is_parsed_as_it_is_written(digest: Digest) -> None:
    assert Digest.parse(str(digest)) == digest


@given(st.text())
def test_any_text_is_a_digest_or_invalid_input(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        assert str(Digest.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(_HEX, id="no algorithm"),
        pytest.param("sha256:", id="no hash"),
        pytest.param(f"sha256:{_HEX[:-1]}", id="too short"),
        pytest.param(f"sha256:{_HEX}0", id="too long"),
        pytest.param(f"sha256:{_HEX.upper()}", id="upper case"),
        pytest.param(f"sha512:{_HEX}", id="length of another algorithm"),
        pytest.param(f"md5:{_HEX[:32]}", id="broken algorithm"),
        pytest.param(f"sha384:{_HEX}", id="unknown algorithm"),
        pytest.param(f"sha256:{_HEX}\n", id="line break at the end"),
        pytest.param(f" sha256:{_HEX}", id="space before"),
        pytest.param("sha256:../../../../etc/passwd", id="path"),
        pytest.param("sha256:" + "\N{ARABIC-INDIC DIGIT ONE}" * 64, id="other digits"),
    ],
)
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="not a digest"):
        Digest.parse(text)


def test_a_long_text_is_not_repeated_whole() -> None:
    with pytest.raises(InvalidInput) as caught:
        Digest.parse("x" * 100_000)
    assert len(str(caught.value)) < 300


@given(st.binary())
def test_of_and_made_agree(content: bytes) -> None:
    hasher = hashlib.sha256(content)
    assert Digest.of(content) == Digest.made(hasher)
    again = Digest.of(content).hasher()
    again.update(content)
    assert again.hexdigest() == Digest.of(content).hex
