"""Ask a token service, in the name of what the user may show.

oras-py knows the protocol for names and passwords; it is imported only after a 401,
since that takes 0.2 s.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from modelpack.errors import InvalidInput, RegistryError
from modelpack.oci.fields import Fields
from modelpack.registry.credentials import Credentials

if TYPE_CHECKING:
    import requests

_SECONDS: Final = 30
_MAX_ANSWER: Final = 1 << 20
_CLIENT: Final = "modelpack"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenService:
    """Where a challenge sends us, and for what (distribution, "Token Authentication").

    ``ca`` is a PEM file; ``proxy`` is the URL of the one on the way, if there is one.
    """

    realm: str
    service: str
    scope: str
    ca: Path | None = None
    proxy: str = ""

    def token(self, credentials: Credentials) -> str:
        """Return a token, or "" if the service gives none to the likes of us."""
        import requests
        from urllib3.exceptions import HTTPError

        with requests.Session() as session:
            session.trust_env = False
            if self.proxy:
                session.proxies["all"] = self.proxy
            session.verify = str(self.ca) if self.ca else True
            session.hooks["response"].append(_bounded)
            # Else a service that says nothing would be waited for without end.
            session.request = partial(  # type: ignore[method-assign]
                session.request, timeout=_SECONDS
            )
            ask = self._for_identity if credentials.identity else self._for_password
            try:
                return ask(session, credentials)
            except (
                requests.RequestException,
                HTTPError,
                ValueError,
                AttributeError,
            ) as error:
                host = urlsplit(self.realm).netloc
                raise RegistryError(f"{host}: no token: {error}") from error

    def _for_password(self, session: requests.Session, credentials: Credentials) -> str:
        from oras.auth.token import TokenAuth
        from oras.auth.utils import authHeader

        backend = TokenAuth()
        backend.session = session
        backend._tls_verify = session.verify  # noqa: SLF001
        asked = {"realm": self.realm, "service": self.service, "scope": self.scope}
        header = authHeader({key: text for key, text in asked.items() if text})
        if not credentials.basic:
            return str(backend.request_anonymous_token(header) or "")
        backend._basic_auth = credentials.basic  # noqa: SLF001
        return str(backend.request_token(header) or "")

    def _for_identity(self, session: requests.Session, credentials: Credentials) -> str:
        """Exchange an identity token (distribution, "OAuth2 Token Authentication").

        Redirects are not followed: the token would go along with the form.
        """
        answer = session.request(
            "POST",
            self.realm,
            data={
                "grant_type": "refresh_token",
                "client_id": _CLIENT,
                "service": self.service,
                "scope": self.scope,
                "refresh_token": credentials.identity,
            },
            allow_redirects=False,
        )
        if answer.status_code != 200:  # noqa: PLR2004
            return ""
        try:
            return Fields.of_json(answer.content).text("access_token", default="")
        except InvalidInput as error:
            raise ValueError(error) from error


def _bounded(response: requests.Response, **_: object) -> None:
    """Read an answer before anybody else does, and no more of it than it may have."""
    content = response.raw.read(_MAX_ANSWER + 1, decode_content=True)
    if len(content) > _MAX_ANSWER:
        response.close()
        raise ValueError(f"the answer has more than {_MAX_ANSWER} bytes")
    response._content = content  # noqa: SLF001 - requests has no other place for it
