"""References: where an artifact is, and which one is meant.

``host[:port]/repository[:tag][@digest]`` in a registry,
``oci:DIRECTORY[:TAG|@DIGEST]`` in an image layout,
``oci-archive:FILE.tar[:TAG|@DIGEST]`` in a tar of one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from modelpack.errors import InvalidInput
from modelpack.oci.digest import Digest

_HOST: Final = re.compile(
    r"(?:\[[0-9a-fA-F:]{2,45}\]|[a-zA-Z0-9](?:[a-zA-Z0-9.-]{0,252}[a-zA-Z0-9])?)"
    r"(?::[0-9]{1,5})?",
    re.ASCII,
)
# distribution-spec, "Pulling manifests": the grammar of <name> and of a tag.
_REPOSITORY: Final = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
    r"(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*",
    re.ASCII,
)
_TAG: Final = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}", re.ASCII)
_MAX_NAME: Final = 255


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository of a registry."""

    host: str
    name: str

    @property
    def is_loopback(self) -> bool:
        """Whether plain HTTP needs no flag: the bytes do not leave this machine."""
        if self.host.startswith("["):
            return self.host.partition("]")[0] == "[::1"
        name = self.host.partition(":")[0]
        return (
            name == "localhost" or re.fullmatch(r"127(\.\d{1,3}){3}", name) is not None
        )

    def __str__(self) -> str:
        return f"{self.host}/{self.name}"


@dataclass(frozen=True, slots=True)
class Layout:
    """An OCI image layout: a directory."""

    path: Path

    def __str__(self) -> str:
        return f"oci:{self.path}"


@dataclass(frozen=True, slots=True)
class Archive:
    """An OCI image layout in one tar file."""

    path: Path

    def __str__(self) -> str:
        return f"oci-archive:{self.path}"


Place = Repository | Layout | Archive


@dataclass(frozen=True, slots=True)
class Reference:
    """One artifact, or (without tag and digest) a whole place."""

    place: Place
    tag: str = ""
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse any of the three forms; the inverse of ``str``."""
        for scheme, kind in (("oci-archive:", Archive), ("oci:", Layout)):
            if text.startswith(scheme):
                path, tag, digest = _split(text.removeprefix(scheme))
                if not path or "\0" in path:
                    raise InvalidInput(f"{text!r}: no path after {scheme!r}")
                return cls(kind(Path(path)), tag, digest)
        return cls._in_registry(text)

    @classmethod
    def _in_registry(cls, text: str) -> Self:
        host, slash, rest = text.partition("/")
        name = host.partition(":")[0]
        if not slash and _HOST.fullmatch(host) and ("." in name or name == "localhost"):
            raise InvalidInput(
                f"{text[:300]!r} names a host, but no repository there",
                hint="write HOST/NAME:TAG, such as registry.example.com/team/model:1",
            )
        if not slash or not _HOST.fullmatch(host) or not _names_a_host(host):
            raise InvalidInput(
                f"{text[:300]!r} names no registry host",
                hint="write HOST/NAME:TAG, such as registry.example.com/team/model:1",
            )
        name, tag, digest = _split(rest)
        return cls(Repository(host, parse_repository(name)), tag, digest)

    @property
    def selector(self) -> str | Digest:
        """What to ask the store for: the digest where one is given."""
        return self.digest or self.tag or "latest"

    def at(self, digest: Digest) -> Self:
        """Return the same place, pinned: what a command prints at its end."""
        return replace(self, tag="", digest=digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.place}{tag}" + (f"@{self.digest}" if self.digest else "")


def parse_repository(text: str) -> str:
    """Check a repository's name by the grammar of the distribution-spec."""
    if len(text) > _MAX_NAME or not _REPOSITORY.fullmatch(text):
        raise InvalidInput(
            f"{text[:300]!r} is not a repository name",
            hint="lower-case letters, digits, and single . _ - between them",
        )
    return text


def parse_tag(text: str) -> str:
    """Check a tag by the grammar of the distribution-spec."""
    if not _TAG.fullmatch(text):
        raise InvalidInput(
            f"{text[:160]!r} is not a tag",
            hint="up to 128 letters, digits, and . _ - that do not come first",
        )
    return text


def _names_a_host(host: str) -> bool:
    # As docker does: a first part without dot or port may be a repository of a
    # default registry; ours has no default, so that is no host at all.
    return "." in host or ":" in host or host == "localhost"


def _split(text: str) -> tuple[str, str, Digest | None]:
    path, at, digest = text.partition("@")
    name, tag = path, ""
    # A colon before the last slash belongs to the path.
    if ":" in path.rpartition("/")[2]:
        name, _, tag = path.rpartition(":")
        parse_tag(tag)
    return name, tag, Digest.parse(digest) if at else None
