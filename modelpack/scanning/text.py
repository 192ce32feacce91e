"""What readable files say that they should not: credentials, code, templates."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping
from itertools import islice
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.pickled.recognise import looks_like_bare_pickle
from modelpack.formats.window import Window
from modelpack.oci.strict_json import strict_json
from modelpack.scanning.rules import Rule
from modelpack.scanning.template import judge_template
from modelpack.scanning.verdict import Finding

__all__ = ["judge_json", "judge_text"]

MAX_TEXT: Final = 64 << 20
MAX_JSON: Final = 16 << 20
MAX_MARKS: Final = 1_500_000
MAX_FINDINGS: Final = 50

_CONTROL: Final = re.compile(r"[\0-\x08\x0e-\x1f]")
_SECRETS: Final = (
    ("a private key", re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")),
    ("a Hugging Face token", re.compile(r"\bhf_[A-Za-z0-9]{34,}\b")),
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a GitHub token", re.compile(r"\b(?:gh[pousr]_\w{36,}|github_pat_\w{22,})\b")),
    ("a GitLab token", re.compile(r"\bglpat-[\w-]{20,}")),
    ("a Slack token", re.compile(r"\bxox[abprs]-[\w-]{10,}")),
    ("a Google API key", re.compile(r"\bAIza[\w-]{35}\b")),
    ("an API key", re.compile(r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{40,}")),
    ("an npm token", re.compile(r"\bnpm_[A-Za-z0-9]{36}\b")),
    (
        "a password in a URL",
        re.compile(r"\b[a-z][a-z0-9+.]{1,20}://[^\s/:@]{1,64}:[^\s/:@<>{}$]{6,64}@"),
    ),
)
# Keys by which a configuration has Python code imported that is not the library's.
_IMPORTING: Final = frozenset(
    {"auto_map", "custom_pipelines", "trust_remote_code", "_target_"}
)
# Keys whose value is a module to import, and what may stand there: PEFT, Keras.
_MODULES: Final = {
    "parent_library": ("transformers", "diffusers", "peft", "sentence_transformers"),
    "module": ("keras", "tensorflow.keras", "builtins"),
}
_KERAS_CODE: Final = frozenset({"Lambda", "TFSMLayer"})
_TEMPLATE: Final = "chat_template"
_LIBRARY: Final = "sentence_transformers."
_MARKUP: Final = (".html", ".htm", ".xhtml", ".svg", ".xml")
_SCRIPTED: Final = re.compile(
    r"<\s*script|javascript\s*:|[\s\"'/]on[a-z]{3,20}\s*=|<!ENTITY", re.IGNORECASE
)
_YAML_CODE: Final = re.compile(r"!!?python/|!<tag:yaml.org,2002:python/")


def judge_text(window: Window) -> Iterator[Finding]:
    """Judge readable text from end to end; a template by its own rules."""
    text = yield from _text(window)
    if text is None:
        return
    name = window.name.lower()
    if name.endswith((".jinja", ".jinja2", ".j2")):
        yield from judge_template(text)
    yield from _of_text(text, name)


def judge_json(window: Window) -> Generator[Finding, None, object]:
    """Judge a JSON document, and return it; None where it was not parsed."""
    text = yield from _text(window)
    if text is None:
        return None
    if len(text) > MAX_JSON or sum(map(text.count, "{[,")) > MAX_MARKS:
        # Vocabularies are that large; no configuration is.
        named = [key for key in (*_IMPORTING, _TEMPLATE) if f'"{key}"' in text]
        if named:
            yield _unjudged(f"too large for a file that says {', '.join(named)}")
        return None
    try:
        document = strict_json(text.encode(), infinities=True)
    except InvalidInput as error:
        yield Finding(rule=Rule.MALFORMED, message=error.message)
        return None
    yield from _of_document(document)
    if window.name.rpartition("/")[2] == "modules.json":
        yield from _of_modules(document)
    return document


def _text(window: Window) -> Generator[Finding, None, str | None]:
    """Return the text, after what is wrong with any text; None if it is none."""
    if window.size > MAX_TEXT:
        yield _unjudged(f"a text of over {MAX_TEXT} bytes")
        return None
    try:
        text = window.read(0, window.size).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        yield Finding(
            rule=Rule.MALFORMED, message=f"begins as text, no longer at {error.start}"
        )
        return None
    control = _CONTROL.search(text)
    if control:
        yield Finding(
            rule=Rule.MALFORMED,
            message=f"a control character, {control[0]!r}",
            line=_line(text, control.start()),
        )
        return None
    yield from islice(_secrets(text), MAX_FINDINGS)
    return text


def _secrets(text: str) -> Iterator[Finding]:
    """Find credentials; the message shows no more of one than its kind."""
    for what, pattern in _SECRETS:
        for match in pattern.finditer(text):
            yield Finding(
                rule=Rule.SECRET, message=what, line=_line(text, match.start())
            )


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _of_text(text: str, name: str) -> Iterator[Finding]:
    """Judge what some loader of readable text would run."""
    # Pickles of protocol 0 are readable, and what they do may come late.
    if looks_like_bare_pickle(text.encode(), complete=True):
        yield Finding(rule=Rule.PICKLE, message="a pickle in readable form")
    found = _SCRIPTED.search(text) if name.endswith(_MARKUP) else None
    if found:
        yield Finding(
            rule=Rule.CODE, message="runs a script", line=_line(text, found.start())
        )
    found = _YAML_CODE.search(text) if name.endswith((".yaml", ".yml")) else None
    if found:
        yield Finding(
            rule=Rule.REMOTE_CODE,
            message="makes objects of Python",
            line=_line(text, found.start()),
        )


def _of_document(document: object) -> Iterator[Finding]:
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(item for item in value if isinstance(item, dict | list))
        if not isinstance(value, dict):
            continue
        for key, item in value.items():
            if key in _IMPORTING and item:
                yield Finding(rule=Rule.REMOTE_CODE, message=f"says {key}")
            elif key in _MODULES and _imports(key, value):
                yield from _of_module(key, item)
            elif key == "class_name" and item in _KERAS_CODE:
                yield Finding(rule=Rule.REMOTE_CODE, message=f"is a layer {item}")
            elif key == _TEMPLATE:
                yield from _of_templates(item)
            elif isinstance(item, dict | list):
                waiting.append(item)


def _imports(key: str, fields: Mapping[str, object]) -> bool:
    """Whether a key has a module imported: ``module`` does so beside a class."""
    return key == "parent_library" or "class_name" in fields


def _of_module(key: str, value: object) -> Iterator[Finding]:
    known = value is None or (
        isinstance(value, str)
        and any(f"{value}.".startswith(f"{root}.") for root in _MODULES[key])
    )
    if not known:
        yield Finding(
            rule=Rule.REMOTE_CODE, message=f"has {str(value)[:80]!r} imported"
        )


def _of_templates(value: object) -> Iterator[Finding]:
    """Judge one template, a list of named ones, or a mapping of names to them."""
    match value:
        case None:
            return
        case str():
            yield from judge_template(value)
        case list():
            for item in value:
                yield from _of_templates(
                    item.get("template") if isinstance(item, dict) else item
                )
        case dict():
            for item in value.values():
                yield from _of_templates(item)
        case _:
            yield Finding(rule=Rule.MALFORMED, message="a chat template is no text")


def _of_modules(document: object) -> Iterator[Finding]:
    """Judge what sentence-transformers imports: each module's ``type``."""
    for module in document if isinstance(document, list) else []:
        kind = module.get("type") if isinstance(module, dict) else None
        if not isinstance(kind, str) or not kind.startswith(_LIBRARY):
            yield Finding(
                rule=Rule.REMOTE_CODE, message=f"has {str(kind)[:80]!r} imported"
            )


def _unjudged(message: str) -> Finding:
    return Finding(rule=Rule.NOT_JUDGED, message=message)
