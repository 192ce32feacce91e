"""Keys on PKCS#11 tokens: the private key stays there, and the token signs.

With python-pkcs11 itself, not with securesystemslib's ``HSMSigner``: that finds keys
by a number only, takes the module from a variable, and knows no RSA.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from modelpack.errors import AuthenticationError, InvalidInput, LocalError
from modelpack.signing.foreign import INSTALL, said
from modelpack.signing.pkcs11_uri import TokenUri
from modelpack.signing.public_key import PublicKey

if TYPE_CHECKING:
    import pkcs11

Pin = Callable[[], str]
"""Asked only where the token wants it."""


@dataclass(frozen=True, slots=True)
class TokenKey:
    """Implements ``SigningKey`` with a key that does not leave its token."""

    uri: TokenUri
    public: PublicKey
    _pin: Pin = field(repr=False)

    @classmethod
    def open(cls, uri: TokenUri, pin: Pin) -> Self:
        """Find the key's public half; raise ``InvalidInput`` where it is not there."""
        return cls(uri, public_key(uri, pin), pin)

    def sign(self, message: bytes) -> bytes:
        """Let the token sign, and check that it did, with this key."""
        with _session(self.uri, self._pin) as session:
            signature = _signed(_found(session, self.uri, private=True), message, self)
        self.public.check(signature, message)
        return signature


def public_key(uri: TokenUri, pin: Pin | None) -> PublicKey:
    """Read a public key; some tokens show it only to whoever has the PIN."""
    with _session(uri, None) as session:
        found = _objects(session, uri, private=False)
        if found or pin is None:
            return _public(_one(found, uri), uri)
    with _session(uri, pin) as session:
        return _public(_found(session, uri, private=False), uri)


def _signed(key: Any, message: bytes, of: TokenKey) -> bytes:  # noqa: ANN401 - pkcs11's
    from pkcs11 import Mechanism

    if isinstance(of.public.key, rsa.RSAPublicKey):
        return bytes(key.sign(message, mechanism=Mechanism.SHA256_RSA_PKCS))
    digest = hashlib.new(of.public.hash.name, message).digest()
    raw = bytes(key.sign(digest, mechanism=Mechanism.ECDSA))
    # PKCS#11 2.40, 2.3.1: r and s, of equal length, one behind the other.
    half = len(raw) // 2
    return encode_dss_signature(
        int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")
    )


@contextmanager
def _session(uri: TokenUri, pin: Pin | None) -> Iterator[pkcs11.Session]:
    """Open the one token that fits, with a login where there is a PIN."""
    try:
        import pkcs11
        from pkcs11 import exceptions
    except ImportError as error:
        raise InvalidInput(
            "keys on tokens need python-pkcs11", where=uri.shown, hint=INSTALL
        ) from error
    if not uri.module:
        raise InvalidInput(
            "by which module?",
            where=uri.shown,
            hint="?module-path=/…/library.so, or COSIGN_PKCS11_MODULE_PATH",
        )
    wrong_pin = (
        exceptions.PinIncorrect,
        exceptions.PinInvalid,
        exceptions.PinLenRange,
        exceptions.PinLocked,
        exceptions.PinExpired,
    )
    secret = pin() if pin is not None else None
    try:
        token = _token(pkcs11.lib(uri.module), uri)
        with token.open(user_pin=secret) as session:
            yield session
    except wrong_pin as error:
        raise AuthenticationError(
            f"the token refuses the PIN ({type(error).__name__})", where=uri.shown
        ) from error
    except (exceptions.PKCS11Error, OSError) as error:
        name = type(error).__name__
        raise LocalError(f"{name}: {said(error)}", where=uri.shown) from error


def _token(library: Any, uri: TokenUri) -> pkcs11.Token:  # noqa: ANN401 - untyped
    from pkcs11 import TokenFlag

    found: list[pkcs11.Token] = []
    labels = []
    for slot in library.get_slots(token_present=True):
        if uri.slot not in (None, slot.slot_id):
            continue
        token = slot.get_token()
        if not token.flags & TokenFlag.TOKEN_INITIALIZED:
            continue  # SoftHSM always has one, for the next
        labels.append(repr(token.label))
        serial = token.serial.rstrip(b" \0").decode(errors="replace")
        if uri.token in (None, token.label) and uri.serial in (None, serial):
            found.append(token)
    if len(found) != 1:
        raise InvalidInput(
            f"{len(found)} tokens fit; there has to be one",
            where=uri.shown,
            hint=f"there are: {', '.join(labels)}" if labels else "",
        )
    return found[0]


def _found(session: pkcs11.Session, uri: TokenUri, *, private: bool) -> Any:  # noqa: ANN401
    return _one(_objects(session, uri, private=private), uri)


def _objects(session: pkcs11.Session, uri: TokenUri, *, private: bool) -> list[Any]:
    from pkcs11 import Attribute, ObjectClass

    wanted: dict[Attribute, Any] = {
        Attribute.CLASS: ObjectClass.PRIVATE_KEY if private else ObjectClass.PUBLIC_KEY
    }
    if uri.object is not None:
        wanted[Attribute.LABEL] = uri.object
    if uri.id is not None:
        wanted[Attribute.ID] = uri.id
    return list(session.get_objects(wanted))


def _one(found: list[Any], uri: TokenUri) -> Any:  # noqa: ANN401 - pkcs11's own
    if len(found) != 1:
        raise InvalidInput(
            f"{len(found)} keys fit; there has to be one", where=uri.shown
        )
    return found[0]


def _public(key: Any, uri: TokenUri) -> PublicKey:  # noqa: ANN401 - pkcs11's own
    from pkcs11 import Attribute, KeyType
    from pkcs11.util.ec import encode_ec_public_key

    if key.key_type is KeyType.RSA:
        numbers = rsa.RSAPublicNumbers(
            int.from_bytes(key[Attribute.PUBLIC_EXPONENT], "big"),
            int.from_bytes(key[Attribute.MODULUS], "big"),
        )
        return PublicKey.of(numbers.public_key(), uri.shown)
    if key.key_type is not KeyType.EC:
        raise InvalidInput(
            f"is a key of type {key.key_type!s}; ECDSA and RSA are what is supported",
            where=uri.shown,
        )
    parsed = PublicKey.parse(encode_ec_public_key(key), uri.shown)
    if not isinstance(parsed.key, ec.EllipticCurvePublicKey):
        raise InvalidInput("is not what it says it is", where=uri.shown)
    return parsed
