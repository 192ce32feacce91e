"""What is said of events where nobody sits at a terminal."""

import pytest

from modelpack.cli.console import progress
from modelpack.oci.digest import Digest
from modelpack.transfer.progress import Done, Moved, Planned, Restarted, Waiting

DIGEST = Digest.of(b"")


def _done(name: str) -> Done:
    return Done(name=name, size=2048, digest=DIGEST, how="moved")


def test_a_resumed_file_takes_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(quiet=False) as notify:
        notify(Planned(verb="pull", files=2, size=4096))
        notify(Moved(name="a", count=512, resumed=True))
        notify(Moved(name="a", count=512, resumed=True))
        notify(Moved(name="a", count=1024))
        notify(_done("a"))
        notify(Moved(name="b", count=512, resumed=True))
        notify(Restarted(name="b", offset=0))
        notify(_done("b"))
    lines = capsys.readouterr().err.splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "pulled 2.0 KiB a (1.0 KiB resumed)",
        "pulled 2.0 KiB b",
    ]


def test_a_failure_is_told_again_only_after_a_success(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress(quiet=False) as notify:
        for seconds in (1.0, 2.0):
            notify(Waiting(reason="503", seconds=seconds))
        notify(_done("a"))
        notify(Waiting(reason="503", seconds=1.0))
        notify(Waiting(reason="no answer", seconds=2.0))
    waits = [line for line in capsys.readouterr().err.splitlines() if "waiting" in line]
    assert waits == [
        f"waiting, to try again: {reason}" for reason in ("503", "503", "no answer")
    ]
