"""Programs run within bounds, and nothing of them is left."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from modelpack.errors import LocalError
from modelpack.programs.process import Bounds, Finished, find, run

ENVIRONMENT: Mapping[str, str] = {"PATH": os.defpath, "HOME": "/nowhere"}


def python(folder: Path, script: str, bounds: Bounds | None = None) -> Finished:
    return run(
        [sys.executable, "-I", "-c", script],
        folder=folder,
        environment={**ENVIRONMENT, "HF_TOKEN": "a secret", "LD_PRELOAD": "evil.so"},
        more={"ASKED": "1"},
        bounds=bounds or Bounds(),
    )


def test_it_gives_code_and_both_streams(tmp_path: Path) -> None:
    script = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    done = python(tmp_path, script)
    assert (done.code, done.output, done.errors) == (3, b"out\n", b"err\n")
    assert done.told() == "err"


def test_no_secret_of_the_surroundings_is_passed_on(tmp_path: Path) -> None:
    done = python(tmp_path, "import os; print(sorted(os.environ))")
    names = set(done.output.decode().replace("'", "").strip("[]\n").split(", "))
    given = {"ASKED", "HOME", "LANG", "PATH", "TMPDIR"}
    assert given <= names <= given | {"LC_CTYPE", "__CF_USER_TEXT_ENCODING"}


def test_it_has_nothing_to_read(tmp_path: Path) -> None:
    assert python(tmp_path, "import sys; print(sys.stdin.read())").output == b"\n"


def test_no_shell_reads_the_words(tmp_path: Path) -> None:
    word = "$(touch made); `touch made` && touch made"
    done = run(
        [sys.executable, "-c", "import sys; print(sys.argv[1])", word],
        folder=tmp_path,
        environment=ENVIRONMENT,
    )
    assert done.output.decode() == f"{word}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_too_much_output_ends_it(tmp_path: Path, stream: str) -> None:
    script = f"import sys\nwhile True: sys.{stream}.write('x' * 65536)"
    with pytest.raises(LocalError, match="wrote over 1000000 bytes"):
        python(tmp_path, script, Bounds(output=1_000_000))


@pytest.mark.parametrize(
    "script",
    [
        "import time\nwhile True: time.sleep(60)",
        "import os, time\nos.close(1); os.close(2)\nwhile True: time.sleep(60)",
        "import signal as s, time\ns.signal(s.SIGTERM, s.SIG_IGN)\ntime.sleep(60)",
    ],
)
def test_one_that_does_not_end_is_ended(tmp_path: Path, script: str) -> None:
    with pytest.raises(LocalError, match=r"did not end within 0\.5 s"):
        python(tmp_path, script, Bounds(seconds=0.5))


def test_what_it_has_started_ends_with_it(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'"
        "], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "print(child.pid)"
    )
    child = int(python(tmp_path, script).output)
    end = time.monotonic() + 10
    while _lives(child):
        assert time.monotonic() < end


def test_one_that_cannot_be_run_says_so(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("no program")
    with pytest.raises(LocalError, match="cannot be run"):
        run([tmp_path / "plain"], folder=tmp_path, environment=ENVIRONMENT)
    with pytest.raises(LocalError, match="no such program") as caught:
        find("no-such-scanner", ENVIRONMENT, hint="get it")
    assert caught.value.hint == "get it"


def test_whoever_stops_us_stops_it(tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    def check() -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        run(
            [sys.executable, "-c", "import time; time.sleep(60)"],
            folder=tmp_path,
            environment=ENVIRONMENT,
            check=check,
        )


def _lives(pid: int) -> bool:
    """Whether it runs; a zombie that nobody has asked for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2]
    except FileNotFoundError:
        return False
    return state.split()[0] != "Z"
