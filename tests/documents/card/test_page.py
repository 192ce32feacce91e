"""The page shows what is known, needs nothing but itself, and obeys no model."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Final

import pytest

from modelpack.documents.card.material import Signed
from modelpack.documents.card.page import html_card
from modelpack.documents.card.page.prose import safe_html
from modelpack.documents.described import Scanned, ScannedFile
from tests.documents.card.making import material
from tests.documents.card.test_markdown import BARE, RESULTS
from tests.documents.test_cyclonedx import FILES

HOSTILE: Final = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onload='alert(1)",
    "</style><script>alert(1)</script>",
    "</title><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "<!--",
    "]]>",
    "javascript:alert(1)",
)
_ALLOWED: Final = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "footer"),
    *("section", "div", "span", "p", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "br"),
    *("strong", "small", "b", "em", "code", "pre", "a", "blockquote"),
    *("ul", "ol", "li", "dl", "dt", "dd", "details", "summary"),
    *("table", "thead", "tbody", "tr", "th", "td"),
    *("svg", "g", "path", "rect", "text"),
}


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.values: list[str] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.values += [value or "" for name, value in attrs if name != "content"]
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.words += data


def page(**changes: object) -> Page:
    files = changes.pop("files", FILES | {"results.json": RESULTS})
    return Page(html_card(material(files, **changes)).decode())  # type: ignore[arg-type]


def check(found: Page) -> None:
    """Nothing in it runs, and nothing leads out but a link that a person follows."""
    assert found.tags <= _ALLOWED
    assert not {name for name in found.attributes if name.startswith("on")}
    assert not found.attributes & {"src", "srcset", "style", "action", "data", "xlink"}
    assert all(re.match(r"https?://|mailto:", link) for link in found.links)


def test_it_shows_what_is_known() -> None:
    signed = (Signed(kind="https://cyclonedx.org/bom", signer="anna", verified=True),)
    found = page(signed=signed)
    check(found)
    for word in (
        "sentiment",
        "BertModel",
        "Apache-2.0",
        "org/base",
        "org/sentences",
        "model.safetensors",
        "F32",
        "allenai/ai2_arc",
        "0.4804 to 0.5196",
        "passes",
        "anna",
        "bill of materials",
        "how to cite it",
        "declared:README.md",
    ):
        assert word in found.words


def test_the_same_input_gives_the_same_bytes() -> None:
    assert html_card(material()) == html_card(material())


def test_its_one_style_sheet_is_the_one_that_its_policy_names() -> None:
    text = html_card(material()).decode()
    (sheet,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    assert policy.replace("&#39;", "'") == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )
    assert "@import" not in sheet
    assert "url(" not in sheet


@pytest.mark.parametrize("text", HOSTILE)
def test_no_name_gets_out_of_its_place(text: str) -> None:
    readme = f"# {text}\n\n{text}\n\n[a]({text})\n"
    path = text.replace("/", "_")
    files = BARE | {path: b"x"}
    scanned = Scanned(
        outcome="fail",
        scanner=text,
        files=(ScannedFile(path=path, outcome="fail", findings=((text, text),)),),
        allowed=(text,),
    )
    made = material(
        files, signed=(Signed(kind=text, signer=text),), scanned=scanned, tool=text
    )
    for name in ("name", "architecture", "task", "library", "quantization", "relation"):
        object.__setattr__(made.model.facts.claims, name, text)
    for name in ("licenses", "base_models", "datasets", "languages"):
        object.__setattr__(made.model.facts.claims, name, (text,))
    found = Page(html_card(made).decode())
    check(found)
    # It is there, as what it is: text.
    assert text in found.words
    prose = Page(safe_html(readme)[0])
    assert prose.tags <= _ALLOWED
    assert not any("alert" in link for link in prose.links)


@pytest.mark.parametrize(
    "markdown",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](vbscript:x)",
        "[x](//evil.example)",
        "[x](file:///etc/passwd)",
        "![x](https://tracker.example/x.png)",
        "[![x](https://tracker.example/x.png)](https://a.example)",
        "<https://a.example/\"onmouseover='alert(1)'>",
        "[x]: javascript:alert(1)\n\n[x]",
        "| a |\n|:-:|\n| <svg onload=alert(1)> |",
        "```<script>\nalert(1)\n```",
        '[a](https://a.example "onload=x")',
    ],
)
def test_markdown_runs_nothing_and_fetches_nothing(markdown: str) -> None:
    check(Page(safe_html(markdown)[0]))


def test_pictures_are_their_words() -> None:
    html, _ = safe_html("![a plot](https://tracker.example/x.png)")
    assert html == "<p>a plot</p>\n"


def test_a_readme_without_an_end_is_cut_and_says_so() -> None:
    html, cut = safe_html("word " * 100_000)
    assert cut
    assert len(html) < 150_000
    assert "goes on in README.md" in page(readme=b"word " * 100_000).words


@pytest.mark.parametrize(
    "markdown",
    ["[" * 100_000, "*a_ " * 50_000, "> " * 5_000 + "a", "`" * 99_999, "- " * 5_000],
    ids=["brackets", "emphasis", "quotes", "ticks", "lists"],
)
def test_hostile_markdown_ends(markdown: str) -> None:
    check(Page(safe_html(markdown)[0]))
