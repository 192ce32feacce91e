"""A command alone is the same command as among the others."""

import pytest
import typer

from modelpack.cli.app import app_of


def commands(*arguments: str) -> dict[str, object]:
    """Return what each command takes, with those that the arguments bring."""
    found = typer.main.get_command(app_of(arguments))
    assert isinstance(found, typer.core.TyperGroup)
    return {name: _taken(command) for name, command in found.commands.items()}


def _taken(command: object) -> object:
    assert isinstance(command, typer.core.TyperCommand | typer.core.TyperGroup)
    own = [
        (each.name, each.opts, each.nargs, each.required, each.type.name)
        for each in command.params
    ]
    if isinstance(command, typer.core.TyperGroup):
        return own, {name: _taken(each) for name, each in command.commands.items()}
    return own, command.help


WHOLE = commands()


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_its_name_brings_it_and_no_other(name: str) -> None:
    assert commands(name, "--any", "flag") == {name: WHOLE[name]}


@pytest.mark.parametrize("arguments", [[], ["--help"], ["verfy"], ["-h", "verify"]])
def test_else_all_are_there(arguments: list[str]) -> None:
    assert commands(*arguments) == WHOLE
    assert len(WHOLE) > 20
