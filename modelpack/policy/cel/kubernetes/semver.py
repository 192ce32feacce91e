"""Semantic versions (semver.org 2.0.0, as blang/semver reads them)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering
from typing import Final, Self

from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.functions import Function, function, member
from modelpack.policy.cel.types import BOOL, INT, STRING, opaque
from modelpack.policy.cel.values import Opaque

__all__ = ["FUNCTIONS"]

SEMVER: Final = opaque("kubernetes.Semver")

_NUMBER: Final = r"(0|[1-9][0-9]{0,18})"
_IDENTIFIER: Final = r"[0-9A-Za-z-]+"
_VERSION: Final = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}"
    rf"(?:-({_IDENTIFIER}(?:\.{_IDENTIFIER})*))?(?:\+{_IDENTIFIER}(?:\.{_IDENTIFIER})*)?",
    re.ASCII,
)
_INT_MAX: Final = (1 << 63) - 1
_PARTS: Final = 3


@total_ordering
@dataclass(frozen=True, slots=True)
class _PreRelease:
    """One identifier: numbers come before words (semver.org, 11.4.3)."""

    text: str

    @property
    def _key(self) -> tuple[bool, int, str]:
        if self.text.isdecimal():
            return (False, int(self.text), "")
        return (True, 0, self.text)

    def __lt__(self, other: Self) -> bool:
        return self._key < other._key


@total_ordering
@dataclass(frozen=True, slots=True)
class _Version:
    """A version without its build metadata, which counts for nothing."""

    release: tuple[int, ...]
    pre_release: tuple[_PreRelease, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        found = _VERSION.fullmatch(text)
        if found is None:
            raise CelError(f"{text[:100]!r} is no semantic version")
        release = tuple(int(number) for number in found.groups()[:_PARTS])
        names = found[4].split(".") if found[4] else []
        numeric = [name for name in names if name.isdecimal()]
        if any(len(name) > 1 and name[0] == "0" for name in numeric):
            raise CelError(f"{text[:100]!r}: a number begins with zero")
        if max(release) > _INT_MAX or any(int(n) > 2 * _INT_MAX + 1 for n in numeric):
            raise CelError(f"{text[:100]!r}: a number is too large")
        return cls(release, tuple(map(_PreRelease, names)))

    def __str__(self) -> str:
        release = ".".join(map(str, self.release))
        pre_release = ".".join(one.text for one in self.pre_release)
        return f"{release}-{pre_release}" if pre_release else release

    def __lt__(self, other: Self) -> bool:
        if self.release != other.release:
            return self.release < other.release
        if not self.pre_release or not other.pre_release:
            return bool(self.pre_release)
        return self.pre_release < other.pre_release


def _normalized(text: str) -> str:
    """Return `v1.02` as `1.2.0` (apiserver, `normalizeAndParse`)."""
    parts = [_stripped(part) for part in text.removeprefix("v").split(".", _PARTS - 1)]
    if len(parts) < _PARTS and set("+-") & set(parts[-1]):
        raise CelError("short version cannot contain PreRelease/Build meta data")
    return ".".join(parts + ["0"] * (_PARTS - len(parts)))


def _stripped(part: str) -> str:
    if len(part) < 2:  # noqa: PLR2004 - one digit has no zeros before it
        return part
    part = part.lstrip("0")
    return part if part[:1] in set("0123456789") - {""} else f"0{part}"


def _parse(text: str, normalize: bool = False) -> _Version:  # noqa: FBT001, FBT002
    return _Version.parse(_normalized(text) if normalize else text)


def _semver(text: str, normalize: bool = False) -> Opaque:  # noqa: FBT001, FBT002
    return Opaque(SEMVER.name, str(_parse(text, normalize)))


def _is_semver(text: str, normalize: bool = False) -> bool:  # noqa: FBT001, FBT002
    try:
        _parse(text, normalize)
    except CelError:
        return False
    return True


def _compare(left: Opaque, right: Opaque) -> int:
    a, b = _Version.parse(left.text), _Version.parse(right.text)
    return (a > b) - (a < b)


def _part(version: Opaque, index: int) -> int:
    return _Version.parse(version.text).release[index]


FUNCTIONS: Final[tuple[Function, ...]] = (
    function("semver", (STRING,), SEMVER, _semver),
    function("semver", (STRING, BOOL), SEMVER, _semver),
    function("isSemver", (STRING,), BOOL, _is_semver),
    function("isSemver", (STRING, BOOL), BOOL, _is_semver),
    member("isGreaterThan", (SEMVER, SEMVER), BOOL, lambda a, b: _compare(a, b) > 0),
    member("isLessThan", (SEMVER, SEMVER), BOOL, lambda a, b: _compare(a, b) < 0),
    member("compareTo", (SEMVER, SEMVER), INT, _compare),
    member("major", (SEMVER,), INT, lambda version: _part(version, 0)),
    member("minor", (SEMVER,), INT, lambda version: _part(version, 1)),
    member("patch", (SEMVER,), INT, lambda version: _part(version, 2)),
)
