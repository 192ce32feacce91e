"""Which files of a directory are part of the model."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from modelpack.errors import InvalidInput, LocalError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE: Final = ".modelpackignore"
OURS: Final = ".modelpack-"
"""Begins the name of every folder in which a pull keeps what is not complete."""

_NEVER = frozenset({IGNORE_FILE, ".git", ".DS_Store", "__pycache__"})
# What `hf download --local-dir` notes for itself: names, times and locks.
_HUB_NOTES = (".cache", "huggingface")
_MAX_IGNORE_FILE = 1 << 20
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The rules of gitignore, and the patterns of ``--include`` and ``--exclude``.

    Later rules win: first the ignore file, then ``exclude``. ``include``
    narrows what is left. Paths are relative; a directory's ends in a slash.
    """

    ignored: GitIgnoreSpec | None
    included: GitIgnoreSpec | None

    @classmethod
    def of(
        cls, rules: Sequence[str], *, include: Sequence[str], exclude: Sequence[str]
    ) -> Self:
        """Compile patterns; ``rules`` are the lines of an ignore file."""
        named = [(rule, f"{IGNORE_FILE}:{i}") for i, rule in enumerate(rules, 1)]
        named += [(rule, "--exclude") for rule in exclude]
        wanted = [(rule, "--include") for rule in include]
        return cls(ignored=_compiled(named), included=_compiled(wanted))

    def leaves_out(self, path: str) -> bool:
        """Whether a file is not wanted, or a directory need not be looked into."""
        ignored = self.ignored is not None and self.ignored.match_file(path)
        return never_packed(path) or ignored

    def takes(self, path: str) -> bool:
        """Whether a file that is not left out is asked for."""
        return self.included is None or self.included.match_file(path)


def never_packed(path: str) -> bool:
    """Whether a path lies in what is no part of any model, such as ``.git``."""
    parts = path.rstrip("/").split("/")
    if any(part in _NEVER or part.startswith(OURS) for part in parts):
        return True
    return _HUB_NOTES in pairwise(parts)


def ignore_rules(directory: Path) -> Sequence[str]:
    """Return the lines of the directory's own ignore file; none if it has none."""
    try:
        descriptor = os.open(directory / IGNORE_FILE, _FLAGS)
    except FileNotFoundError:
        return ()
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise InvalidInput("a symlink", where=IGNORE_FILE) from error
        raise LocalError(
            f"cannot be read: {error.strerror}", where=IGNORE_FILE
        ) from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise InvalidInput("not a regular file", where=IGNORE_FILE)
        content = file.read(_MAX_IGNORE_FILE + 1)
    if len(content) > _MAX_IGNORE_FILE:
        raise InvalidInput(f"larger than {_MAX_IGNORE_FILE} bytes", where=IGNORE_FILE)
    try:
        return content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InvalidInput("not UTF-8", where=IGNORE_FILE) from error


def _compiled(named: Sequence[tuple[str, str]]) -> GitIgnoreSpec | None:
    """Compile patterns; None where there are none, for which nothing is loaded."""
    if not named:
        return None
    from pathspec import GitIgnoreSpec

    for rule, where in named:
        try:
            GitIgnoreSpec.from_lines([rule])
        except ValueError as error:
            raise InvalidInput(f"not a pattern: {rule!r}", where=where) from error
    return GitIgnoreSpec.from_lines([rule for rule, _ in named])
