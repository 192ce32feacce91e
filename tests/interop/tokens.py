"""Tokens that a real registry takes: signed, and for the scopes that were asked for."""

import base64
import datetime as dt
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from tests.interop.authority import pem
from tests.token_server import Asked
from tests.token_server import token_server as serve

ISSUER = "modelpack test tokens"
SERVICE = "modelpack test registry"

# distribution, registry/auth/token/token.go: added to what the token says itself.
_LEEWAY = dt.timedelta(seconds=60)
_FOREVER = dt.timedelta(days=1)


@dataclass(slots=True, kw_only=True)
class TokenServer:
    """Issues tokens to one user; a test may change the terms while it runs.

    A registry takes a token until `lifetime` has passed, its leeway included. With
    `announced` false the client is not told how long that is.
    """

    certificate: Path
    username: str
    password: str
    key: rsa.RSAPrivateKey = field(repr=False)
    realm: str = ""
    identity: str = ""
    """What may be shown in place of name and password; "" for nothing."""
    lifetime: dt.timedelta = dt.timedelta(minutes=5)
    announced: bool = True
    issued: list[str] = field(default_factory=list)
    """The scopes of each token so far, as the client wrote them."""

    def issue(self, asked: Asked) -> Mapping[str, str | int] | None:
        """Give a token to whom this knows."""
        identified = self.identity and asked.identity == self.identity
        if not identified and not asked.shows(self.username, self.password):
            return None
        self.issued.append(" ".join(asked.scopes))
        token = self._signed(asked.scopes)
        body: dict[str, str | int] = {"token": token, "access_token": token}
        if self.announced:
            body["expires_in"] = max(1, int(self.lifetime.total_seconds()))
        return body

    def _signed(self, scopes: Sequence[str]) -> str:
        now = dt.datetime.now(dt.UTC)
        der = x509.load_pem_x509_certificate(
            self.certificate.read_bytes()
        ).public_bytes(serialization.Encoding.DER)
        header = {"alg": "RS256", "typ": "JWT", "x5c": [base64.b64encode(der).decode()]}
        claims = {
            "iss": ISSUER,
            "sub": self.username,
            "aud": SERVICE,
            "exp": int((now + self.lifetime - _LEEWAY).timestamp()),
            "nbf": int((now - _FOREVER).timestamp()),
            "iat": int(now.timestamp()),
            "jti": uuid.uuid4().hex,
            "access": [_access(scope) for scope in scopes],
        }
        signed = b".".join(_base64url(json.dumps(p).encode()) for p in (header, claims))
        signature = self.key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return (signed + b"." + _base64url(signature)).decode()


@contextmanager
def token_server(
    folder: Path, *, username: str, password: str
) -> Iterator[TokenServer]:
    """Serve tokens on a free loopback port; the signing certificate is in `folder`."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate = folder / "tokens.pem"
    certificate.write_bytes(pem(_self_signed(key)))
    tokens = TokenServer(
        certificate=certificate, username=username, password=password, key=key
    )
    with serve(tokens) as tokens.realm:
        yield tokens


def _access(scope: str) -> dict[str, str | list[str]]:
    # "repository:NAME:pull,push", where NAME may hold a port and so a colon.
    kind, _, rest = scope.partition(":")
    name, _, actions = rest.rpartition(":")
    return {"type": kind, "name": name, "actions": actions.split(",")}


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _self_signed(key: rsa.RSAPrivateKey) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER)])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _FOREVER)
        .not_valid_after(now + _FOREVER)
        .sign(key, hashes.SHA256())
    )
