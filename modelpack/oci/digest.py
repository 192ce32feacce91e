"""Content addresses."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Protocol, Self

from modelpack.errors import InvalidInput

_HEX_LENGTH = {"sha256": 64, "sha512": 128}
_SHAPE = re.compile(r"(sha256|sha512):([0-9a-f]+)", re.ASCII)


class Hash(Protocol):
    """What we use of a ``hashlib`` object."""

    def update(self, data: bytes | memoryview, /) -> None: ...
    def hexdigest(self) -> str: ...


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A content address, such as ``sha256:9f86d0…`` (image-spec, "Digests")."""

    algorithm: str
    hex: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse ``algorithm:hex``; the inverse of ``str``."""
        match = _SHAPE.fullmatch(text)
        if match is None or len(match[2]) != _HEX_LENGTH[match[1]]:
            raise InvalidInput(f"not a digest: {text[:160]!r}")
        return cls(match[1], match[2])

    @classmethod
    def of(cls, content: bytes) -> Self:
        """Return the canonical (sha256) digest of ``content``."""
        return cls("sha256", hashlib.sha256(content).hexdigest())

    @classmethod
    def made(cls, sha256: Hash) -> Self:
        """Return the digest of all that ``sha256`` has taken in."""
        return cls("sha256", sha256.hexdigest())

    def hasher(self) -> Hash:
        """Return a fresh hash of this digest's algorithm."""
        return hashlib.new(self.algorithm)

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"
