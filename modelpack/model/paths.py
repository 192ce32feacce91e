"""Paths inside an artifact: one form, the same on every machine.

A path is relative, POSIX, and in Unicode NFC. What is refused, and why:

* absolute paths, ``..``, ``.``, empty parts, backslashes and drive letters:
  they lead out of the directory somewhere, or name one file in two ways;
* control characters, line separators and the characters that reverse the
  order of text: they lie to whoever reads a terminal;
* lone surrogates: names that were not UTF-8;
* ``con``, ``nul``, … and parts that end in a dot or a space: Windows opens a
  device, or another file;
* parts of more than 255 bytes, and paths of more than 1,024.

Other characters that Windows forbids (``: * ? " < > |``) are ordinary names
in training logs, and stay.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from modelpack.errors import InvalidInput

MAX_PART: Final = 255  # bytes; NAME_MAX on Linux, macOS and Windows
MAX_PATH: Final = 1024  # bytes; well under PATH_MAX, with room for the target

_DEVICE = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:[ .:].*)?",
    re.IGNORECASE,
)
_DRIVE = re.compile(r"[A-Za-z]:")
# Cc: control, Cs: surrogate, Zl and Zp: line and paragraph separators.
_LYING = frozenset({"Cc", "Cs", "Zl", "Zp"})
_REVERSING = frozenset(
    "\N{ARABIC LETTER MARK}\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}"
    "\N{LEFT-TO-RIGHT EMBEDDING}\N{RIGHT-TO-LEFT EMBEDDING}"
    "\N{POP DIRECTIONAL FORMATTING}"
    "\N{LEFT-TO-RIGHT OVERRIDE}\N{RIGHT-TO-LEFT OVERRIDE}"
    "\N{LEFT-TO-RIGHT ISOLATE}\N{RIGHT-TO-LEFT ISOLATE}"
    "\N{FIRST STRONG ISOLATE}\N{POP DIRECTIONAL ISOLATE}"
)


def parse_path(text: str, where: str) -> str:
    """Return the NFC form of a relative path, or raise naming the field."""
    if len(text) > 4 * MAX_PATH:  # before anything that takes time
        raise InvalidInput(f"the path is longer than {MAX_PATH} bytes", where=where)
    for character in text:
        if unicodedata.category(character) in _LYING or character in _REVERSING:
            surrogate = unicodedata.category(character) == "Cs"
            what = "a name that is not UTF-8" if surrogate else "forbidden character"
            raise InvalidInput(
                f"{what}: {character!a} in the path {shown(text)}", where=where
            )
    path = unicodedata.normalize("NFC", text)
    fault = _fault(path)
    if fault:
        raise InvalidInput(f"{fault}: {shown(path)}", where=where)
    return path


def refuse_collisions(paths: Iterable[str]) -> None:
    """Refuse two paths that some file system would hold as one.

    Compared without case and without regard to composition, as macOS and
    Windows do; and no path may be a directory of another.
    """
    owners: dict[str, str] = {}
    for path in paths:
        key = _folded(path)
        if key in owners:
            raise InvalidInput(
                f"the same name as {shown(owners[key])}, "
                "where case or composition does not count",
                where=shown(path),
            )
        owners[key] = path
    for key, path in owners.items():
        parent, slash, _ = key.rpartition("/")
        while slash:
            if parent in owners:
                raise InvalidInput(
                    f"lies inside {shown(owners[parent])}, which is a file",
                    where=shown(path),
                )
            parent, slash, _ = parent.rpartition("/")


def shown(text: str) -> str:
    """Return ``text`` fit for one line of an error: quoted, escaped, not too long."""
    cut = text if len(text) <= 200 else text[:200] + "…"  # noqa: PLR2004 - one line
    return "'" + "".join(_printable(character) for character in cut) + "'"


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


def _folded(path: str) -> str:
    # Unicode 3.13, D145: canonical caseless matching decomposes before and after.
    decomposed = unicodedata.normalize("NFD", path).casefold()
    return unicodedata.normalize("NFD", decomposed)


def _fault(path: str) -> str:
    if not path:
        return "the path is empty"
    if path.startswith("/"):
        return "the path is absolute"
    if "\\" in path:
        return "backslash in the path"
    if _DRIVE.match(path):
        return "the path begins with a drive letter"
    if len(path.encode()) > MAX_PATH:
        return f"the path is longer than {MAX_PATH} bytes"
    return next(filter(None, map(_part_fault, path.split("/"))), "")


def _part_fault(part: str) -> str:
    if part in ("", ".", ".."):
        return f"the path has a part {part!r}"
    if part[-1] in ". ":
        return "a part of the path ends in a dot or a space"
    if _DEVICE.fullmatch(part):
        return "a part of the path is the name of a device on Windows"
    if len(part.encode()) > MAX_PART:
        return f"a part of the path is longer than {MAX_PART} bytes"
    return ""
