"""What readable files say that they should not: credentials, code, templates."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Generator, Iterator
from itertools import islice
from typing import Final

from modelpack.formats.json_keys import json_keys
from modelpack.formats.prose.plain_yaml import plain_yaml
from modelpack.formats.window import Window
from modelpack.oci.strict_json import strict_json
from modelpack.scanning.configuration import IMPORTING_KEYS, judge_document
from modelpack.scanning.markup import runs_script
from modelpack.scanning.rules import Rule
from modelpack.scanning.template import judge_templates
from modelpack.scanning.verdict import Finding

__all__ = ["judge_json", "judge_text"]

MAX_TEXT: Final = 40 << 20  # the largest tokenizer.json that is seen has 32 MiB
MAX_JSON: Final = 32 << 20  # the index of a thousand shards has 13 MiB
MAX_MARKS: Final = 500_000
MAX_MARKUP: Final = 4 << 20
MAX_YAML: Final = 1 << 20
MAX_FINDINGS: Final = 50

# One character beyond 16 bits, and each takes four bytes in memory.
_WIDE: Final = re.compile(rb"[\xf0-\xf4]|\\u[dD][89abAB]")
_PIECE: Final = 1 << 20
_CONTROL: Final = re.compile(rb"[\0-\x08\x0e-\x1f]")
_SECRETS: Final = (
    ("a private key", rb"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY-----"),
    ("a Hugging Face token", rb"\bhf_[A-Za-z0-9]{34,}\b"),
    ("an AWS access key", rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("a GitHub token", rb"\b(?:gh[pousr]_\w{36,}|github_pat_\w{22,})\b"),
    ("a GitLab token", rb"\bglpat-[\w-]{20,}"),
    ("a Slack token", rb"\bxox[abprs]-[\w-]{10,}"),
    ("a Google API key", rb"\bAIza[\w-]{35}\b"),
    ("an API key", rb"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{40,}"),
    ("an npm token", rb"\bnpm_[A-Za-z0-9]{36}\b"),
    (
        "a password in a URL",
        rb"\b[a-z][a-z0-9+.]{1,20}://[^\s/:@]{1,64}:[^\s/:@<>{}$]{6,64}@",
    ),
)
_PATTERNS: Final = [(what, re.compile(pattern)) for what, pattern in _SECRETS]
_TEMPLATES: Final = (".jinja", ".jinja2", ".j2")
_MARKUP: Final = (".htm", ".html", ".svg", ".xht", ".xhtml", ".xml")
_YAML: Final = (".yaml", ".yml")
_YAML_NAMES: Final = frozenset({"mlmodel"})  # MLflow's, which has no suffix
# The only JSON that is large in honest models.
_VOCABULARIES: Final = frozenset({"tokenizer.json", "vocab.json"})


def judge_text(window: Window) -> Iterator[Finding]:
    """Judge readable text from end to end, and by what its name has it read as."""
    raw = yield from _text(window)
    if raw is None:
        return
    name = window.name.lower()
    if name.endswith(_TEMPLATES):
        yield from judge_templates([raw.decode()])
    if name.endswith(_MARKUP):
        yield from _of_markup(raw)
    if name.endswith(_YAML) or name.rpartition("/")[2] in _YAML_NAMES:
        yield from _of_yaml(raw, window.name)


def judge_json(window: Window) -> Generator[Finding, None, object]:
    """Judge a JSON document, and return it; None where it was not parsed."""
    raw = yield from _text(window)
    if raw is None:
        return None
    if _is_large(raw):
        yield from _of_vocabulary(raw, window.name)
        return None
    document = strict_json(raw, infinities=True)
    if b"\\u" in raw:
        # An escape hides a credential from those who search the bytes.
        plain = json.dumps(document, ensure_ascii=False).encode()
        yield from islice(_secrets(plain, lines=False), MAX_FINDINGS)
    yield from judge_document(document, window.name.rpartition("/")[2])
    return document


def _is_large(raw: bytes) -> bool:
    """Whether it would take too much memory, parsed: each value, and wide texts."""
    width = 4 if _WIDE.search(raw) else 1
    marks = sum(map(raw.count, (b"{", b"[", b",")))
    return len(raw) * width > MAX_JSON or marks > MAX_MARKS


def _text(window: Window) -> Generator[Finding, None, bytes | None]:
    """Return the text's bytes, after what is wrong with any; None if it is none."""
    if window.size > MAX_TEXT:
        yield _unjudged(f"a text of over {MAX_TEXT} bytes")
        return None
    raw = window.read(0, window.size)
    broken = _not_utf_8(raw)
    if broken is not None:
        yield Finding(
            rule=Rule.MALFORMED, message=f"begins as text, no longer at {broken}"
        )
        return None
    control = _CONTROL.search(raw)
    if control:
        yield Finding(
            rule=Rule.MALFORMED,
            message=f"a control character, {control[0].decode()!r}",
            line=_line(raw, control.start()),
        )
        return None
    yield from islice(_secrets(raw, lines=True), MAX_FINDINGS)
    return raw


def _not_utf_8(raw: bytes) -> int | None:
    """Return where it stops being UTF-8, without making a text of all of it."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    at = 0
    try:
        for at in range(0, len(raw), _PIECE):
            decoder.decode(raw[at : at + _PIECE], final=at + _PIECE >= len(raw))
    except UnicodeDecodeError as error:
        return at + error.start
    return None


def _secrets(raw: bytes, *, lines: bool) -> Iterator[Finding]:
    """Find credentials; the message shows no more of one than its kind."""
    for what, pattern in _PATTERNS:
        for match in pattern.finditer(raw):
            line = _line(raw, match.start()) if lines else 0
            yield Finding(rule=Rule.SECRET, message=what, line=line)


def _line(raw: bytes, at: int) -> int:
    return raw.count(b"\n", 0, at) + 1


def _of_markup(raw: bytes) -> Iterator[Finding]:
    if len(raw) > MAX_MARKUP:
        yield _unjudged(f"a page of over {MAX_MARKUP} bytes")
    elif what := runs_script(raw.decode()):
        yield Finding(rule=Rule.CODE, message=f"runs a script: {what}")


def _of_yaml(raw: bytes, where: str) -> Iterator[Finding]:
    if len(raw) > MAX_YAML:
        yield _unjudged(f"YAML of over {MAX_YAML} bytes")
        return
    for document in plain_yaml(raw.decode(), where):
        yield from judge_document(document, where.rpartition("/")[2])


def _of_vocabulary(raw: bytes, where: str) -> Iterator[Finding]:
    """Judge JSON that is too large to be held: a vocabulary, and nothing else."""
    name = where.rpartition("/")[2]
    if name not in _VOCABULARIES:
        yield _unjudged(f"JSON of over {MAX_JSON} bytes or {MAX_MARKS} values")
        return
    for key, plain in json_keys(raw, where):
        # A vocabulary may hold such a word; it has a number there.
        if key in IMPORTING_KEYS and not plain:
            yield _unjudged(f"too large for a file that says {key}")
            return


def _unjudged(message: str) -> Finding:
    return Finding(rule=Rule.NOT_JUDGED, message=message)
