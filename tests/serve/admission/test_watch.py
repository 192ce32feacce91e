"""A watcher outlives whatever is wrong with what it watches, and with who is told."""

import threading
from pathlib import Path

from modelpack.serve.admission.watch import Watched, Watcher, contents


def test_any_error_of_a_load_is_a_fault_and_what_was_loaded_stays(
    tmp_path: Path,
) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("one")

    def load() -> None:
        if file.read_text() == "two":
            raise RecursionError("too deep")

    watched = Watched("policies", [file], load, contents([file]))
    assert watched.look() is None
    file.write_text("two")
    assert watched.look() is False
    assert watched.fault == "policies: too deep"
    file.write_text("three")
    assert watched.look() is True
    assert watched.fault == ""


def test_who_cannot_be_told_does_not_end_the_watch(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("one")
    heard = [threading.Event(), threading.Event()]
    loaded: list[str] = []

    def told(_: Watched, __: bool) -> None:  # noqa: FBT001 - a fact
        heard[len(loaded) - 1].set()
        raise BrokenPipeError("standard error is closed")

    watched = Watched(
        "policies", [file], lambda: loaded.append(file.read_text()), contents([file])
    )
    new = tmp_path / "new"
    with Watcher([watched], 0.01, told):
        for text, each in zip(("two", "three"), heard, strict=True):
            new.write_text(text)
            new.rename(file)
            assert each.wait(30)
    assert loaded == ["two", "three"]
