"""Reading a file that others may write to."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from modelpack.disk.file import BLOCK, FileContent, LocalFile
from modelpack.disk.source.tree import list_model
from modelpack.errors import InvalidInput


def listed(path: Path, content: bytes) -> LocalFile:
    path.write_bytes(content)
    (file,) = list_model(path)
    return file


def test_blocks_give_exactly_the_bytes_asked_for(tmp_path: Path) -> None:
    content = random.Random(3).randbytes(2 * BLOCK + 17)  # noqa: S311 - any bytes do
    with FileContent(listed(tmp_path / "w", content)) as opened:
        for start, end in (
            (0, len(content)),
            (5, BLOCK),
            (BLOCK - 1, BLOCK + 1),
            (2 * BLOCK, len(content)),
            (7, 7),
        ):
            blocks = [bytes(block) for block in opened.blocks(start, end)]
            assert b"".join(blocks) == content[start:end]
            assert all(len(block) == BLOCK for block in blocks[:-1])
        opened.check_unchanged()


def test_an_empty_file_has_no_blocks(tmp_path: Path) -> None:
    with FileContent(listed(tmp_path / "w", b"")) as opened:
        assert list(opened.blocks(0, 0)) == []
        assert opened.window().read(0, 0) == b""


def test_two_readers_do_not_share_a_buffer(tmp_path: Path) -> None:
    with FileContent(listed(tmp_path / "w", b"ab")) as opened:
        first = next(opened.blocks(0, 1))
        second = next(opened.blocks(1, 2))
        assert (bytes(first), bytes(second)) == (b"a", b"b")


def test_a_window_reads_and_names_the_file(tmp_path: Path) -> None:
    with FileContent(listed(tmp_path / "w.bin", b"0123456789")) as opened:
        window = opened.window()
        assert (window.name, window.size, window.read(3, 4)) == ("w.bin", 10, b"3456")
        with pytest.raises(InvalidInput, match=r"w\.bin"):
            window.read(8, 3)


def rewritten(path: Path) -> None:
    path.write_bytes(b"other, longer than before")


def rewritten_in_place(path: Path) -> None:
    before = path.stat()
    path.write_bytes(b"9876543210")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"0123456789")
    other.rename(path)


def removed(path: Path) -> None:
    path.unlink()


def made_a_link(path: Path) -> None:
    path.rename(path.with_name("moved"))
    path.symlink_to("moved")


def made_a_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


CHANGES = (rewritten, rewritten_in_place, replaced, removed, made_a_link, made_a_fifo)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_before_the_file_is_opened_is_noticed(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    file = listed(tmp_path / "w", b"0123456789")
    change(tmp_path / "w")
    with pytest.raises(InvalidInput, match="'w': changed while it was read"):
        FileContent(file).__enter__()


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_while_the_file_is_open_is_noticed(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    with FileContent(listed(tmp_path / "w", b"0123456789")) as opened:
        opened.check_unchanged()
        change(tmp_path / "w")
        with pytest.raises(InvalidInput, match="changed while it was read"):
            opened.check_unchanged()


def test_a_file_cut_short_gives_an_error_and_no_signal(tmp_path: Path) -> None:
    with FileContent(listed(tmp_path / "w", bytes(2 * BLOCK))) as opened:
        blocks = opened.blocks(0, 2 * BLOCK)
        next(blocks)
        os.truncate(tmp_path / "w", BLOCK + 1)
        with pytest.raises(InvalidInput, match="changed while it was read"):
            next(blocks)
        with pytest.raises(InvalidInput, match="changed while it was read"):
            opened.window().read(2 * BLOCK - 1, 1)
