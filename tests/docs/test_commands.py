"""Every command that the documentation shows is run, and prints what it says."""

import re
import signal
import subprocess
from pathlib import Path

import pytest
import typer

from modelpack.cli.app import app_of
from tests.docs.conftest import Room
from tests.docs.pages import ROOT, Step, pages, steps

_SERVE = "modelpack registry serve"
# Its suite is another project's, built with Go; the page says when it was run.
_BY_HAND = {"embedded-registry.md"}
_RUN = [page for page in pages() if page.name not in _BY_HAND]


@pytest.mark.parametrize("page", _RUN, ids=lambda page: page.name)
def test_every_command_of_a_page_does_what_it_says(page: Path, room: Room) -> None:
    status = 0
    for step in steps(page):
        if step.command.startswith("make "):
            _check_target(step.command)
        elif step.command.startswith(_SERVE):
            _check_serve(step, room)
        elif step.command == "echo $?":
            assert step.expected == (str(status),)
        else:
            done = room.run(step.command)
            status = done.returncode
            printed = room.there(done.stdout)
            assert step.matches(printed), _differs(step, printed)
            assert (status != 0) == step.fails, f"$ {step.command}: exit {status}"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_every_flag_that_a_page_names_exists(page: Path) -> None:
    fence = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
    text = fence.sub("", page.read_text("utf-8"))
    spans = re.findall(r"`((?:modelpack )?[^`\n]*)`", text)
    for span in spans:
        if not span.startswith(("modelpack ", "--")):
            continue
        command = span.removeprefix("modelpack ").split()[0]
        allowed = _flags().get(command) or set().union(*_flags().values())
        for flag in re.findall(r"(?<!\S)--[a-z][a-z-]*", span):
            assert flag in allowed, f"{page.name}: `{span}`"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    text = page.read_text("utf-8")
    links = re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r'src="([^"]+)"', text)
    for link in links:
        if "://" not in link:
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_a_command_that_prints_something_else_is_noticed() -> None:
    step = Step("modelpack ls x/y", ("first", "…", "sha256:12…"))
    assert step.matches("first\nsha256:1234\n")
    assert step.matches("first\na\nb\nsha256:1234\n")
    assert not step.matches("first\nsha256:99\n")
    assert not step.matches("sha256:1234\n")


def test_files_may_be_done_in_any_order() -> None:
    step = Step("modelpack push a b", ("pushed  1 B  a", "pushed  2 B  b", "ref"))
    assert step.matches("pushed  2 B  b\npushed  1 B  a\nref\n")
    assert not step.matches("pushed  2 B  b\nref\npushed  1 B  a\n")


def _check_target(command: str) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    target = command.split()[1]
    assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE)


def _check_serve(step: Step, room: Room) -> None:
    """Start the documented server on another port; hear its address; end it."""
    command = re.sub(r" --port \d+", "", step.command) + " --port 0"
    process = subprocess.Popen(
        command.split(),
        cwd=room.folder,
        env=room.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    printed = process.stdout.readline() + process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode in (0, 130)
    printed = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:5000", printed)
    assert step.matches(room.there(printed)), _differs(step, printed)


def _differs(step: Step, printed: str) -> str:
    expected = "".join(f"{line}\n" for line in step.expected)
    return f"$ {step.command}\n--- printed\n{printed}--- documented\n{expected}"


def _flags() -> dict[str, set[str]]:
    group = typer.main.get_command(app_of([]))
    commands = dict(getattr(group, "commands", {}))
    deeper = [
        getattr(commands[name], "commands", {})
        for name in ("registry", "key", "admission", "policy", "sbom")
    ]
    found: dict[str, set[str]] = {}
    # `key inspect` and `inspect` share a name here, and so their flags.
    for name, command in (
        pair for level in (commands, *deeper) for pair in level.items()
    ):
        for option in command.params:
            found.setdefault(name, set()).update(option.opts, option.secondary_opts)
    return found | {"modelpack": {"--version", "--help", "--install-completion"}}
