"""References of images by go-containerregistry's rules, which Kyverno goes by.

Unlike references of ours they may leave out the registry, which is then Docker Hub's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, Self

from modelpack.errors import InvalidInput
from modelpack.oci.digest import Digest

__all__ = ["ImageReference", "registry_of"]

_LONGEST: Final = 1024  # a host, 255 + 128 + 71 and more fit
_DEFAULT: Final = "index.docker.io"
_HOST: Final = re.compile(
    r"(?:\[[0-9a-fA-F:.]{2,45}\]|[a-zA-Z0-9](?:[a-zA-Z0-9.-]{0,252}[a-zA-Z0-9])?)"
    r"(?::[0-9]{1,5})?",
    re.ASCII,
)
# pkg/name: `repositoryChars`, `tagChars`, and their lengths.
_REPOSITORY: Final = re.compile(r"[abcdefghijklmnopqrstuvwxyz0123456789_\-./]{2,255}")
_TAG: Final = re.compile(r"[0-9a-zA-Z_\-.]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReference:
    """Where an image is. With both a tag and a digest, the tag counts for nothing."""

    text: str
    registry: str
    repository: str
    tag: str
    digest: Digest | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse as ``name.ParseReference`` does with weak validation."""
        if not 0 < len(text) <= _LONGEST:
            raise InvalidInput(f"a reference has 1 to {_LONGEST} characters")
        base, at, said = text.partition("@")
        digest = _digest(said, text) if at else None
        if digest is not None:
            base = _without_tag(base)
            tag = ""
        else:
            base, tag = _split_tag(base)
        registry, repository = _split_host(base)
        if not _REPOSITORY.fullmatch(repository):
            raise InvalidInput(f"{text[:300]!r}: {repository[:160]!r} names no image")
        if registry == _DEFAULT and "/" not in repository:
            repository = f"library/{repository}"
        if tag and not _TAG.fullmatch(tag):
            raise InvalidInput(f"{text[:300]!r}: {tag[:160]!r} is no tag")
        if digest is None and not tag:
            tag = "latest"
        return cls(
            text=text, registry=registry, repository=repository, tag=tag, digest=digest
        )

    @property
    def identifier(self) -> str:
        """The digest, or else the tag."""
        return str(self.digest) if self.digest else self.tag

    def at(self, digest: Digest) -> Self:
        """Return the same image, pinned."""
        return replace(self, text=f"{self.name}@{digest}", tag="", digest=digest)

    @property
    def name(self) -> str:
        """Registry and repository."""
        return f"{self.registry}/{self.repository}"


def _digest(said: str, text: str) -> Digest:
    try:
        digest = Digest.parse(said)
    except InvalidInput as error:
        raise InvalidInput(f"{text[:300]!r}: {error.message}") from error
    if digest.algorithm != "sha256":
        raise InvalidInput(f"{text[:300]!r}: only digests of SHA-256 are supported")
    return digest


def _split_tag(base: str) -> tuple[str, str]:
    name, colon, tag = base.rpartition(":")
    # What follows the last colon is a port where there is a slash in it.
    if not colon or "/" in tag:
        return base, ""
    if not tag:
        raise InvalidInput(f"{base[:300]!r}: no tag behind the colon")
    return name, tag


def _without_tag(base: str) -> str:
    name, tag = _split_tag(base)
    return name if tag and _TAG.fullmatch(tag) else base


def _split_host(base: str) -> tuple[str, str]:
    first, slash, rest = base.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        if not _HOST.fullmatch(first):
            raise InvalidInput(f"{first[:160]!r} is no registry's host")
        host, repository = first, rest
    else:
        host, repository = _DEFAULT, base
    return registry_of(host), repository


def registry_of(host: str) -> str:
    """Return the registry that a host stands for: Docker Hub has two names."""
    return _DEFAULT if host == "docker.io" else host
