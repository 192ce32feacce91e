"""Keys in somebody's key management service, by way of securesystemslib.

The names are cosign's (``KMS.md``). What securesystemslib cannot do with such a name
is refused: it would be another key that signs, or another service that is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

from modelpack.errors import (
    AuthenticationError,
    InvalidInput,
    ModelpackError,
    RegistryError,
)
from modelpack.signing.foreign import INSTALL, said
from modelpack.signing.public_key import PublicKey

if TYPE_CHECKING:
    from securesystemslib.signer import Key, Signer

__all__ = ["SCHEMES", "KmsKey"]

# How we check signatures of a kind of key; PSS, say, is another way for RSA.
_WAYS: Final = frozenset(
    {
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "ed25519",
        "rsa-pkcs1v15-sha256",
    }
)
_RSA: Final = "rsa-pkcs1v15-sha256"
_VAULT_HOST: Final = ".vault.azure.net"
_GOOGLE: Final = (
    *("projects", "locations", "keyRings", "cryptoKeys", "cryptoKeyVersions"),
)
_UNSUPPORTED: Final = ("UnsupportedAlgorithmError", "UnsupportedKeyType")
_DENIED: Final = (
    *("Credential", "AccessDenied", "Forbidden", "Unauthorized", "Unauthenticated"),
    *("PermissionDenied", "UnrecognizedClient", "InvalidSignature", "ExpiredToken"),
    *("ClientAuthentication", "security token"),
)
"""Words by which the services' libraries say that it is the credentials."""


@dataclass(frozen=True, slots=True)
class KmsKey:
    """Implements ``SigningKey``: a service signs, with its own credentials."""

    uri: str
    public: PublicKey
    _signer: Signer

    @classmethod
    def open(cls, uri: str) -> Self:
        """Ask the service for the public key; ``InvalidInput`` if it will not do."""
        import_key = _import_of(uri)
        try:
            from securesystemslib.exceptions import UnsupportedLibraryError
            from securesystemslib.signer import Signer
        except ImportError as error:
            raise _missing(uri, error) from error
        try:
            private, key = import_key()
            signer = Signer.from_priv_key_uri(private, key)
        except ModelpackError:
            raise
        except UnsupportedLibraryError as error:
            raise _missing(uri, error) from error
        # The error is the service's library's own, of which there are four.
        except Exception as error:
            if type(error).__name__ in _UNSUPPORTED:
                raise InvalidInput(said(error), where=uri) from error
            raise _refused(error, uri) from error
        if signer.public_key.scheme not in _WAYS:
            raise InvalidInput(
                f"signs by {signer.public_key.scheme}, which nothing here reads",
                where=uri,
                hint="ECDSA, or RSA with PKCS#1 v1.5 and SHA-256",
            )
        return cls(uri, _public(key, uri), signer)

    def sign(self, message: bytes) -> bytes:
        """Let the service sign, and check that it did, with this key."""
        try:
            signature = bytes.fromhex(self._signer.sign(message).signature)
        except Exception as error:
            raise _refused(error, self.uri) from error
        self.public.check(signature, message)
        return signature


def _import_of(uri: str) -> Callable[[], tuple[str, Key]]:
    """Return what asks for the key of a name; ``InvalidInput`` where nothing can."""
    parts = urlsplit(uri)
    return SCHEMES[parts.scheme](uri, parts.netloc, parts.path.removeprefix("/"))


def _aws(uri: str, host: str, key: str) -> Callable[[], tuple[str, Key]]:
    if host:
        raise InvalidInput(
            f"the endpoint {host[:80]!r} cannot be given in the name of the key",
            where=uri,
            hint="AWS_ENDPOINT_URL_KMS=https://… and awskms:///KEY",
        )
    _wanted(key, uri, "awskms:///KEY-ID, awskms:///alias/NAME or awskms:///ARN")

    def ask() -> tuple[str, Key]:
        from securesystemslib.exceptions import UnsupportedAlgorithmError
        from securesystemslib.signer import AWSSigner

        try:
            return AWSSigner.import_(key, _RSA)
        except UnsupportedAlgorithmError:
            return AWSSigner.import_(key)  # not RSA; else it would choose PSS
        except KeyError as error:  # its SigningAlgorithms
            raise InvalidInput("is not a key to sign with", where=uri) from error

    return ask


def _google(uri: str, host: str, path: str) -> Callable[[], tuple[str, Key]]:
    name = f"{host}/{path}".replace("/versions/", "/cryptoKeyVersions/")
    words = name.split("/")
    named = len(words) == 2 * len(_GOOGLE) and all(words)
    _wanted(
        name if named and tuple(words[::2]) == _GOOGLE else "",
        uri,
        f"gcpkms://{'/'.join(f'{each}/…' for each in _GOOGLE)}, with the version",
    )

    def ask() -> tuple[str, Key]:
        from securesystemslib.signer import GCPSigner

        return GCPSigner.import_(name)

    return ask


def _azure(uri: str, host: str, key: str) -> Callable[[], tuple[str, Key]]:
    vault = host.removesuffix(_VAULT_HOST)
    named = host.endswith(_VAULT_HOST) and "/" not in key and "." not in vault
    _wanted(
        key if named and vault else "",
        uri,
        f"azurekms://VAULT{_VAULT_HOST}/KEY; its newest version signs",
    )

    def ask() -> tuple[str, Key]:
        from securesystemslib.signer import AzureSigner

        return AzureSigner.import_(vault, key)

    return ask


def _vault(uri: str, key: str, more: str) -> Callable[[], tuple[str, Key]]:
    _wanted(
        "" if more else key, uri, "hashivault://KEY, an Ed25519 key of Vault's transit"
    )

    def ask() -> tuple[str, Key]:
        from securesystemslib.signer import VaultSigner

        try:
            return VaultSigner.import_(key)
        except ValueError as error:
            raise InvalidInput(
                "is no Ed25519 key, and only those can be used in Vault", where=uri
            ) from error

    return ask


_Ask = Callable[[str, str, str], Callable[[], "tuple[str, Key]"]]
SCHEMES: Final[dict[str, _Ask]] = {
    "awskms": _aws,
    "azurekms": _azure,
    "gcpkms": _google,
    "hashivault": _vault,
}


def _wanted(key: str, uri: str, form: str) -> None:
    if not key:
        raise InvalidInput("does not name a key that can be used", where=uri, hint=form)


def _public(key: Key, uri: str) -> PublicKey:
    from securesystemslib.signer import SSlibKey

    if not isinstance(key, SSlibKey):
        raise InvalidInput("is not of a kind that is supported", where=uri)
    if key.keytype == "ed25519":
        from cryptography.hazmat.primitives.asymmetric import ed25519

        raw = bytes.fromhex(key.keyval["public"])
        return PublicKey.of(ed25519.Ed25519PublicKey.from_public_bytes(raw), uri)
    return PublicKey.parse(key.keyval["public"].encode(), uri)


def _missing(uri: str, error: Exception) -> InvalidInput:
    return InvalidInput(said(error), where=uri, hint=INSTALL)


def _refused(error: Exception, uri: str) -> ModelpackError:
    words = f"{type(error).__name__}: {said(error)}"
    if any(word in words for word in _DENIED):
        return AuthenticationError(words, where=uri)
    return RegistryError(words, where=uri)
