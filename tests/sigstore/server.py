"""All services on one port, and the files that make clients trust them."""

import base64
import datetime as dt
import http.server
import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.sigstore.certificates import Fulcio, der_of, encoded, spki
from tests.sigstore.log import Object, Rekor
from tests.sigstore.login import Login
from tests.sigstore.timestamps import TimestampAuthority

_START = {"start": "2020-01-01T00:00:00Z"}
_OPERATOR = "private"


def _oidc_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class FakeSigstore:
    """Use as a context manager; ``url`` is also who issues identities."""

    fulcio: Fulcio = field(default_factory=Fulcio)
    rekor: Rekor = field(default_factory=Rekor)
    tsa: TimestampAuthority = field(default_factory=TimestampAuthority)
    issuer: str = ""
    """Said in certificates in the place of the real issuer."""
    login: Login = field(default_factory=Login)
    _oidc: rsa.RSAPrivateKey = field(default_factory=_oidc_key)

    def __enter__(self) -> Self:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def token(self, identity: str, **other: object) -> str:
        """Return a token that says: the bearer is this mail address, or workflow.

        ``other`` claims take the place of its own.
        """
        now = int(time.time())
        claims: dict[str, object] = {
            "iss": self.url,
            "aud": "sigstore",
            "sub": identity,
            "iat": now,
            "exp": now + 600,
        }
        if ":" not in identity:
            claims |= {"email": identity, "email_verified": True}
        return jwt.encode(claims | other, self._oidc, "RS256")

    def late(self, by: dt.timedelta) -> None:
        """Let certificates have ended by the time at which something is signed."""
        self.fulcio.ago = by

    def trusted_root(self) -> Object:
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [
                {
                    "baseUrl": f"https://{self.rekor.origin}",
                    "hashAlgorithm": "SHA2_256",
                    "publicKey": {
                        "rawBytes": encoded(spki(self.rekor.key.public_key())),
                        "keyDetails": "PKIX_ED25519",
                        "validFor": _START,
                    },
                    "logId": {"keyId": encoded(self.rekor.log_id)},
                }
            ],
            "certificateAuthorities": [_authority(self.url, self.fulcio.chain)],
            "ctlogs": [
                {
                    "baseUrl": self.url,
                    "hashAlgorithm": "SHA2_256",
                    "publicKey": {
                        "rawBytes": encoded(spki(self.fulcio.log_key.public_key())),
                        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                        "validFor": _START,
                    },
                    "logId": {"keyId": encoded(self.fulcio.log_id)},
                }
            ],
            "timestampAuthorities": [
                _authority(f"{self.url}/api/v1/timestamp", self.tsa.chain)
            ],
        }

    def signing_config(self) -> Object:
        return {
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": [_service(self.url, 1)],
            "oidcUrls": [_service(self.url, 1)],
            "rekorTlogUrls": [_service(self.url, 2)],
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaUrls": [_service(f"{self.url}/api/v1/timestamp", 1)],
            "tsaConfig": {"selector": "ANY"},
        }

    def write(self, folder: Path) -> tuple[Path, Path, Path]:
        """Write trust config, trusted root and signing config; return their paths."""
        config = {
            "mediaType": ("application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"),
            "trustedRoot": self.trusted_root(),
            "signingConfig": self.signing_config(),
        }
        documents = {
            "trust_config.json": config,
            "trusted_root.json": self.trusted_root(),
            "signing_config.json": self.signing_config(),
        }
        paths = []
        for name, document in documents.items():
            paths.append(folder / name)
            paths[-1].write_text(json.dumps(document))
        return paths[0], paths[1], paths[2]

    def redirect(self, path: str) -> str | None:
        """Where a GET is sent on to: somebody's browser, which logs in."""
        return self.login.answer(path) if path.startswith("/auth?") else None

    def get(self, path: str) -> bytes | None:
        """Answer a GET; None for what is not there."""
        if path == "/.well-known/openid-configuration":
            return json.dumps(
                {
                    "issuer": self.url,
                    "jwks_uri": f"{self.url}/keys",
                    "authorization_endpoint": f"{self.url}/auth",
                    "token_endpoint": f"{self.url}/token",
                }
            ).encode()
        return None

    def post(self, path: str, body: bytes, authorization: str) -> bytes | None:
        """Answer a POST; None for what is not there."""
        if path == "/api/v2/signingCert":
            return self._certify(json.loads(body), authorization)
        if path == "/api/v2/log/entries":
            return json.dumps(self.rekor.enter(json.loads(body))).encode()
        if path == "/api/v1/timestamp" and not self.tsa.down:
            return self.tsa.answer(body)
        if path == "/token":
            who = self.login.exchange(body)
            return json.dumps({"access_token": self.token(who)}).encode()
        return None

    def _certify(self, request: dict[str, str], authorization: str) -> bytes:
        token = authorization.removeprefix("Bearer ")
        claims = jwt.decode(
            token, self._oidc.public_key(), ["RS256"], audience="sigstore"
        )
        asked = base64.b64decode(request["certificateSigningRequest"])
        csr = x509.load_pem_x509_csr(asked)
        key = csr.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        leaf = self.fulcio.issue(key, claims["sub"], self.issuer or claims["iss"])
        chain = [
            each.public_bytes(serialization.Encoding.PEM).decode()
            for each in (leaf, *self.fulcio.chain)
        ]
        return json.dumps(
            {"signedCertificateEmbeddedSct": {"chain": {"certificates": chain}}}
        ).encode()


def _authority(url: str, chain: list[x509.Certificate]) -> Object:
    return {
        "subject": {"organization": "private sigstore", "commonName": "authority"},
        "uri": url,
        "certChain": {
            "certificates": [{"rawBytes": encoded(der_of(each))} for each in chain]
        },
        "validFor": _START,
    }


def _service(url: str, version: int) -> Object:
    return {
        "url": url,
        "majorApiVersion": version,
        "validFor": _START,
        "operator": _OPERATOR,
    }


def _handler(
    services: FakeSigstore,
) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place = services.redirect(self.path)
            if place is None:
                self._answer(services.get(self.path))
                return
            self.send_response(302)
            self.send_header("Location", place)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            authorization = self.headers.get("Authorization", "")
            try:
                self._answer(services.post(self.path, body, authorization), 201)
            except jwt.InvalidTokenError as error:
                self._refuse(error)

        def _refuse(self, error: jwt.InvalidTokenError) -> None:
            said = json.dumps({"code": 16, "message": f"identity token: {error}"})
            self._answer(said.encode(), 401)

        def _answer(self, content: bytes | None, status: int = 200) -> None:
            self.send_response(404 if content is None else status)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
