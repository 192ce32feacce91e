"""What a directory gives to an artifact, on real file systems."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from modelpack.disk.source.tree import list_model
from modelpack.errors import InvalidInput


def write(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def paths(root: Path, *, include: tuple[str, ...] = (), exclude: str = "") -> list[str]:
    excluded = (exclude,) if exclude else ()
    return [file.path for file in list_model(root, include=include, exclude=excluded)]


def test_files_are_sorted_by_path_whatever_their_depth(tmp_path: Path) -> None:
    for name in ("b", "a/z", "a.b", "a/b/c", "Z"):
        write(tmp_path / name)
    assert paths(tmp_path) == ["Z", "a.b", "a/b/c", "a/z", "b"]


def test_a_file_knows_its_size_and_whether_its_owner_may_execute(
    tmp_path: Path,
) -> None:
    write(tmp_path / "run.sh", b"#!").chmod(0o700)
    write(tmp_path / "weights", b"12345").chmod(0o611)
    script, weights = list_model(tmp_path)
    assert (script.executable, script.size) == (True, 2)
    assert (weights.executable, weights.size) == (False, 5)


def test_zero_bytes_are_a_file(tmp_path: Path) -> None:
    write(tmp_path / "__init__.py", b"")
    assert list_model(tmp_path)[0].size == 0


def test_one_file_is_a_model(tmp_path: Path) -> None:
    assert paths(write(tmp_path / "m.gguf")) == ["m.gguf"]


def test_one_file_keeps_the_name_of_the_link_it_was_given_by(tmp_path: Path) -> None:
    write(tmp_path / "blobs" / "0123")
    (tmp_path / "m.gguf").symlink_to("blobs/0123")
    (file,) = list_model(tmp_path / "m.gguf")
    assert file.path == "m.gguf"
    assert file.source == tmp_path.resolve() / "blobs" / "0123"


def test_what_is_never_part_of_a_model_is_left_out(tmp_path: Path) -> None:
    for name in (
        ".git/config",
        "sub/.git",
        ".DS_Store",
        "sub/__pycache__/x.pyc",
        ".modelpack-pull-0f1e/blob",
        ".cache/huggingface/download/x.metadata",
        ".modelpackignore",
        ".cache/other",
        ".gitattributes",
    ):
        write(tmp_path / name, b"")
    assert paths(tmp_path) == [".cache/other", ".gitattributes"]


def test_the_ignore_file_follows_gitignore(tmp_path: Path) -> None:
    for name in ("a.tmp", "keep.tmp", "logs/x", "sub/logs/y", "top", "sub/top", "w"):
        write(tmp_path / name)
    write(
        tmp_path / ".modelpackignore",
        b"\xef\xbb\xbf# comment\r\n*.tmp\r\n!keep.tmp\r\nlogs/\r\n/top\r\n",
    )
    assert paths(tmp_path) == ["keep.tmp", "sub/top", "w"]


def test_a_file_under_an_ignored_directory_stays_ignored(tmp_path: Path) -> None:
    # gitignore(5): "It is not possible to re-include a file if a parent
    # directory of that file is excluded."
    write(tmp_path / "logs" / "keep")
    write(tmp_path / "w")
    write(tmp_path / ".modelpackignore", b"logs/\n!logs/keep\n")
    assert paths(tmp_path) == ["w"]


def test_include_narrows_and_exclude_wins(tmp_path: Path) -> None:
    for name in ("a.safetensors", "x/b.safetensors", "x/b.bin", "config.json"):
        write(tmp_path / name)
    wanted = ("*.safetensors", "/config.json")
    assert paths(tmp_path, include=wanted, exclude="x/") == [
        "a.safetensors",
        "config.json",
    ]
    assert paths(tmp_path, include=("x/",)) == ["x/b.bin", "x/b.safetensors"]


@pytest.mark.parametrize("content", [b"!\n", b"\xff\xfe\n", b"a\n" * (1 << 20)])
def test_an_ignore_file_that_cannot_be_read_is_refused(
    tmp_path: Path, content: bytes
) -> None:
    write(tmp_path / "w")
    write(tmp_path / ".modelpackignore", content)
    with pytest.raises(InvalidInput, match="modelpackignore"):
        list_model(tmp_path)


def test_an_ignore_file_that_is_a_link_or_a_fifo_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "w")
    ignore = tmp_path / ".modelpackignore"
    ignore.symlink_to("/etc/passwd")
    with pytest.raises(InvalidInput, match="symlink"):
        list_model(tmp_path)
    ignore.unlink()
    os.mkfifo(ignore)
    with pytest.raises(InvalidInput, match="not a regular file"):
        list_model(tmp_path)


@pytest.mark.parametrize(
    "argument", ["include", "exclude"], ids=["--include", "--exclude"]
)
def test_a_pattern_that_is_none_is_refused(tmp_path: Path, argument: str) -> None:
    write(tmp_path / "w")
    with pytest.raises(InvalidInput, match=f"--{argument}: not a pattern"):
        list_model(tmp_path, **{argument: ["!"]})


def test_nothing_to_pack_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="holds no file"):
        list_model(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="holds no file"):
        list_model(tmp_path)
    file = write(tmp_path / "w")
    for root in (tmp_path, file):
        with pytest.raises(InvalidInput, match="holds no file"):
            list_model(root, exclude=["w"])


def test_a_place_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"nowhere.*No such file"):
        list_model(tmp_path / "nowhere")


def test_a_link_inside_the_directory_is_followed(tmp_path: Path) -> None:
    target = write(tmp_path / "real" / "w", b"12")
    (tmp_path / "alias").symlink_to("real/w")
    (tmp_path / "absolute").symlink_to(target)
    files = {file.path: file for file in list_model(tmp_path)}
    assert sorted(files) == ["absolute", "alias", "real/w"]
    assert {file.source for file in files.values()} == {target.resolve()}


def test_the_directory_itself_may_be_a_link(tmp_path: Path) -> None:
    write(tmp_path / "real" / "w")
    (tmp_path / "alias").symlink_to("real")
    assert paths(tmp_path / "alias") == ["w"]


def outward_file(root: Path) -> None:
    write(root.parent / "secret")
    (root / "bad").symlink_to("../secret")


def outward_directory(root: Path) -> None:
    write(root.parent / "other" / "secret")
    (root / "bad").symlink_to("../other")


def outward_twin(root: Path) -> None:
    """Make a neighbour whose name begins with the root's."""
    write(root.parent / (root.name + "-2") / "secret")
    (root / "bad").symlink_to(f"../{root.name}-2/secret")


def outward_chain(root: Path) -> None:
    write(root.parent / "other" / "secret")
    (root / "hop").symlink_to("bad")
    (root / "bad").symlink_to("../other/secret")


def dangling(root: Path) -> None:
    (root / "bad").symlink_to("nothing")


def loop(root: Path) -> None:
    (root / "bad").symlink_to("bad")


def parent_again(root: Path) -> None:
    (root / "bad").symlink_to(".")


def directory_twice(root: Path) -> None:
    write(root / "aaa" / "x")
    (root / "bad").symlink_to("aaa")


def into_git(root: Path) -> None:
    write(root / ".git" / "config")
    (root / "bad").symlink_to(".git/config")


def fifo(root: Path) -> None:
    os.mkfifo(root / "bad")


def unix_socket(root: Path) -> None:
    here = Path.cwd()
    os.chdir(root)  # a socket's path may have 108 bytes only
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("bad")
    finally:
        os.chdir(here)


def device(root: Path) -> None:
    try:
        os.mknod(root / "bad", 0o20600, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root makes device files")


def link_to_device(root: Path) -> None:
    (root / "bad").symlink_to("/dev/zero")


def not_utf8(root: Path) -> None:
    write(Path(os.fsdecode(os.fsencode(root) + b"/bad\xff")))


def newline(root: Path) -> None:
    write(root / "bad\nname")


def backslash(root: Path) -> None:
    write(root / "bad\\name")


def windows_device(root: Path) -> None:
    write(root / "bad" / "con.txt")


def other_case(root: Path) -> None:
    write(root / "bad")
    write(root / "BAD")


def other_composition(root: Path) -> None:
    write(root / "bad-mod\u00e8le")
    write(root / "bad-mode\u0300le")


HOSTILE = (
    outward_file,
    outward_directory,
    outward_twin,
    outward_chain,
    dangling,
    loop,
    parent_again,
    directory_twice,
    into_git,
    fifo,
    unix_socket,
    device,
    link_to_device,
    not_utf8,
    newline,
    backslash,
    windows_device,
    other_case,
    other_composition,
)


@pytest.mark.parametrize("spoil", HOSTILE, ids=lambda spoil: spoil.__name__)
def test_what_cannot_be_packed_is_refused_by_name_unless_excluded(
    tmp_path: Path, spoil: object
) -> None:
    root = tmp_path / "model"
    write(root / "weights")
    assert callable(spoil)
    spoil(root)
    with pytest.raises(InvalidInput) as caught:
        list_model(root)
    assert "bad" in caught.value.where.lower() or "hop" in caught.value.where
    assert str(caught.value).isprintable()
    patterns = ["bad*", "BAD*", "hop"]
    kept = [file.path for file in list_model(root, exclude=patterns)]
    assert "weights" in kept
    assert not any("bad" in path.lower() for path in kept)


def snapshot(tmp_path: Path, name: str = "models--org--m") -> Path:
    """Make a Hugging Face cache of one model; return its one snapshot."""
    cache = tmp_path / name
    write(cache / "blobs" / "abc", b"weights")
    revision = cache / "snapshots" / "0f1e"
    (revision / "onnx").mkdir(parents=True)
    (revision / "model.safetensors").symlink_to("../../blobs/abc")
    (revision / "onnx" / "model.onnx").symlink_to("../../../blobs/abc")
    return revision


def test_a_snapshot_of_a_hugging_face_cache_is_followed_into_its_blobs(
    tmp_path: Path,
) -> None:
    revision = snapshot(tmp_path)
    files = list_model(revision)
    assert [file.path for file in files] == ["model.safetensors", "onnx/model.onnx"]
    blob = tmp_path.resolve() / "models--org--m" / "blobs" / "abc"
    assert {file.source for file in files} == {blob}
    assert paths(revision / "onnx") == ["model.onnx"]


def test_a_snapshot_may_not_lead_anywhere_else(tmp_path: Path) -> None:
    revision = snapshot(tmp_path)
    other = snapshot(tmp_path, "models--org--other")
    for target in (
        other.parents[1] / "blobs" / "abc",
        write(tmp_path / "models--org--m" / "refs" / "main"),
        write(tmp_path / "models--org--m" / "blobs" / "deep" / "x"),
        tmp_path / "models--org--m" / "blobs",
    ):
        (revision / "bad").symlink_to(target)
        with pytest.raises(InvalidInput, match="leads out"):
            list_model(revision)
        (revision / "bad").unlink()


def test_links_into_some_folder_named_blobs_are_not_a_cache(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="leads out"):
        list_model(snapshot(tmp_path, "my-models"))


def test_a_whole_cache_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        list_model(snapshot(tmp_path).parents[1])
    assert "snapshots/REVISION" in caught.value.hint


def test_include_does_not_trip_over_what_it_leaves_out(tmp_path: Path) -> None:
    write(tmp_path / "w.gguf")
    fifo(tmp_path)
    (tmp_path / "gone").symlink_to("nothing")
    assert paths(tmp_path, include=("*.gguf",)) == ["w.gguf"]


def test_too_many_files_are_refused_while_they_are_counted(tmp_path: Path) -> None:
    for number in range(10_001):
        (tmp_path / str(number)).touch()
    with pytest.raises(InvalidInput, match="more than 10000 files"):
        list_model(tmp_path)
