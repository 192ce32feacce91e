"""URLs, as Go's net/url reads them: absolute ones, or paths from the root."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import quote, unquote

from modelpack.policy.cel.errors import CelError
from modelpack.policy.cel.functions import Function, function, member
from modelpack.policy.cel.types import BOOL, STRING, list_of, map_of, opaque
from modelpack.policy.cel.values import Opaque

__all__ = ["FUNCTIONS", "fault_of_url"]

URL: Final = opaque("kubernetes.URL")

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):", re.ASCII)
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PORT: Final = re.compile(r":[0-9]*", re.ASCII)
_USER: Final = re.compile(r"[A-Za-z0-9._:~!$&'()*+,;=%@-]*", re.ASCII)
# In a host only bytes beyond ASCII may be escaped, and a percent sign.
_HOST: Final = re.compile(
    r"(?:[A-Za-z0-9_.~!$&'()*+,;=:\[\]<>\"-]|%25|%[89A-Fa-f][0-9A-Fa-f]|[^\x00-\x7f])*",
    re.ASCII,
)
_SAFE_IN_PATH: Final = "$&+,/:;=@-_.~"
_AS_IT_IS: Final = re.compile(r"[A-Za-z0-9$&+,/:;=@_.~!'()*\[\]%-]*", re.ASCII)
_MOST_PARAMETERS: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Url:
    scheme: str
    host: str
    path: str
    query: str

    @classmethod
    def parse(cls, text: str) -> Self:
        if not text or _CONTROL.search(text):
            raise CelError("empty, or with a control character")
        scheme, rest = _split_scheme(text)
        rest = rest.partition("#")[0]
        rest, _, query = rest.partition("?")
        if not rest.startswith("/") and text != "*":
            if not scheme:
                raise CelError("neither absolute nor a path from the root")
            # What is before the colon names a scheme without paths, as in mailto:.
            return cls(scheme, "", "", query)
        host = ""
        if scheme and rest.startswith("//"):
            authority, slash, path = rest[2:].partition("/")
            host, rest = _host(authority, scheme), slash + path
        if _BAD_ESCAPE.search(rest):
            raise CelError("an invalid escape")
        return cls(scheme, host, rest, query)

    @property
    def port(self) -> str:
        _, colon, port = self.host.rpartition(":")
        return port if colon and (not port or port.isdecimal()) else ""

    @property
    def hostname(self) -> str:
        name, colon, port = self.host.rpartition(":")
        if not colon or (port and not port.isdecimal()):
            name = self.host
        return name[1:-1] if name.startswith("[") and name.endswith("]") else name


def _split_scheme(text: str) -> tuple[str, str]:
    if text.startswith(":"):
        raise CelError("missing protocol scheme")
    found = _SCHEME.match(text)
    return (found[1].lower(), text[found.end() :]) if found else ("", text)


def _host(authority: str, scheme: str) -> str:
    user, at, host = authority.rpartition("@")
    if at and (not _USER.fullmatch(user) or _BAD_ESCAPE.search(user)):
        raise CelError("invalid user information")
    if "[" in host:
        return _literal(host)
    _, colon, port = host.partition(":")
    if ":" in port and scheme not in ("http", "https"):
        port = host.rpartition(":")[2]
    if colon and not _PORT.fullmatch(f":{port}"):
        raise CelError("invalid port after host")
    if not _HOST.fullmatch(host):
        raise CelError("invalid character in host name")
    return unquote(host)


def _literal(host: str) -> str:
    """Check an address of IPv6 in brackets (RFC 3986, 3.2.2)."""
    inside, closed, port = host[1:].rpartition("]")
    if not host.startswith("[") or not closed or (port and not _PORT.fullmatch(port)):
        raise CelError("invalid IP-literal")
    try:
        ipaddress.IPv6Address(unquote(inside))
    except ValueError as error:
        raise CelError("invalid host") from error
    return f"[{unquote(inside)}]{port}"


def _is_url(text: str) -> bool:
    return not fault_of_url(text)


def fault_of_url(text: str) -> str:
    """Say why a text is no URL; nothing where it is one."""
    try:
        _Url.parse(text)
    except CelError as error:
        return str(error)
    return ""


def _url(text: str) -> Opaque:
    try:
        found = _Url.parse(text)
    except CelError as error:
        raise CelError(
            f"URL parse error during conversion from string: {error}"
        ) from error
    # Two are equal when their texts are, and the scheme has no case.
    return Opaque(URL.name, found.scheme + text[len(found.scheme) :])


def _of(url: Opaque) -> _Url:
    return _Url.parse(url.text)


def _escaped_path(url: Opaque) -> str:
    path = _of(url).path
    if _AS_IT_IS.fullmatch(path):
        return path
    return quote(unquote(path), safe=_SAFE_IN_PATH)


def _query(url: Opaque) -> dict[str, list[str]]:
    parts = _of(url).query.split("&")
    if len(parts) > _MOST_PARAMETERS:
        raise CelError("number of URL query parameters exceeded limit")
    found: dict[str, list[str]] = {}
    for part in parts:
        # Go passes over what it cannot read.
        if not part or ";" in part or _BAD_ESCAPE.search(part):
            continue
        key, _, value = part.replace("+", " ").partition("=")
        found.setdefault(unquote(key), []).append(unquote(value))
    return found


FUNCTIONS: Final[tuple[Function, ...]] = (
    function("url", (STRING,), URL, _url),
    function("isURL", (STRING,), BOOL, _is_url),
    member("getScheme", (URL,), STRING, lambda url: _of(url).scheme),
    member("getHost", (URL,), STRING, lambda url: _of(url).host),
    member("getHostname", (URL,), STRING, lambda url: _of(url).hostname),
    member("getPort", (URL,), STRING, lambda url: _of(url).port),
    member("getEscapedPath", (URL,), STRING, _escaped_path),
    member("getQuery", (URL,), map_of(STRING, list_of(STRING)), _query),
)
