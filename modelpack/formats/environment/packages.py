"""A training environment: which packages, at which versions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.names import checked_text, shown
from modelpack.oci.digest import Digest

__all__ = ["Environment", "Package", "package"]

MAX_PACKAGES: Final = 10_000
# "Names and normalization" and "Version specifiers" of packaging.python.org.
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,212}[A-Za-z0-9])?")
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]{0,127}")
_RUNS: Final = re.compile(r"[-_.]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One distribution; ``name`` is normalized, ``digests`` are of its archives."""

    name: str
    version: str
    license: str = ""
    digests: tuple[Digest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Packages sorted by name, each once. ``source`` names the file or folder."""

    source: str
    packages: tuple[Package, ...]
    python: str = ""

    @classmethod
    def of(
        cls, source: str, packages: list[Package], *, python: str = ""
    ) -> Environment:
        """Check that each name has one version."""
        found: dict[str, Package] = {}
        for item in packages:
            if found.setdefault(item.name, item).version != item.version:
                raise InvalidInput(
                    f"{item.name} has the versions {found[item.name].version} and "
                    f"{item.version}",
                    where=source,
                    hint="give the environment that was really used",
                )
        if not found:
            raise InvalidInput("names no package", where=source)
        if len(found) > MAX_PACKAGES:
            raise InvalidInput(f"more than {MAX_PACKAGES} packages", where=source)
        return cls(
            source=source,
            packages=tuple(found[name] for name in sorted(found)),
            python=python,
        )


def package(
    name: str,
    version: str,
    where: str,
    *,
    license: str = "",  # noqa: A002 - the field's own name
    digests: tuple[Digest, ...] = (),
) -> Package:
    """Return a package whose name and version are ones."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"not a package's name: {shown(name)}", where=where)
    if not _VERSION.fullmatch(version):
        raise InvalidInput(f"not a version: {shown(version)}", where=where)
    said = " ".join(license.split())
    return Package(
        name=_RUNS.sub("-", name).lower(),
        version=version,
        license=checked_text(said, where, limit=1024) if said else "",
        digests=digests,
    )
