"""One registry's HTTP: connections, redirects, authentication, answers.

Credentials go to the registry's own origin and nowhere else: a redirect or an
upload location on another host is followed without them, and never from HTTPS
to HTTP.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, cast
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import (
    HTTPError,
    MaxRetryError,
    NewConnectionError,
    ProxyError,
    SSLError,
)

from modelpack.errors import (
    AuthenticationError,
    InvalidInput,
    NotFound,
    RegistryError,
)
from modelpack.oci.fields import Fields
from modelpack.oci.reference import Repository
from modelpack.registry.auth import Authenticator
from modelpack.registry.connections import Connecting, Connections, speaks_tls
from modelpack.registry.credentials import Login

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS: Final = 5
_MAX_ERROR_BODY: Final = 64 << 10
_MAX_HEADER: Final = 8 << 10
_TUNNEL: Final = re.compile(r"Tunnel connection failed: (\d{3})")
_NUMBER: Final = re.compile(r"\d{1,18}", re.ASCII)
_TIMEOUT: Final = urllib3.Timeout(connect=10, read=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. ``body`` is bytes, or an iterator that can be sent only once."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Iterator[memoryview] | None = None
    expect: tuple[int, ...] = (200,)


class Http:
    """Sends requests to one registry, and to where it points."""

    def __init__(
        self, repository: Repository, connecting: Connecting, login: Login
    ) -> None:
        self._connecting = connecting
        self._repository = repository
        self._connections = Connections(connecting)
        self._auth = Authenticator(repository, login)
        self._base = ""

    @property
    def base(self) -> str:
        """``https://host`` or, where plain HTTP is allowed and spoken, ``http://host``."""
        if not self._base:
            self._base = f"{self._scheme()}://{self._repository.host}"
        return self._base

    def _scheme(self) -> str:
        if self._connecting.plain_http:
            return "http"
        if not self._repository.is_loopback:
            return "https"
        # On loopback HTTPS is tried first, then HTTP, as cosign and Kyverno do.
        # A certificate that does not verify is an error, not a reason for HTTP.
        return "https" if speaks_tls(self._repository.host) else "http"

    def send(self, request: Request) -> urllib3.HTTPResponse:
        """Send, answer a challenge, follow redirects; the body is not yet read.

        A status that is not expected raises ``RegistryError`` or a subclass.
        """
        url = urljoin(self.base, request.url)
        for _ in range(_MAX_REDIRECTS + 1):
            response = self._authorised(request, url)
            location = response.headers.get("Location", "")
            follows = request.method in ("GET", "HEAD") and location
            if response.status not in _REDIRECTS or not follows:
                break
            finish(response)
            url = self._checked(urljoin(url, location), url)
        else:
            raise RegistryError(f"more than {_MAX_REDIRECTS} redirects", where=url)
        if response.status in request.expect:
            return response
        raise _refused(request, url, response)

    def call(self, request: Request) -> urllib3.HTTPResponse:
        """Send, and take in the whole answer: for answers without a body."""
        response = self.send(request)
        finish(response)
        return response

    def close(self) -> None:
        """Close every idle connection."""
        self._connections.close()

    def ping(self) -> None:
        """Ask for the API's root, as a login does to be checked."""
        self.call(Request(method="GET", url="/v2/"))

    def locate(self, response: urllib3.HTTPResponse, sent_to: str) -> str:
        """Return the absolute ``Location`` of an answer, checked for downgrades."""
        location = response.headers.get("Location", "")
        if not location:
            raise RegistryError("no Location in the answer", where=sent_to)
        base = urljoin(self.base, sent_to)
        return self._checked(urljoin(base, location), base)

    def join(self, base: str, link: str) -> str:
        """Return where a ``Link`` leads; it may not leave the registry."""
        url = urljoin(urljoin(self.base, base), link)
        if not self.is_own(url):
            raise RegistryError(f"its list goes on at {url[:200]!r}", where=base)
        return url

    def is_own(self, url: str) -> bool:
        """Whether ``url`` is on the registry's own origin."""
        return _origin(url) == _origin(self.base)

    def _checked(self, url: str, base: str) -> str:
        scheme = urlsplit(url).scheme
        downgraded = urlsplit(base).scheme == "https" and scheme != "https"
        if scheme not in ("http", "https") or downgraded:
            raise RegistryError(
                f"points to {url[:200]!r}, which is not HTTPS", where=base
            )
        return url

    def _authorised(self, request: Request, url: str) -> urllib3.HTTPResponse:
        if not self.is_own(url):
            return self._exchange(request, url, None)
        writing = request.method not in ("GET", "HEAD")
        sent = self._auth.header(writing=writing)
        response = self._exchange(request, url, sent)
        if response.status != 401:  # noqa: PLR2004
            return response
        finish(response)
        challenge = header_of(response, "WWW-Authenticate", str(self._repository))
        self._auth.answer(challenge, writing=writing, refused=sent)
        if not isinstance(request.body, bytes | None):
            raise RegistryError("the token ran out; it was renewed", status=401)
        sent = self._auth.header(writing=writing)
        response = self._exchange(request, url, sent)
        if response.status == 401:  # noqa: PLR2004
            finish(response)
            raise AuthenticationError(
                "the credentials were refused",
                where=str(self._repository),
                hint=f"modelpack login {self._repository.host}",
            )
        return response

    def _exchange(
        self, request: Request, url: str, authorization: str | None
    ) -> urllib3.HTTPResponse:
        headers = {
            "User-Agent": self._connecting.user_agent,
            "Accept-Encoding": "identity",
            **request.headers,
        }
        if authorization is not None:
            headers["Authorization"] = authorization
        try:
            response = self._connections.to(url).urlopen(
                request.method,
                url,
                body=request.body,
                headers=headers,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
                timeout=_TIMEOUT,
            )
        except (HTTPError, OSError) as error:
            raise self._unreachable(error) from error
        # preload_content=False makes it this class, which has the socket.
        return cast("urllib3.HTTPResponse", response)

    def _unreachable(self, error: Exception) -> RegistryError:
        reason: object = error
        while isinstance(reason, MaxRetryError | SSLError) and reason.args:
            inner = (
                reason.reason if isinstance(reason, MaxRetryError) else reason.args[0]
            )
            if not isinstance(inner, Exception):
                break
            reason = inner
        if isinstance(reason, ssl.SSLCertVerificationError):
            return RegistryError(
                f"its certificate is not trusted: {reason.verify_message}",
                status=495,  # for good: waiting does not mend a certificate
                where=self._repository.host,
                hint="--ca-file FILE names the authority that signed it",
            )
        host = self._repository.host
        if isinstance(reason, ProxyError):
            told = _TUNNEL.search(str(reason.original_error))
            return RegistryError(
                f"the proxy on the way there does not connect: {reason.original_error}",
                status=int(told[1]) if told else 0,
                where=host,
                hint="HTTPS_PROXY, HTTP_PROXY and NO_PROXY say which way to go",
            )
        name = reason.__cause__ if isinstance(reason, NewConnectionError) else None
        if isinstance(name, socket.gaierror) and name.errno != socket.EAI_AGAIN:
            return RegistryError(
                f"the name does not resolve: {name.strerror}",
                status=523,  # for good: waiting does not make a name
                where=host,
                hint="look for a slip in the host, or a proxy that is not set",
            )
        if isinstance(name, ConnectionRefusedError):
            return RegistryError(
                "the connection was refused",
                where=host,
                hint="is the registry running, and is this its port?",
            )
        return RegistryError(f"no answer: {reason}", where=host)


def read_bounded(response: urllib3.HTTPResponse, limit: int, where: str) -> bytes:
    """Read a small answer whole; refuse one of more than ``limit`` bytes."""
    content = bytearray()
    try:
        while len(content) <= limit and (
            more := response.read(limit + 1 - len(content))
        ):
            content += more
    except (HTTPError, OSError) as error:
        response.close()
        raise RegistryError(f"the answer broke off: {error}", where=where) from error
    promised = whole_number(response.headers.get("Content-Length"))
    if len(content) > limit:
        response.close()
        raise InvalidInput(f"the answer has more than {limit} bytes", where=where)
    response.release_conn()
    if promised is not None and promised != len(content):
        raise RegistryError(f"{len(content)} of {promised} bytes came", where=where)
    return bytes(content)


def header_of(response: urllib3.HTTPResponse, name: str, where: str) -> str:
    """Return a header that will be taken apart; "" where there is none.

    Patterns take quadratic time over what a hostile server makes long enough.
    """
    value = response.headers.get(name, "")
    if len(value) > _MAX_HEADER:
        raise RegistryError(f"a {name} of {len(value)} characters", where=where)
    return value


def finish(response: urllib3.HTTPResponse) -> None:
    """Let go of an answer whose body, which should be short, does not matter."""
    try:
        rest = response.read(_MAX_ERROR_BODY)
    except (HTTPError, OSError):
        rest = None
    if rest is None or len(rest) == _MAX_ERROR_BODY:
        response.close()  # reading to its end could take for ever
    else:
        response.release_conn()


def whole_number(text: str | None) -> int | None:
    """Parse what should be a number in a header; None if it is none, or absurd."""
    found = _NUMBER.fullmatch(text.strip()) if text is not None else None
    return int(found[0]) if found else None


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", parts.port or default


def _refused(
    request: Request, url: str, response: urllib3.HTTPResponse
) -> RegistryError | AuthenticationError:
    """Turn an answer that was not expected into the error that says who must act."""
    where = f"{request.method} {urlsplit(url)._replace(query='').geturl()}"
    told = _error_body(response)
    message = f"{response.status} {response.reason or ''}".strip()
    message += f": {told.code} {told.message}".rstrip() if told != _Told() else ""
    if response.status == 403:  # noqa: PLR2004
        return AuthenticationError(
            message, where=where, hint="the account lacks access"
        )
    kind = NotFound if response.status == 404 else RegistryError  # noqa: PLR2004
    return kind(
        message,
        status=response.status,
        code=told.code,
        detail=told.detail,
        retry_after=_seconds(response.headers.get("Retry-After")),
        where=where,
    )


@dataclass(frozen=True, slots=True)
class _Told:
    """The first error in an answer (distribution-spec, "Error Codes")."""

    code: str = ""
    message: str = ""
    detail: str = ""


def _error_body(response: urllib3.HTTPResponse) -> _Told:
    """Return what the registry says of its error; nothing where it says nothing."""
    try:
        raw = response.read(_MAX_ERROR_BODY)
        errors = Fields.of_json(raw).array("errors")
        first = Fields(errors[0])
        detail = first.members.get("detail")  # "unstructured data"
        return _Told(
            first.text("code", default=""),
            first.text("message", default="")[:300],
            detail[:300] if isinstance(detail, str) else "",
        )
    except (HTTPError, OSError, InvalidInput, IndexError):
        return _Told()
    finally:
        response.close()


def _seconds(text: str | None) -> float | None:
    # RFC 9110, 10.2.3: a number of seconds; the date form is rare and ignored.
    seconds = whole_number(text)
    return None if seconds is None else float(seconds)
