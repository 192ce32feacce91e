"""The page of a card in a real browser: it shows, in both schemes, and asks nobody."""

from pathlib import Path

import pytest

from modelpack.documents.card.material import Signed
from modelpack.documents.card.page import html_card
from tests.documents.card.making import material
from tests.documents.card.test_markdown import RESULTS
from tests.documents.test_cyclonedx import FILES
from tests.interop.browser import Pixels, dom, printed, shoot, site

pytestmark = pytest.mark.interop

# Of the style sheet: the ground of the page, and the box of the model in the graph.
GROUND = {"light": (0xF4, 0xF5, 0xF7), "dark": (0x0E, 0x11, 0x16)}
MODEL = {"light": (0x34, 0x50, 0xC8), "dark": (0x93, 0xA8, 0xFF)}
LEAK = (
    b"<script src=/leak.js></script><img src=/leak.png><link rel=stylesheet href=/l>"
    b"<style>@import '/leak.css';</style><iframe src=/leak.html></iframe>\n\n"
    b"![x](/leak2.png) ![x](http://leak.example/x.png)\n\n"
    b"<body onload=\"fetch('/js')\">"
)


def page(readme: bytes = b"# A model\n") -> bytes:
    files = FILES | {"results.json": RESULTS, "README.md": readme}
    signed = (Signed(kind="https://cyclonedx.org/bom", signer="key sha256:12"),)
    return html_card(material(files, signed=signed))


def count(pixels: Pixels, colour: tuple[int, int, int]) -> int:
    return int((pixels == colour).all(axis=2).sum())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 500])
def test_it_shows_itself_in_both_schemes(
    scheme: str, width: int, tmp_path: Path
) -> None:
    with site(page()) as served:
        seen = shoot(served.url, tmp_path, scheme=scheme, width=width)  # type: ignore[arg-type]
    assert tuple(seen[0, 0]) == GROUND[scheme]
    # The graph is drawn, and its colours are those of the scheme.
    assert count(seen, MODEL[scheme]) > 5000
    assert count(seen, MODEL["dark" if scheme == "light" else "light"]) < 500
    assert set(served.asked) <= {"/", "/favicon.ico"}


def test_a_hostile_readme_makes_no_request(tmp_path: Path) -> None:
    with site(page(LEAK)) as served:
        text = dom(served.url, tmp_path)
        shoot(served.url, tmp_path)
    assert "&lt;script src=/leak.js&gt;" in text
    assert set(served.asked) <= {"/", "/favicon.ico"}


def test_even_what_got_in_would_not_be_fetched(tmp_path: Path) -> None:
    whole = page()
    assert whole.count(b"<main>") == 1
    with site(whole.replace(b"<main>", LEAK + b"<main>")) as served:
        shoot(served.url, tmp_path)
    assert set(served.asked) <= {"/", "/favicon.ico"}
    # And that this test would see it: without its policy the page does ask.
    bare = whole.replace(b"Content-Security-Policy", b"x")
    with site(bare.replace(b"<main>", LEAK + b"<main>")) as served:
        shoot(served.url, tmp_path)
    assert {"/leak.js", "/leak.png"} <= set(served.asked)


def test_it_can_be_printed(tmp_path: Path) -> None:
    with site(page()) as served:
        assert printed(served.url, tmp_path).startswith(b"%PDF-")
