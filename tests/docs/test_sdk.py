"""The sessions of docs/sdk.md are run as they stand."""

import doctest

import pytest

from tests.docs.conftest import Room
from tests.docs.pages import ROOT, blocks

_PAGE = ROOT / "docs" / "sdk.md"


def test_the_sessions_print_what_they_show(
    room: Room, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(room.folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(room.folder / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(room.folder / "state"))
    session = room.here("\n".join(blocks(_PAGE, "pycon")))
    parsed = doctest.DocTestParser().get_doctest(session, {}, _PAGE.name, None, 0)
    assert parsed.examples
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    failed = runner.run(parsed).failed
    assert not failed, capsys.readouterr().out
