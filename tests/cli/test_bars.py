"""Progress in a terminal, as it is drawn."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelpack.cli.bars import Shape
from tests.cli.terminal import Shown, Terminal
from tests.faults.faults import Says
from tests.faults.proxy import Rule
from tests.faults.scene import MIB, Scene, scene_in

FILES = {"weights/model-00001-of-00002-with-a-long-name.bin": 8 * MIB, "b.bin": MIB}
LONG = next(iter(FILES))
_COLOUR = re.compile(r"\x1b\[[0-9;]+m")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with scene_in(tmp_path, FILES) as made:
        yield made


def push(scene: Scene, *, columns: int = 100, **environment: str) -> Shown:
    terminal = Terminal(scene.folder, columns=columns)
    shown = terminal.run("push", scene.model, scene.reference, **environment)
    assert shown.code == 0, shown.raw
    return shown


def done(shown: Shown) -> set[tuple[str, ...]]:
    """Return the words of each line that is left on the screen."""
    return {tuple(line.split()) for line in shown.screen.text.splitlines()}


def test_bars_come_and_go_and_a_line_for_each_file_stays(scene: Scene) -> None:
    shown = push(scene)
    assert done(shown) == {
        ("pushed", "8.0", "MiB", LONG),
        ("pushed", "1.0", "MiB", "b.bin"),
    }
    assert shown.screen.cursor_shown
    assert "total" in shown.raw
    assert "of 9.0 MiB" in shown.raw
    assert "━" in shown.raw
    assert shown.out.startswith(f"{scene.proxy.address}/team/model@sha256:")
    assert shown.out.count("\n") == 1


def test_a_pull_has_them_too(scene: Scene) -> None:
    scene.publish()
    terminal = Terminal(scene.folder)
    shown = terminal.run("pull", scene.reference, "-o", scene.target)
    assert shown.code == 0, shown.raw
    assert ("pulled", "8.0", "MiB", LONG) in done(shown)
    assert "of 9.0 MiB" in shown.raw


@pytest.mark.parametrize("columns", [200, 100, 80, 60, 40, 24])
def test_no_bar_is_broken_into_two_lines(scene: Scene, columns: int) -> None:
    shown = push(scene, columns=columns)
    # The lines that stay may be longer than a small terminal, and only they.
    longest = [f"pushed     8.0 MiB  {LONG}", "pushed     1.0 MiB  b.bin"]
    assert shown.screen.wrapped == sum((len(line) - 1) // columns for line in longest)
    assert "total" in shown.raw


def test_a_shape_fits_into_any_terminal() -> None:
    for columns in range(10, 240):
        shape = Shape.of(columns)
        numbers = 43 if shape.all_numbers else 14
        needed = shape.name + (shape.bar + 1 if shape.bar else 0) + numbers
        assert needed <= max(columns, numbers)
        assert shape.all_numbers == (columns >= 66)


def test_no_color_is_kept_to(scene: Scene) -> None:
    assert not _COLOUR.search(push(scene, NO_COLOR="1").raw)
    assert _COLOUR.search(push(scene).raw)


def test_a_dumb_terminal_gets_plain_lines(scene: Scene) -> None:
    shown = push(scene, TERM="dumb")
    assert "\x1b" not in shown.raw
    assert ("pushed", "8.0", "MiB", LONG) in done(shown)


def test_quiet_is_quiet_in_a_terminal_too(scene: Scene) -> None:
    shown = Terminal(scene.folder).run("push", "-q", scene.model, scene.reference)
    assert (shown.code, shown.raw) == (0, "")


def test_what_is_skipped_is_told(scene: Scene) -> None:
    push(scene)
    shown = push(scene)
    assert ("exists", "8.0", "MiB", LONG) in done(shown)
    assert "total, 9.0 MiB skipped" in shown.raw


def test_what_is_resumed_is_told(scene: Scene) -> None:
    scene.rule(Rule(fault=Says(403), method="PATCH", nth=4, times=None))
    terminal = Terminal(scene.folder)
    chunks = ("--chunk-size", "1MiB", "--jobs", "1")
    broken = terminal.run("push", scene.model, scene.reference, *chunks)
    assert broken.code == 6
    assert broken.screen.cursor_shown
    assert "error:" in broken.screen.text
    scene.rule()
    shown = terminal.run("push", scene.model, scene.reference, *chunks)
    assert shown.code == 0, shown.raw
    assert re.search(r"total, \d\.\d MiB resumed", shown.raw)
    assert re.search(r"pushed +8\.0 MiB .*\(\d\.\d MiB resumed\)", shown.screen.text)


def test_a_registry_cannot_steer_the_terminal(scene: Scene) -> None:
    told = b'{"errors":[{"code":"X","message":"\\u001b]0;owned\\u0007\\u001b[2J"}]}'
    scene.rule(Rule(fault=Says(503, body=told), method="PATCH"))
    shown = push(scene)
    assert "waiting, to try again" in shown.screen.text
    assert r"\x1b]0;owned\x07\x1b[2J" in shown.screen.text
