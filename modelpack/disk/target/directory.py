"""The directory that a pull delivers to, and the rules for what stands there.

Absent or empty: it appears in one rename, complete and verified. Not empty: what
is there already stays, if it is what the model has; what differs or is missing
needs ``overwrite``, and files that are not the model's are never touched.

A folder that no rename may replace (a mount point, the folder we were started in,
one whose parent we may not write to) is filled instead, each file complete and
verified, from a private folder in it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from modelpack.disk.file import Fingerprint, LocalFile
from modelpack.disk.local import is_mount_point, local_error, require_utf8_names
from modelpack.disk.target.staging import was_filling
from modelpack.errors import InvalidInput, LocalError
from modelpack.model.files import PackedFile
from modelpack.oci.digest import Digest

PREFIX: Final = ".modelpack-pull-"
_SHOWN = 3
_OCCUPIED = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)


@dataclass(frozen=True, slots=True)
class Survey:
    """What stands in the target already, compared with the model."""

    kept: tuple[PackedFile, ...]
    differing: tuple[PackedFile, ...]
    missing: tuple[PackedFile, ...]

    @property
    def needed(self) -> tuple[PackedFile, ...]:
        return self.differing + self.missing


class Target:
    """The directory named by the user; a link to it is followed once, now."""

    def __init__(self, path: Path) -> None:
        require_utf8_names()
        self.path = path.resolve()
        if not self.path.name:
            raise InvalidInput("is not a place for a model", where=str(path))
        self.is_filled = self.path.is_dir() and (
            self._is_current
            or is_mount_point(self.path)
            or not os.access(self.path.parent, os.W_OK)
        )
        above = self.path if self.is_filled else self.path.parent
        self.staging = above / f"{PREFIX}{self.path.name}"

    @property
    def is_free(self) -> bool:
        """Whether nothing stands there but what we have collected."""
        try:
            with os.scandir(self.path) as entries:
                return all(entry.name == self.staging.name for entry in entries)
        except FileNotFoundError:
            return True
        except NotADirectoryError as error:
            raise InvalidInput(
                "is a file; a model needs a directory", where=str(self.path)
            ) from error
        except OSError as error:
            raise local_error(error, self.path) from error

    def survey(
        self, wanted: Sequence[PackedFile], digest_of: Callable[[LocalFile], Digest]
    ) -> Survey:
        """Compare what stands there with the model, byte for byte where in doubt."""
        standing = [self._standing(file) for file in wanted]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            same = list(
                pool.map(
                    lambda file, found: (
                        found is not None
                        and found.size == file.size
                        and digest_of(found) == file.digest
                    ),
                    wanted,
                    standing,
                )
            )
        seen = list(zip(wanted, standing, same, strict=True))
        return Survey(
            kept=tuple(file for file, _, equal in seen if equal),
            differing=tuple(file for file, found, equal in seen if found and not equal),
            missing=tuple(file for file, found, _ in seen if not found),
        )

    def _standing(self, file: PackedFile) -> LocalFile | None:
        """Return the file that stands under a name of the model, if one does."""
        path = self.path
        status = None
        for part in file.path.split("/"):
            path = path / part
            try:
                status = path.lstat()
            except FileNotFoundError:
                return None
            except NotADirectoryError as error:
                raise InvalidInput(
                    "is a file; the model has a folder there", where=str(path.parent)
                ) from error
            except OSError as error:
                raise local_error(error, path) from error
            if stat.S_ISLNK(status.st_mode):
                raise InvalidInput(
                    "is a link where the model has a file or folder of its own",
                    where=str(path),
                    hint="remove the link, or pull to another directory",
                )
        if status is None or not stat.S_ISREG(status.st_mode):
            raise InvalidInput(
                "is not a file; the model has one there", where=str(path)
            )
        return LocalFile(
            path=file.path,
            source=path,
            fingerprint=Fingerprint.of(status),
            executable=file.executable,
        )

    def refuse_changes(self, survey: Survey) -> None:
        """Raise unless all that the model has stands there unchanged.

        What is missing only because an earlier pull was interrupted may be added.
        """
        names = [f"{f.path} differs" for f in survey.differing]
        if not (self.is_filled and was_filling(self.staging)):
            names += [f"{f.path} is missing" for f in survey.missing]
        if not names:
            return
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        raise InvalidInput(
            f"is not empty, and {', '.join(names[:_SHOWN])}{more}",
            where=str(self.path),
            hint="--overwrite replaces the model's files and leaves all others",
        )

    def receive_whole(self, tree: Path) -> None:
        """Take delivery of a staged tree: the target was free."""
        try:
            if self.is_filled:
                self._fill_from(tree)
            else:
                tree.rename(self.path)
        except OSError as error:
            if error.errno in _OCCUPIED:
                raise InvalidInput(
                    "was filled by somebody else during the pull",
                    where=str(self.path),
                    hint="move that away; the next run has all bytes already",
                ) from error
            raise local_error(error, self.path) from error

    def _fill_from(self, tree: Path) -> None:
        if not self.is_free:
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY))
        for child in sorted(tree.iterdir()):
            child.rename(self.path / child.name)

    @property
    def _is_current(self) -> bool:
        try:
            return self.path.samefile(".")
        except FileNotFoundError:
            return False

    def receive_files(self, tree: Path, names: Iterable[str]) -> None:
        """Take delivery of a staged tree file by file: the target was surveyed."""
        try:
            for name in names:
                self._receive_one(tree / name, self.path / name)
        except OSError as error:
            raise local_error(error, error.filename2 or self.path) from error

    def _receive_one(self, staged: Path, place: Path) -> None:
        # survey() has seen that no part of this path is a link.
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_symlink() or place.is_dir():
            raise LocalError("was replaced during the pull", where=str(place))
        staged.replace(place)
