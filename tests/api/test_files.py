"""Small files that a caller names."""

from pathlib import Path

import pytest

from modelpack.api.files import content_of
from modelpack.errors import InvalidInput, LocalError


def test_a_file_or_a_variable_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"\xff")
    assert content_of(tmp_path / "file") == b"\xff"
    monkeypatch.setenv("KEY_OF_A_TEST", "text")
    assert content_of("env://KEY_OF_A_TEST") == b"text"
    with pytest.raises(InvalidInput, match="is not set"):
        content_of("env://NO_KEY_OF_A_TEST")


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no such file"):
        content_of(tmp_path / "absent")
    with pytest.raises(LocalError):
        content_of(tmp_path)
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(InvalidInput, match="too large"):
        content_of(large)
