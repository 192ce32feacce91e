"""Lock files: requirements.txt with pins, pylock.toml, uv.lock, poetry.lock."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.environment.packages import Environment, Package, package
from modelpack.formats.names import shown
from modelpack.formats.small_text import small_text
from modelpack.formats.window import Window
from modelpack.oci.digest import Digest

__all__ = ["parse_requirements", "parse_toml_lock"]

MAX_SIZE: Final = 16 << 20
_PIN: Final = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[A-Za-z0-9,._ -]*\])?\s*==\s*"
    r"(?P<version>[A-Za-z0-9.!+_-]+)\s*(?P<rest>.*)"
)
_HASH: Final = re.compile(r"--hash=(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})")
_COMMENT: Final = re.compile(r"(?:^|\s)#.*$", re.MULTILINE)


def parse_requirements(window: Window) -> Environment:
    """Read a requirements file in which every line pins one version.

    What does not pin is refused: it says what may have been there, not what was.
    Lines whose marker is for other machines (``; …``) are refused alike.
    """
    text = _COMMENT.sub("", small_text(window, limit=MAX_SIZE)).replace("\\\n", " ")
    found: list[Package] = []
    for line in map(str.strip, text.splitlines()):
        if not line or line.startswith(("--index-url", "--extra-index-url", "-i ")):
            continue
        pin = _PIN.fullmatch(line)
        rest = _HASH.sub("", pin["rest"]).strip() if pin else ""
        if pin is None or rest:
            raise InvalidInput(
                f"does not pin one version: {shown(line)}",
                where=window.name,
                hint="write it with: python -m pip freeze",
            )
        hashes = tuple(map(Digest.parse, _HASH.findall(line)))
        found.append(package(pin["name"], pin["version"], window.name, digests=hashes))
    return Environment.of(window.name, found)


def parse_toml_lock(window: Window) -> Environment:
    """Read `pylock.toml` (PEP 751), `uv.lock` or `poetry.lock`."""
    try:
        document = tomllib.loads(small_text(window, limit=MAX_SIZE))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidInput("is not TOML", where=window.name) from error
    listed = document.get("packages", document.get("package"))
    if not isinstance(listed, list):
        raise InvalidInput("is no lock file: it lists no packages", where=window.name)
    python = document.get("requires-python")
    return Environment.of(
        window.name,
        list(_packages(listed, window.name)),
        python=python if isinstance(python, str) else "",
    )


def _packages(listed: list[object], where: str) -> Iterator[Package]:
    for index, item in enumerate(listed):
        place = f"{where}: package[{index}]"
        if not isinstance(item, dict):
            raise InvalidInput("expected a table", where=place)
        name, version = item.get("name"), item.get("version")
        if _is_the_project(item):
            continue
        if not isinstance(name, str) or not isinstance(version, str):
            raise InvalidInput("has no name or no version", where=place)
        yield package(name, version, place, digests=tuple(_digests(item)))


def _is_the_project(item: Mapping[str, object]) -> bool:
    """Tell the folder that the lock file is of, which is no package of an index."""
    source = item.get("source")
    if (
        isinstance(source, dict)
        and {"virtual", "editable", "directory"} & source.keys()
    ):
        return True
    return "directory" in item


def _digests(item: Mapping[str, object]) -> Iterator[Digest]:
    for archive in _archives(item):
        # uv and poetry write `hash = "sha256:…"`, pylock a table `hashes`.
        named = archive.get("hash")
        if isinstance(named, str) and named.startswith("sha256:"):
            yield Digest.parse(named)
        hashes = archive.get("hashes")
        sha256 = hashes.get("sha256") if isinstance(hashes, dict) else None
        if isinstance(sha256, str):
            yield Digest.parse(f"sha256:{sha256}")


def _archives(item: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    for key in ("sdist", "archive"):
        if isinstance(one := item.get(key), dict):
            yield one
    for key in ("wheels", "files"):
        several = item.get(key)
        if isinstance(several, list):
            yield from (each for each in several if isinstance(each, dict))
