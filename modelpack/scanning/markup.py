"""Pages and drawings that run something where they are shown.

Browsers read more as a page than any parser admits, so this asks no parser: it looks
for what no page can do without that wants to run something, after all that hides it
is undone. An honest page can be refused; it can be shown as text then.
"""

from __future__ import annotations

import html
import re
from typing import Final

__all__ = ["runs_script"]

# Browsers pass over these within the name of a scheme.
_PASSED_OVER: Final = dict.fromkeys(map(ord, "\t\n\r\0"))
_DOCTYPE: Final = re.compile(r"<!DOCTYPE", re.IGNORECASE)
_RUNNING: Final = (
    ("<script>", re.compile(r"<[\s/]*(?:[\w.-]{1,60}:)?script", re.IGNORECASE)),
    (
        "another page inside",
        re.compile(
            r"<\s*(?:[\w.-]{1,60}:)?(?:iframe|frame|object|embed|applet|portal)\b"
            r"|\bsrcdoc\s*=",
            re.IGNORECASE,
        ),
    ),
    ("a handler", re.compile(r"[\s\"'/]on[a-z]{3,60}\s*=", re.IGNORECASE)),
    (
        "an address that runs",
        re.compile(
            r"\b(?:javascript|vbscript|livescript)\s*:"
            r"|\bdata\s*:\s*(?:text/html|text/xml|application/|image/svg)",
            re.IGNORECASE,
        ),
    ),
    (
        "a refresh or a base",
        re.compile(r"http-equiv\s*=\s*[\"']?\s*refresh|<\s*base\b", re.IGNORECASE),
    ),
    ("an entity", re.compile(r"<!ENTITY|<!DOCTYPE[^>\[]{0,4096}\[", re.IGNORECASE)),
    (
        "a document type from elsewhere",
        re.compile(
            r"<!DOCTYPE\s+[\w:.-]{1,60}\s+(?:SYSTEM|PUBLIC\s+[\"'][^\"']{0,500}[\"'])"
            r"\s*[\"'](?!https?://www\.w3\.org/|about:legacy)",
            re.IGNORECASE,
        ),
    ),
    (
        "a style sheet that is a program",
        re.compile(r"<\?xml-stylesheet|<\s*[\w.-]{1,60}:stylesheet\b", re.IGNORECASE),
    ),
)


def runs_script(text: str) -> str:
    """Say what a page would run; nothing, if nothing was found."""
    plain = html.unescape(text)
    joined = plain.translate(_PASSED_OVER)
    if len(_DOCTYPE.findall(plain)) > 1:
        return "a second document type"
    for what, pattern in _RUNNING:
        if any(map(pattern.search, (text, plain, joined))):
            return what
    return ""
