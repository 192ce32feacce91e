"""The card in Markdown, as the hub shows it.

What people wrote stays as it is, to the byte; what is added stands between two marks,
and takes the place of what was added before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from modelpack.documents.card.declared import declared_texts
from modelpack.documents.card.energy import cost_rows
from modelpack.documents.card.front_matter import Parts, additions, split
from modelpack.documents.card.gaps import missing
from modelpack.documents.card.marks import without
from modelpack.documents.card.material import Material, facts_of
from modelpack.documents.card.sections import TITLES
from modelpack.documents.card.words import number, size
from modelpack.errors import InvalidInput

__all__ = ["markdown_card", "written_by_people"]

_BEGIN: Final = "<!-- modelpack: begin"
_END: Final = "<!-- modelpack: end -->"
_README: Final = "README.md"
_MOST_ROWS: Final = 200
# Line breaks, controls, and what turns the direction of a line around.
_UNSEEN: Final = re.compile(
    r"[^\S ]|[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)

_MARKUP: Final = re.compile(r"[\\`*_\[\]|~#&!:@$>]|(?<=www)\.")


def markdown_card(material: Material) -> bytes:
    """Return the card; ``InvalidInput`` where what people wrote cannot be read."""
    parts = written_by_people(material)
    front = parts.joined(additions(material, parts.fields), material.tool)
    gap = "" if not parts.body or parts.body.endswith("\n") else "\n"
    added = "\n".join(_added(material, parts.body))
    return f"{front}{parts.body}{gap}\n{added}\n".encode()


def written_by_people(material: Material) -> Parts:
    """Return what the README says without what was added to it before."""
    try:
        text = (material.readme or b"").decode()
    except UnicodeDecodeError as error:
        raise InvalidInput("is not UTF-8", where=_README) from error
    parts = split(text, _README)
    body, ours = without(parts.body, _BEGIN, _END, _README)
    return Parts(
        opening=parts.opening,
        fence=parts.fence,
        # The empty line before the first mark is ours, too.
        body=body.removesuffix("\n") if ours else body,
        fields=parts.fields,
    )


def _added(material: Material, body: str) -> Iterator[str]:
    yield f"{_BEGIN}. Added by {material.tool}, from the files. -->"
    yield "## Read from the files"
    yield ""
    yield from _table(
        ("", "", "Source"),
        (
            (fact.label, ", ".join(map(_code, fact.values)), _code(fact.source))
            for fact in facts_of(material.model)
        ),
    )
    yield from _files(material)
    yield from _results(material)
    yield from _declared(material)
    yield from _costs(material)
    yield from _signers(material)
    yield from _gaps(missing(material, body))
    yield _END


def _files(material: Material) -> Iterator[str]:
    files, scan = material.model.files, material.scanned
    verdicts = {file.path: file for file in scan.files} if scan else {}
    total = sum(file.size for file in files)
    yield ""
    yield f"### Files: {len(files)}, {size(total)}"
    yield ""
    if scan is not None:
        bad = [file for file in scan.files if file.outcome != "pass"]
        told = f"{len(bad)} of {len(files)} do not pass" if bad else "every file passes"
        allowed = f", with {', '.join(scan.allowed)} allowed" if scan.allowed else ""
        yield f"Scanned by {scan.scanner}: {told}{allowed}."
        yield ""
    yield from _table(
        ("File", "Format", "Size", "Scan", "SHA-256"),
        (
            (
                _code(file.path),
                str(file.kind),
                size(file.size),
                verdicts[file.path].outcome if file.path in verdicts else "",
                _code(file.digest.hex),
            )
            for file in files
        ),
    )
    reasons = [
        f"- {_code(path)}: {rule}: {_code(message)}"
        for path, verdict in verdicts.items()
        for rule, message in verdict.findings
    ]
    yield from ["", *reasons[:_MOST_ROWS]] if reasons else []


def _results(material: Material) -> Iterator[str]:
    if not material.results:
        return
    yield ""
    yield "### Evaluations"
    yield ""
    yield from _table(
        ("Task", "Data set", "Metric", "Value", "95 %", "Source"),
        (
            (
                _code(result.task),
                _code(result.dataset),
                _code(result.metric),
                number(result.value),
                f"{number(result.lower)} to {number(result.upper)}"
                if result.lower is not None and result.upper is not None
                else "",
                _code(result.source),
            )
            for result in material.results
        ),
    )


def _declared(material: Material) -> Iterator[str]:
    groups = list(declared_texts(material.model.declaration))
    if groups:
        yield ""
        yield "### Declared in `modelpack.yaml`"
        yield ""
        yield from (
            f"- {title}: {_prose(text)}" for title, texts in groups for text in texts
        )


def _costs(material: Material) -> Iterator[str]:
    model = material.model
    for use in model.costs:
        source = model.origins().get("energy")
        yield ""
        yield f"### Energy: {str(use.activity).replace('-', ' ')}"
        yield ""
        rows = [(name, _code(value)) for name, value in cost_rows(use)]
        yield from _table(("", ""), [*rows, ("Said by", _code(str(source or "")))])


def _signers(material: Material) -> Iterator[str]:
    if not material.signed:
        return
    yield ""
    yield "### Signed"
    yield ""
    yield from _table(
        ("Statement", "Signer", ""),
        (
            (
                _code(signed.kind),
                _code(signed.signer),
                "verified" if signed.verified else "claimed, not verified here",
            )
            for signed in material.signed
        ),
    )


def _gaps(names: Sequence[str]) -> Iterator[str]:
    if names:
        yield ""
        yield "### Not said anywhere"
        yield ""
        yield from (f"- {TITLES[name]}" for name in names)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    shown = list(rows)
    for row in shown[:_MOST_ROWS]:
        yield f"| {' | '.join(row)} |"
    if len(shown) > _MOST_ROWS:
        yield ""
        yield f"And {len(shown) - _MOST_ROWS} more, which the bill of materials lists."


def _prose(text: str) -> str:
    """Return a text as one line in which no sign is markup."""
    line = " ".join(_UNSEEN.sub(" ", text).split())
    return _MARKUP.sub(r"\\\g<0>", line).replace("<", "&lt;")


def _code(text: str) -> str:
    """Return a text as code: whatever it holds, it is no markup there."""
    if not text:
        return ""
    plain = _UNSEEN.sub("\ufffd", text).replace("|", "\\|")
    longest = max(map(len, re.findall("`+", plain)), default=0)
    fence = "`" * (longest + 1)
    edge = " " if plain[0] in "` " or plain[-1] in "` " else ""
    return f"{fence}{edge}{plain}{edge}{fence}"
