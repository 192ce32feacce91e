"""Formats of names and of other texts, by name (apiserver, `format`)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Final

from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.functions import Function, function, member
from modelpack.policy.cel.kubernetes.urls import fault_of_url
from modelpack.policy.cel.types import STRING, list_of, opaque, optional_of
from modelpack.policy.cel.values import Opaque, OptionalValue

__all__ = ["FUNCTIONS"]

FORMAT: Final = opaque("kubernetes.NamedFormat")

Faults = list[str]
_Check = Callable[[str], Faults]

_LABEL: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_LABEL}(\.{_LABEL})*"
_KEY: Final = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_BASE64: Final = (
    r"(?:[A-Za-z0-9+/]{4})*"
    r"(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})"
)
_UUID: Final = r"(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_TIME: Final = re.compile(
    r"([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))", re.ASCII
)
_LONGEST_LABEL, _LONGEST_SUBDOMAIN = 63, 253


def _named(
    pattern: str, what: str, longest: int | None = None, *, prefix: bool = False
) -> _Check:
    form = re.compile(pattern, re.ASCII)

    def faults(text: str) -> Faults:
        if prefix and len(text) > 1 and text.endswith("-"):
            text = f"{text[:-1]}a"
        found = []
        if longest is not None and len(text.encode()) > longest:
            found.append(f"must be no more than {longest} bytes")
        if not form.fullmatch(text):
            found.append(f"must be {what}: it must match {pattern!r}")
        return found

    return faults


def _qualified(text: str) -> Faults:
    parts = text.split("/")
    if len(parts) > 2:  # noqa: PLR2004 - a prefix, and a name
        return ["must be a name with an optional DNS subdomain before a '/'"]
    found = []
    if len(parts) == 2:  # noqa: PLR2004
        faults = _subdomain(parts[0]) if parts[0] else ["must be non-empty"]
        found += [f"prefix part {fault}" for fault in faults]
    return found + [f"name part {fault}" for fault in _name(parts[-1])]


def _date(text: str) -> Faults:
    if not _DATE.fullmatch(text):
        return ["invalid date"]
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return ["invalid date"]
    return []


def _date_time(text: str) -> Faults:
    date, between, time = text.lower().partition("t")
    found = _TIME.fullmatch(time.partition("t")[0])
    if not between or _date(date) or found is None:
        return ["invalid datetime"]
    hour, minute, second = found[1], found[2], found[3]
    holds = hour <= "23" and minute <= "59" and second <= "59"
    return [] if holds else ["invalid datetime"]


def _uri(text: str) -> Faults:
    fault = fault_of_url(text)
    return [fault] if fault else []


_name: Final = _named(_KEY, "a name", _LONGEST_LABEL)
_subdomain: Final = _named(_SUBDOMAIN, "a DNS subdomain", _LONGEST_SUBDOMAIN)

_A_LABEL: Final = "a DNS label"
_FORMATS: Final[Mapping[str, _Check]] = {
    "dns1123Label": _named(_LABEL, _A_LABEL, _LONGEST_LABEL),
    "dns1123LabelPrefix": _named(_LABEL, _A_LABEL, _LONGEST_LABEL, prefix=True),
    "dns1123Subdomain": _subdomain,
    "dns1123SubdomainPrefix": _named(
        _SUBDOMAIN, "a DNS subdomain", _LONGEST_SUBDOMAIN, prefix=True
    ),
    "dns1035Label": _named(
        r"[a-z]([-a-z0-9]*[a-z0-9])?", "a DNS 1035 label", _LONGEST_LABEL
    ),
    "dns1035LabelPrefix": _named(
        r"[a-z]([-a-z0-9]*[a-z0-9])?", "a DNS 1035 label", _LONGEST_LABEL, prefix=True
    ),
    "qualifiedName": _qualified,
    "labelValue": _named(rf"({_KEY})?", "a label's value", _LONGEST_LABEL),
    "uri": _uri,
    "uuid": _named(_UUID, "a UUID"),
    "byte": _named(_BASE64, "base64"),
    "date": _date,
    "datetime": _date_time,
}


def _find(name: str) -> OptionalValue:
    return OptionalValue((Opaque(FORMAT.name, name),) if name in _FORMATS else ())


def _validate(form: Opaque, text: str) -> OptionalValue:
    check = _FORMATS.get(form.text)
    if check is None:
        raise CelError(f"no format {form.text}")
    faults = check(text)
    return OptionalValue((faults,) if faults else ())


def _constant(name: str) -> Function:
    return function(f"format.{name}", (), FORMAT, lambda: Opaque(FORMAT.name, name))


FUNCTIONS: Final[tuple[Function, ...]] = (
    *map(_constant, _FORMATS),
    function("format.named", (STRING,), optional_of(FORMAT), _find),
    member("validate", (FORMAT, STRING), optional_of(list_of(STRING)), _validate),
)
