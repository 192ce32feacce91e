"""Where the program begins, and where every error ends."""

from __future__ import annotations

import errno
import os
import sys
from typing import Final

from modelpack.cli.exit_codes import exit_code
from modelpack.errors import LocalError, ModelpackError
from modelpack.version import __version__

_READER_GONE: Final = 141  # 128 + SIGPIPE, as of other programs
_INTERRUPTED: Final = 130
# What ends a write, wherever it happens, and is no fault of ours.
_OF_THIS_MACHINE: Final = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE}
)


def main() -> None:
    """Run the command line and exit."""
    if sys.argv[1:] == ["--version"]:
        # Asked for by scripts, again and again: nothing else is loaded for it.
        print(f"modelpack {__version__}")
        return
    _speak_utf8()
    _open_streams()
    code = run()
    sys.stderr.flush()
    if code == _INTERRUPTED:
        # A thread may still sit in a system call; what is on disk can be resumed.
        os._exit(code)
    sys.exit(code)


def _speak_utf8() -> None:
    """Begin again where Python would take file names for something else than UTF-8.

    A model's names are UTF-8 in an artifact: the same files give the same digest
    whatever locale somebody works in.
    """
    if sys.getfilesystemencoding() != "utf-8":
        again = [sys.executable, "-X", "utf8", "-m", "modelpack", *sys.argv[1:]]
        os.execv(sys.executable, again)  # noqa: S606 - this very program


def _open_streams() -> None:
    """Put nothing where a stream was closed before we began: Python has none then."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = open(os.devnull, mode)  # noqa: PTH123, SIM115 - until the end
            setattr(sys, name, nowhere)


def run() -> int:
    """Run the command that the arguments name; return its exit code."""
    from modelpack.cli.app import app_of

    try:
        code: object = app_of(sys.argv[1:])(standalone_mode=False)
        if code == _INTERRUPTED:  # typer has made this of a KeyboardInterrupt
            raise KeyboardInterrupt  # noqa: TRY301
        sys.stdout.flush()
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):  # typer again
            return _report(error.__context__)
        return error.code if isinstance(error.code, int) else 1
    except BaseException as error:  # noqa: BLE001 - every error gets its code here
        return _report(error)
    return code if isinstance(code, int) else 0


def _report(error: BaseException) -> int:
    from modelpack.cli.console import fail, silence, usage_error

    if "--debug" in sys.argv and not isinstance(error, KeyboardInterrupt):
        import traceback

        traceback.print_exception(error)
    usage = usage_error(error)
    if usage is not None:
        fail(usage, hint="see modelpack --help")
        return 2
    if isinstance(error, BrokenPipeError):
        # Whoever read our output has left. Never 0: a verdict may not be out yet.
        silence(sys.stdout)
        return _READER_GONE
    if isinstance(error, KeyboardInterrupt):
        fail("interrupted", hint="run the same command again to go on")
    elif isinstance(error, ModelpackError):
        fail(str(error), hint=error.hint)
    elif isinstance(error, OSError) and error.errno in _OF_THIS_MACHINE:
        fail(f"{error.filename or 'standard output'}: {error.strerror}")
        if error.filename is None:
            silence(sys.stdout)  # else Python would try once more at its end
        return exit_code(LocalError(""))
    else:
        fail(
            f"a fault of modelpack itself: {type(error).__name__}: {error}",
            hint="run again with --debug and report what it prints",
        )
    return exit_code(error)
