"""The card as one HTML page that needs nothing but itself.

Everything that comes from a model is text for the template, which escapes it; the
README is rendered without raw HTML. The page forbids itself scripts, pictures and every
address (Content-Security-Policy): its one style sheet is named there by its hash.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Final

from modelpack.documents.card.material import Material
from modelpack.documents.card.page.view import view_of

__all__ = ["html_card"]

_POLICY: Final = (
    "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'"
)


def html_card(material: Material) -> bytes:
    """Return the page; ``InvalidInput`` where what people wrote cannot be read."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    # The sheet is ours; in the page it has to be what was hashed.
    sheet = _text("page.css")
    hashed = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    environment = Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("page.html.j2")
    text = page.render(
        view=view_of(material),
        sheet=Markup(sheet),  # noqa: S704 - no word of it comes from a model
        policy=_POLICY.format(hashed),
    )
    return text.encode() + b"\n"


def _text(name: str) -> str:
    return files(__name__).joinpath(name).read_text("utf-8")
