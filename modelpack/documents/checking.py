"""Hold a CycloneDX document against its schema, and against what that cannot say."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from types import ModuleType
from typing import TYPE_CHECKING, Final, cast

from modelpack.errors import InvalidInput
from modelpack.oci.strict_json import parse_object

if TYPE_CHECKING:
    from cyclonedx.validation.json import JsonStrictValidator

__all__ = ["SPEC_VERSIONS", "Json", "SpecVersion", "check_bom", "said_only"]

Json = dict[str, object]


class SpecVersion(StrEnum):
    """A version of CycloneDX that is written and checked here."""

    V1_5 = "1.5"
    V1_6 = "1.6"
    V1_7 = "1.7"


SPEC_VERSIONS: Final = tuple(version.value for version in SpecVersion)

_LONG_LISTS: Final = ("components", "dependencies")
_SLICE: Final = 25
_GRAMMARS: Final = "rfc3987_syntax"
# RFC 3987, 2.2: what no part of an IRI has.
_NO_IRI: Final = re.compile(r"[\x00-\x20\x7f-\x9f<>\"{}|\\^`]|%(?![0-9A-Fa-f]{2})")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def check_bom(raw: bytes) -> None:
    """Raise ``InvalidInput`` unless a document holds: schema, then references."""
    document = parse_object(raw, "CycloneDX")
    version = document.get("specVersion")
    if version not in SPEC_VERSIONS:
        raise InvalidInput(f"specVersion {version!r} is not supported")
    validator = _validator(str(version))
    for slice_ in _slices(document):
        error = validator.validate_str(json.dumps(slice_))
        if error is not None:
            reason = str(getattr(error.data, "message", error.data))[:200]
            raise InvalidInput(f"not valid CycloneDX {version}: {reason}")
    _check_references(document)
    for address in _values(document, "url"):
        if _NO_IRI.search(address):
            raise InvalidInput(f"not an address: {address[:80]!a}", where="url")


def _validator(version: str) -> JsonStrictValidator:
    """Return CycloneDX's own.

    As jsonschema is imported, it builds 38 grammars to check addresses with, which
    takes it 1.7 s of every command: it is told that it has none, and addresses are
    checked here.
    """
    absent = cast("dict[str, ModuleType | None]", sys.modules)
    absent.setdefault(_GRAMMARS, None)
    try:
        from cyclonedx.schema import SchemaVersion
        from cyclonedx.validation.json import JsonStrictValidator
    finally:
        if absent[_GRAMMARS] is None:
            del absent[_GRAMMARS]
    return JsonStrictValidator(SchemaVersion.from_version(version))


def _alike(component: object) -> str:
    """Return a component with the same text in place of each that may be any text.

    Such are ``name``, ``bom-ref`` and a property's ``value`` in every version of the
    schema, and a hash's ``content`` where it is that of a SHA-256: two components that
    differ in nothing else are valid, both or neither.
    """
    if not isinstance(component, dict):
        return json.dumps(component)
    masked = dict(component)
    for key in ("name", "bom-ref"):
        if isinstance(masked.get(key), str) and masked[key]:
            masked[key] = "x"
    for key, inner in (("hashes", "content"), ("properties", "value")):
        if isinstance(masked.get(key), list):
            masked[key] = [_masked(each, inner) for each in masked[key]]
    return json.dumps(masked, sort_keys=True)


def _masked(item: object, key: str) -> object:
    if not isinstance(item, dict):
        return item
    text = item.get(key)
    if not isinstance(text, str):
        return item
    if key == "content":
        return {**item, key: "0" * 64} if _SHA256.fullmatch(text) else item
    return {**item, key: "x"}


def _slices(document: Json) -> Iterator[Json]:
    """Cut a document into valid smaller ones, if it is valid.

    The schema wants the items of these lists to differ, for which the validator
    compares each with each, 79 s for 10,000 files. No item of theirs is like
    another where no reference is had by two (`_check_references`).
    """
    components = document.get("components")
    if isinstance(components, list):
        kinds = {_alike(each): each for each in components}
        document = {**document, "components": list(kinds.values())}
    for key in _LONG_LISTS:
        items = document.get(key)
        if isinstance(items, list) and len(items) > _SLICE:
            for start in range(_SLICE, len(items), _SLICE):
                yield {**document, key: items[start : start + _SLICE]} | {
                    other: [] for other in _LONG_LISTS if other != key
                }
            document = {**document, key: items[:_SLICE]}
    yield document


def _check_references(document: Mapping[str, object]) -> None:
    """Refuse a reference that two things have, or that leads to nothing."""
    counts = Counter(_values(document, "bom-ref"))
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise InvalidInput(f"two things have the bom-ref {twice[0]!r}")
    targets = [
        entry.get("ref")
        for entry in _list(document.get("dependencies"))
        if isinstance(entry, dict)
    ]
    if len(set(targets)) < len(targets):
        raise InvalidInput("dependencies: one bom-ref has two entries")
    named = [*_values(document, "ref"), *_values(document, "dependsOn")]
    lost = [
        name for name in named if name not in counts and not name.startswith("urn:cdx:")
    ]
    if lost:
        raise InvalidInput(f"nothing has the bom-ref {lost[0]!r}")


def said_only(fields: Mapping[str, object]) -> Json:
    """Return an object without what is not known."""
    return {
        name: value for name, value in fields.items() if value not in (None, "", [], {})
    }


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _values(document: object, key: str) -> Iterator[str]:
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            found = value.get(key)
            texts = found if isinstance(found, list) else [found]
            yield from (text for text in texts if isinstance(text, str))
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
