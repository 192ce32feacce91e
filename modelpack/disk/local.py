"""Speak to the file system: no link followed, and the path in every error."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from modelpack.errors import InvalidInput, LocalError


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
