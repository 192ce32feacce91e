"""A virtual environment on this disk: which distributions lie in it."""

from __future__ import annotations

import configparser
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Final

from modelpack.errors import InvalidInput, LocalError
from modelpack.formats.environment.packages import Environment, Package, package

__all__ = ["read_environment"]

_MARK: Final = "pyvenv.cfg"


def read_environment(folder: Path) -> Environment:
    """List a virtual environment by its packages' metadata; nothing in it is run."""
    try:
        text = (folder / _MARK).read_text("utf-8")
    except FileNotFoundError as error:
        raise InvalidInput(
            f"is no virtual environment: it has no {_MARK}", where=str(folder)
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise LocalError("cannot be read", where=str(folder / _MARK)) from error
    places = sorted(folder.glob("lib*/python*/site-packages"))
    found = [
        _package(each) for place in places for each in distributions(path=[str(place)])
    ]
    return Environment.of(folder.name, found, python=_python(text))


def _package(found: Distribution) -> Package:
    metadata = found.metadata
    name = metadata["Name"] or ""
    return package(
        name,
        metadata["Version"] or "",
        f"{name or 'a distribution'} in site-packages",
        # PEP 639; the older field is prose more often than not.
        license=(metadata.get_all("License-Expression") or [""])[0],
    )


def _python(text: str) -> str:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(f"[venv]\n{text}")
    except configparser.Error:
        return ""
    values = parser["venv"]
    return values.get("version", values.get("version_info", ""))
