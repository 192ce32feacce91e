"""What ``--key`` can name: a file, a variable, a token's key, a service's key."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from modelpack.api.files import content_of
from modelpack.errors import InvalidInput
from modelpack.signing.pkcs11_uri import PKCS11, TokenUri
from modelpack.signing.public_key import PublicKey

if TYPE_CHECKING:
    from modelpack.signing.managed import SigningKey
    from modelpack.signing.private_key import Password

__all__ = ["is_elsewhere", "named_key", "named_public_key", "on_token"]

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*)://", re.ASCII)
_KMS: Final = ("awskms", "azurekms", "gcpkms", "hashivault")
_FILES: Final = "env"
_TRANSIT: Final = "TRANSIT_SECRET_ENGINE_PATH"  # cosign's, for Vault


def on_token(name: str | Path) -> bool:
    """Whether a key's name is that of one on a PKCS#11 token."""
    return str(name).startswith(PKCS11)


def is_elsewhere(name: str | Path) -> bool:
    """Whether a key is on a token or in a service, so that there is no file of it."""
    return on_token(name) or _service(str(name))


def named_key(name: str | Path, password: Password) -> SigningKey:
    """Return the private key of a name.

    ``password`` is asked for the password of an encrypted file, or a token's PIN.
    """
    text = str(name)
    if on_token(text):
        from modelpack.signing.token import TokenKey

        uri = _token_uri(text)
        secret = _known_pin(uri) or password()  # asked once for all that it signs
        return TokenKey.open(uri, lambda: secret)
    if _service(text):
        from modelpack.signing.kms import KmsKey

        return KmsKey.open(text)
    from modelpack.signing.private_key import PrivateKey

    return PrivateKey.parse(content_of(name), password, text)


def named_public_key(name: str | Path) -> PublicKey:
    """Return the public key of a name; a service or a token is asked for it."""
    text = str(name)
    if on_token(text):
        from modelpack.signing.token import public_key

        uri = _token_uri(text)
        known = _known_pin(uri)
        return public_key(uri, None if known is None else lambda: known)
    if _service(text):
        from modelpack.signing.kms import KmsKey

        return KmsKey.open(text).public
    content = content_of(name)
    if b"PRIVATE KEY" in content:
        raise InvalidInput(
            "is a private key; what verifies is the public one", where=text
        )
    return PublicKey.parse(content, text)


def _service(text: str) -> bool:
    """Whether a service has the key; ``InvalidInput`` where nothing here asks it."""
    match = _SCHEME.match(text)
    if match is None or match[1] == _FILES:
        return False
    if match[1] not in _KMS:
        raise InvalidInput(
            f"keys of {match[1]}:// are not supported",
            hint="a file, env://, pkcs11:, "
            + ", ".join(f"{scheme}://" for scheme in _KMS),
        )
    if match[1] == "hashivault" and os.environ.get(_TRANSIT, "transit") != "transit":
        raise InvalidInput("only the engine at transit can be used", where=_TRANSIT)
    return True


def _token_uri(text: str) -> TokenUri:
    uri = TokenUri.parse(text)
    module = uri.module or os.environ.get("COSIGN_PKCS11_MODULE_PATH")
    return replace(uri, module=module)


def _known_pin(uri: TokenUri) -> str | None:
    return uri.pin or os.environ.get("COSIGN_PKCS11_PIN") or None
