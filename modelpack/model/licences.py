"""Licences as the Hugging Face hub names them, and as SPDX does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

# The hub's identifiers that SPDX knows, in lower case on the hub. A bare version
# of a GNU licence means that version only, as SPDX says of its deprecated ids.
_SPDX: Final[Mapping[str, str]] = {
    name.lower(): name
    for name in [
        "0BSD",
        "AFL-3.0",
        "Apache-2.0",
        "Artistic-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSD-3-Clause-Clear",
        "BSL-1.0",
        "CC-BY-2.0",
        "CC-BY-2.5",
        "CC-BY-3.0",
        "CC-BY-4.0",
        "CC-BY-NC-2.0",
        "CC-BY-NC-3.0",
        "CC-BY-NC-4.0",
        "CC-BY-NC-ND-3.0",
        "CC-BY-NC-ND-4.0",
        "CC-BY-NC-SA-2.0",
        "CC-BY-NC-SA-3.0",
        "CC-BY-NC-SA-4.0",
        "CC-BY-ND-4.0",
        "CC-BY-SA-3.0",
        "CC-BY-SA-4.0",
        "CC0-1.0",
        "CDLA-Permissive-1.0",
        "CDLA-Permissive-2.0",
        "CDLA-Sharing-1.0",
        "ECL-2.0",
        "EPL-1.0",
        "EPL-2.0",
        "EUPL-1.1",
        "EUPL-1.2",
        "ISC",
        "LPPL-1.3c",
        "MIT",
        "MPL-2.0",
        "MS-PL",
        "NCSA",
        "ODbL-1.0",
        "OFL-1.1",
        "OSL-3.0",
        "PDDL-1.0",
        "PostgreSQL",
        "Unlicense",
        "WTFPL",
        "Zlib",
        "AGPL-3.0-only",
        "AGPL-3.0-or-later",
        "GPL-2.0-only",
        "GPL-2.0-or-later",
        "GPL-3.0-only",
        "GPL-3.0-or-later",
        "LGPL-2.1-only",
        "LGPL-2.1-or-later",
        "LGPL-3.0-only",
        "LGPL-3.0-or-later",
        "GFDL-1.3-only",
    ]
} | {
    "agpl-3.0": "AGPL-3.0-only",
    "gpl-2.0": "GPL-2.0-only",
    "gpl-3.0": "GPL-3.0-only",
    "lgpl-2.1": "LGPL-2.1-only",
    "lgpl-3.0": "LGPL-3.0-only",
    "odbl": "ODbL-1.0",
    "pddl": "PDDL-1.0",
}
_SILENT: Final = frozenset({"unknown", "other", "none"})
# SPDX 3.0.1, annex B: identifiers with AND, OR, WITH and parentheses between them.
_TERM: Final = r"\(*[A-Za-z0-9.+:-]+\)*"
_EXPRESSION: Final = re.compile(rf"{_TERM}(?: (?:AND|OR|WITH) {_TERM})*")
_NOT_IN_A_REFERENCE: Final = re.compile(r"[^A-Za-z0-9.-]+")


_SLUGS: Final = {name: slug for slug, name in _SPDX.items()}


def hub_slug(licence: str) -> str | None:
    """Return what the hub calls an SPDX identifier; None where it has no word."""
    return _SLUGS.get(licence)


def spdx(slug: str, *, name: str | None = None) -> str | None:
    """Return an SPDX expression for one of the hub's licences.

    ``name`` is the card's ``license_name``, which counts where the slug says
    ``other``. What SPDX does not list becomes a ``LicenseRef-``; None where
    nothing is said.
    """
    wanted = slug.strip().lower()
    if wanted in _SILENT:
        if not name or name.strip().lower() in _SILENT:
            return None
        wanted = name.strip().lower()
    if wanted in _SPDX:
        return _SPDX[wanted]
    reference = _NOT_IN_A_REFERENCE.sub("-", wanted).strip("-")
    return f"LicenseRef-{reference}" if reference else None


def expression(text: str) -> str | None:
    """Return what a publisher declares: an SPDX expression, or a word of the hub's.

    The hub's words are in lower case; SPDX's identifiers hardly ever are, and no
    list of them is kept here. None where nothing is said.
    """
    known = _SPDX.get(text.strip().lower())
    if known is not None:
        return known
    if not text.islower() and _EXPRESSION.fullmatch(text):
        return text
    return spdx(text)
