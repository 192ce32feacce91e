"""Compare a directory with what it should hold: every file, and nothing else.

No ignore rule is read here: it could be part of what somebody has slipped in.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from modelpack.disk.file import Fingerprint, LocalFile, hash_file
from modelpack.errors import InvalidInput, LocalError, VerificationError
from modelpack.model.paths import parse_path, shown
from modelpack.oci.digest import Digest


def require_same(
    root: Path,
    wanted: Mapping[str, Digest],
    check: Callable[[], None],
    *,
    ignored: Collection[str] = (),
) -> None:
    """Raise ``VerificationError`` naming the first file that differs.

    ``ignored`` are paths, relative to ``root``, that are not looked at, nor what
    is below them. A link is refused: what it leads to is not part of the tree.
    """
    if not root.is_dir():
        raise InvalidInput("is not a directory", where=str(root))
    found = {file.path: file for file in _below(root, frozenset(ignored))}
    for path in sorted(wanted.keys() | found.keys()):
        where = shown(str(root / path))
        if path not in found:
            raise VerificationError("is missing", where=where)
        if path not in wanted:
            raise VerificationError("is not part of what was signed", where=where)
        if hash_file(found[path], check) != wanted[path]:
            raise VerificationError("is not what was signed", where=where)


def _below(root: Path, ignored: frozenset[str]) -> Iterator[LocalFile]:
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        try:
            entries = list(os.scandir(root / prefix))
        except OSError as error:
            raise LocalError(
                error.strerror or str(error), where=shown(str(root / prefix))
            ) from error
        for entry in entries:
            relative = prefix + entry.name
            if relative in ignored:
                continue
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                waiting.append(f"{relative}/")
            else:
                yield _file(root, relative, status)


def _file(root: Path, relative: str, status: os.stat_result) -> LocalFile:
    if not stat.S_ISREG(status.st_mode):
        raise VerificationError(
            "is neither a file nor a directory", where=shown(str(root / relative))
        )
    try:
        path = parse_path(relative, shown(relative))
    except InvalidInput as error:  # then it is in no model
        raise VerificationError(
            f"is not part of what was signed: {error.message[:160]}",
            where=shown(str(root / relative)),
        ) from error
    return LocalFile(
        path=path,
        source=root / relative,
        fingerprint=Fingerprint.of(status),
        executable=False,
    )
