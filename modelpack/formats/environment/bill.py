"""A CycloneDX document of an environment, such as `cyclonedx-py` writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.environment.packages import Environment, Package, package
from modelpack.formats.small_text import small_text
from modelpack.formats.window import Window
from modelpack.oci.digest import Digest
from modelpack.oci.fields import Fields

__all__ = ["parse_bill"]

MAX_SIZE: Final = 64 << 20
_HASHES: Final = {"SHA-256": "sha256", "SHA-512": "sha512"}


def parse_bill(window: Window) -> Environment:
    """Read the libraries from Python's index that a document lists."""
    text = small_text(window, limit=MAX_SIZE)
    document = Fields.of_json(text.encode(), where=window.name)
    if document.text("bomFormat", default="") != "CycloneDX":
        raise InvalidInput("is no CycloneDX document", where=window.name)
    listed = document.array("components")
    found = [
        _package(Fields(item, f"{window.name}: components[{index}]"))
        for index, item in enumerate(listed)
    ]
    return Environment.of(window.name, [item for item in found if item is not None])


def _package(component: Fields) -> Package | None:
    purl = component.text("purl", default="")
    if not purl.startswith("pkg:pypi/"):
        return None  # a file, a service: no package
    return package(
        component.text("name"),
        component.text("version"),
        component.path("purl"),
        license=" AND ".join(_licenses(component)),
        digests=tuple(_digests(component)),
    )


def _licenses(component: Fields) -> Iterator[str]:
    listed = component.array("licenses") if component.has("licenses") else ()
    for index, item in enumerate(listed):
        choice = Fields(item, component.path(f"licenses[{index}]"))
        if choice.has("expression"):
            yield choice.text("expression")
        elif choice.has("license"):
            one = Fields(choice.get("license"), choice.path("license"))
            # A name may be the whole text of a licence, and is none of SPDX's.
            if one.has("id"):
                yield one.text("id")


def _digests(component: Fields) -> Iterator[Digest]:
    listed = component.array("hashes") if component.has("hashes") else ()
    for index, item in enumerate(listed):
        one = Fields(item, component.path(f"hashes[{index}]"))
        if one.text("alg") in _HASHES:
            yield Digest.parse(f"{_HASHES[one.text('alg')]}:{one.text('content')}")
