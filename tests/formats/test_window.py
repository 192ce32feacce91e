from __future__ import annotations

import pytest

from modelpack.errors import InvalidInput
from modelpack.formats.window import Window


@pytest.mark.parametrize(
    ("offset", "count"), [(0, 5), (4, 1), (5, 0), (-1, 2), (1, -1), (2**64, 0)]
)
def test_nothing_is_read_outside(offset: int, count: int) -> None:
    with pytest.raises(InvalidInput, match=r"^a\.bin: wants bytes"):
        Window.of(b"1234", "a.bin").read(offset, count)


def test_short_reads_are_refused() -> None:
    window = Window("a.bin", 10, lambda _offset, count: bytes(count - 1))
    with pytest.raises(InvalidInput, match=r"^a\.bin: only 3 of 4 bytes at 2$"):
        window.read(2, 4)


def test_all_of_it_can_be_read() -> None:
    assert Window.of(b"1234").read(0, 4) == b"1234"
    assert Window.of(b"1234").read(4, 0) == b""
