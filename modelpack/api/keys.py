"""Keys: made, looked at, and turned into who signs and who is believed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from modelpack.api.trust import SignWith
from modelpack.attest.any_of import AnyOf
from modelpack.attest.evidence import Verifier
from modelpack.errors import InvalidInput, LocalError
from modelpack.signing.log import LogKeys
from modelpack.signing.managed import KeySigning, KeyVerifier, Log
from modelpack.signing.private_key import Password, PrivateKey
from modelpack.signing.public_key import PublicKey, read_key_file

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENV: Final = "env://"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInfo:
    """What a key is. ``private``: the file holds more than the public key."""

    kind: str
    fingerprint: str
    private: bool
    pem: str

    def document(self) -> Mapping[str, object]:
        """Return the JSON form (docs/json.md)."""
        return {
            "kind": self.kind,
            "fingerprint": f"sha256:{self.fingerprint}",
            "private": self.private,
            "publicKey": self.pem,
        }


def generate_key(prefix: str | Path, password: str) -> tuple[Path, Path]:
    """Write a new key pair as ``PREFIX.key`` and ``PREFIX.pub``; return both paths.

    The private key is encrypted as cosign does it, and readable by its owner
    alone. Raises ``InvalidInput`` rather than replace a file.
    """
    private = Path(f"{prefix}.key")
    public = Path(f"{prefix}.pub")
    for path in (private, public):
        if path.exists() or path.is_symlink():
            raise InvalidInput("exists; keys are never replaced", where=str(path))
    key = PrivateKey.generate()
    _write(private, key.encrypted(password), 0o600)
    _write(public, key.public.pem, 0o644)
    return private, public


def inspect_key(path: str | Path, password: Password) -> KeyInfo:
    """Say what a key file holds; an encrypted one needs its password."""
    content = read_key_file(Path(path))
    private = b"PRIVATE KEY" in content
    if private:
        public = PrivateKey.load(Path(path), password).public
    else:
        public = PublicKey.parse(content, str(path))
    return KeyInfo(
        kind=public.details,
        fingerprint=public.fingerprint,
        private=private,
        pem=public.pem.decode(),
    )


def sign_with_key(
    key: str | Path,
    password: Password,
    *,
    log: Log | None = None,
    older: bool = False,
    model_signature: bool = True,
) -> SignWith:
    """Return what signs with a private key.

    ``log`` enters each signature in a transparency log; ``older`` also writes
    the form of cosign 2.
    """
    signing = KeySigning(key=_private(key, password), log=log)
    return SignWith(
        signer=signing,
        own=KeyVerifier(key=signing.key.public),
        older=signing if older else None,
        model_signature=model_signature,
    )


def believe_keys(
    keys: Sequence[str | Path],
    *,
    logs: LogKeys | None = None,
    require_log: bool = False,
) -> Verifier:
    """Return what accepts signatures of any of these public keys."""
    if require_log and logs is None:
        raise InvalidInput(
            "which logs are to be trusted?", hint="--trusted-root FILE says it"
        )
    return AnyOf(
        tuple(
            KeyVerifier(key=_public(key), logs=logs, require_log=require_log)
            for key in keys
        )
    )


def load_logs(path: Path) -> LogKeys:
    """Read the logs of a trusted root file."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise InvalidInput("there is no such file", where=str(path)) from error
    except OSError as error:
        raise LocalError(error.strerror or str(error), where=str(path)) from error
    return LogKeys.of_trusted_root(content, str(path))


def _private(key: str | Path, password: Password) -> PrivateKey:
    text = str(key)
    if text.startswith(_ENV):
        return PrivateKey.parse(_variable(text), password, text)
    return PrivateKey.load(Path(key), password)


def _public(key: str | Path) -> PublicKey:
    text = str(key)
    if text.startswith(_ENV):
        return PublicKey.parse(_variable(text), text)
    content = read_key_file(Path(key))
    if b"PRIVATE KEY" in content:
        raise InvalidInput(
            "is a private key; what verifies is the public one", where=text
        )
    return PublicKey.parse(content, text)


def _variable(reference: str) -> bytes:
    name = reference.removeprefix(_ENV)
    value = os.environ.get(name)
    if not value:
        raise InvalidInput(f"the variable {name!r} is not set", where=reference)
    return value.encode()


def _write(path: Path, content: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(path, flags, mode), "wb") as file:
            file.write(content)
    except OSError as error:
        raise LocalError(error.strerror or str(error), where=str(path)) from error
