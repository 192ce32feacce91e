"""List what a directory, or one file, gives to an artifact."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from modelpack.disk.file import Fingerprint, LocalFile
from modelpack.disk.local import require_utf8_names
from modelpack.disk.source.choice import Choice, ignore_rules, never_packed
from modelpack.errors import InvalidInput, LocalError
from modelpack.model.paths import parse_path, refuse_collisions, shown
from modelpack.oci.manifest import MAX_LAYERS

_HUB_CACHE: Final = "models--"


def list_model(
    root: Path, *, include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> tuple[LocalFile, ...]:
    """Return every file to be packed, sorted by its path in the artifact.

    ``root`` itself may be a symlink. One inside may not lead out of it, except
    from a snapshot of a Hugging Face cache into the blobs of the same model.
    Anything that cannot be packed raises ``InvalidInput``, unless it is
    excluded: what is left out silently would be missed later.
    """
    require_utf8_names()
    place = _resolved(root)
    status = _status(place, str(root))
    if stat.S_ISDIR(status.st_mode):
        _refuse_whole_cache(place, root)
        choice = Choice.of(ignore_rules(place), include=include, exclude=exclude)
        files = _Walk(place, choice).files()
    else:
        choice = Choice.of((), include=include, exclude=exclude)
        taken = not choice.leaves_out(root.name) and choice.takes(root.name)
        files = [_regular(place, root.name)] if taken else []
    if not files:
        raise InvalidInput(
            "holds no file to pack",
            where=shown(str(root)),
            hint="check --include, --exclude and .modelpackignore",
        )
    refuse_collisions(file.path for file in files)
    return tuple(sorted(files, key=lambda file: file.path))


@dataclass(slots=True)
class _Walk:
    """One pass over a directory whose path has no symlink in it."""

    root: Path
    choice: Choice
    _seen: dict[tuple[int, int], str] = field(default_factory=dict)
    _waiting: list[tuple[Path, str]] = field(default_factory=list)

    def files(self) -> list[LocalFile]:
        self._enter(self.root, "")
        found: list[LocalFile] = []
        while self._waiting:
            directory, prefix = self._waiting.pop()
            found.extend(self._files_in(directory, prefix))
            if len(found) > MAX_LAYERS:
                raise InvalidInput(
                    f"more than {MAX_LAYERS} files",
                    where=shown(str(self.root)),
                    hint="leave some out with --exclude or .modelpackignore",
                )
        return found

    def _files_in(self, directory: Path, prefix: str) -> Iterator[LocalFile]:
        try:
            for entry in sorted(directory.iterdir()):
                yield from self._visit(entry, prefix + entry.name)
        except OSError as error:
            raise LocalError(
                f"cannot be listed: {error.strerror}", where=shown(str(directory))
            ) from error

    def _visit(self, entry: Path, relative: str) -> Iterator[LocalFile]:
        is_directory = entry.is_dir()
        if not self._wanted(relative, is_directory=is_directory):
            return
        source = self._followed(entry, relative)
        if is_directory:
            self._enter(source, relative + "/")
        else:
            yield _regular(source, relative)

    def _wanted(self, relative: str, *, is_directory: bool) -> bool:
        if is_directory:
            return not self.choice.leaves_out(relative + "/")
        return not self.choice.leaves_out(relative) and self.choice.takes(relative)

    def _enter(self, directory: Path, relative: str) -> None:
        status = _status(directory, relative)
        identity = (status.st_dev, status.st_ino)
        if identity in self._seen:
            raise InvalidInput(
                f"the same directory as {shown(self._seen[identity])}",
                where=shown(relative),
                hint="leave one of them out with --exclude",
            )
        self._seen[identity] = relative or "."
        self._waiting.append((directory, relative))

    def _followed(self, entry: Path, relative: str) -> Path:
        """Return where an entry really is; refuse a link that leads elsewhere."""
        if not entry.is_symlink():
            return entry
        try:
            target = Path(os.path.realpath(entry, strict=True))
        except OSError as error:
            raise InvalidInput(
                f"a symlink that leads nowhere: {error.strerror}",
                where=shown(relative),
            ) from error
        if target.is_relative_to(self.root):
            inside = target.relative_to(self.root).as_posix()
            if not never_packed(inside):
                return target
            raise InvalidInput(
                f"a symlink to {shown(inside)}, which is never packed",
                where=shown(relative),
            )
        if target.parent == _blobs_of(self.root) and not entry.is_dir():
            return target
        raise InvalidInput(
            f"a symlink that leads out of the directory, to {shown(str(target))}",
            where=shown(relative),
            hint="put a copy in its place, or leave it out with --exclude",
        )


def _blobs_of(root: Path) -> Path | None:
    """Return the blobs that belong to a snapshot of a Hugging Face cache.

    The layout is ``models--ORG--NAME/{blobs/HASH,snapshots/REVISION/PATH}``,
    where each PATH is a symlink to a HASH.
    """
    for folder in (root, *root.parents):
        model = folder.parent.parent
        if folder.parent.name == "snapshots" and model.name.startswith(_HUB_CACHE):
            return model / "blobs"
    return None


def _refuse_whole_cache(place: Path, root: Path) -> None:
    snapshots = place / "snapshots"
    if place.name.startswith(_HUB_CACHE) and snapshots.is_dir():
        raise InvalidInput(
            "a Hugging Face cache, which holds every file once for each revision",
            where=shown(str(root)),
            hint=f"name one revision: {root / 'snapshots'}/REVISION",
        )


def _regular(source: Path, relative: str) -> LocalFile:
    path = parse_path(relative, shown(relative))
    status = _status(source, relative)
    if not stat.S_ISREG(status.st_mode):
        raise InvalidInput(
            f"{_kind(status.st_mode)}, not a regular file", where=shown(relative)
        )
    return LocalFile(
        path=path,
        source=source,
        fingerprint=Fingerprint.of(status),
        executable=bool(status.st_mode & stat.S_IXUSR),
    )


def _kind(mode: int) -> str:
    kinds = (
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISBLK, "a block device"),
        (stat.S_ISCHR, "a character device"),
    )
    return next((name for is_kind, name in kinds if is_kind(mode)), "something else")


def _resolved(root: Path) -> Path:
    try:
        return Path(os.path.realpath(root, strict=True))
    except OSError as error:
        raise InvalidInput(
            f"cannot be opened: {error.strerror}", where=shown(str(root))
        ) from error


def _status(place: Path, relative: str) -> os.stat_result:
    try:
        return place.stat(follow_symlinks=False)
    except FileNotFoundError as error:
        raise InvalidInput(
            "went away while the directory was listed", where=shown(relative)
        ) from error
    except OSError as error:
        raise LocalError(
            f"cannot be read: {error.strerror}", where=shown(relative)
        ) from error
