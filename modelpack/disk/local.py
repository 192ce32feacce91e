"""Speak to the file system: no link followed, and the path in every error."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from modelpack.errors import InvalidInput, LocalError

OPEN_OWN: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
"""How a file of ours is opened: made where it is not there, never through a link."""

_MOUNTS: Final = Path("/proc/self/mountinfo")


def require_utf8_names() -> None:
    """Raise where Python takes file names for something else than UTF-8.

    Then the same files would get other names in an artifact, and another digest.
    """
    encoding = sys.getfilesystemencoding()
    if encoding != "utf-8":
        raise LocalError(
            f"file names are taken for {encoding} here; in a model they are UTF-8",
            hint="run Python with -X utf8, or in a locale with UTF-8",
        )


def is_mount_point(path: Path) -> bool:
    """Whether something is mounted there, also a folder of the same file system."""
    if path.is_mount():
        return True
    try:
        lines = _MOUNTS.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return False  # then there are no bind mounts, or nobody may know of them
    # proc_pid_mountinfo(5): the fifth field, with \040 and the like for spaces.
    return str(path) in (_unescaped(line.split(" ")[4]) for line in lines)


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), text)


def local_error(error: OSError, path: Path | str) -> LocalError:
    """Say what this machine could not do, where, and what would help."""
    hint = {
        errno.ENOSPC: "free some space; the next run goes on from here",
        errno.EDQUOT: "free some space; the next run goes on from here",
        errno.EACCES: "choose a place that you may write to",
        errno.EROFS: "choose a place that you may write to",
        # A bind mount looks like any folder before something is renamed into it.
        errno.EXDEV: "a mount is in the way: pull into a folder below it",
        errno.EBUSY: "a mount is in the way: pull into a folder below it",
    }.get(error.errno or 0, "")
    return LocalError(error.strerror or str(error), where=str(path), hint=hint)


@contextlib.contextmanager
def local(where: Path | str) -> Iterator[None]:
    """Translate an ``OSError`` of the block into ``LocalError`` at ``where``."""
    try:
        yield
    except OSError as error:
        raise LocalError(error.strerror or str(error), where=str(where)) from error


@contextlib.contextmanager
def opened(descriptor: int) -> Iterator[int]:
    """Close ``descriptor`` after the block."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_folder(root: Path, *parts: str) -> int:
    """Open a folder beneath ``root``; nothing beneath it may be a link."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in parts:
        with opened(folder):
            folder = os.open(
                part,
                os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC,
                dir_fd=folder,
            )
    return folder


def open_regular(root: Path, *parts: str, flags: int = os.O_RDONLY) -> int | None:
    """Open a regular file beneath ``root`` without following a link; else None.

    What stands there but is no regular file is refused: a link could name any
    file of the reader's, and a pipe would never end.
    """
    where = root.joinpath(*parts)
    try:
        with opened(open_folder(root, *parts[:-1])) as folder:
            found = os.open(
                parts[-1],
                flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC,
                dir_fd=folder,
            )
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO):
            raise InvalidInput(
                "a link or special file, where a regular file belongs",
                where=str(where),
            ) from error
        raise LocalError(error.strerror or str(error), where=str(where)) from error
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise InvalidInput("not a regular file", where=str(where))
    return found


def write_all(descriptor: int, view: memoryview, offset: int) -> None:
    """Write all of ``view`` at ``offset``."""
    done = 0
    while done < len(view):
        done += os.pwrite(descriptor, view[done:], offset + done)
