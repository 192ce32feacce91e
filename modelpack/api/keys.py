"""Private keys: made, looked at, and turned into who signs."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from modelpack.api.files import content_of
from modelpack.api.key_names import is_elsewhere, named_key, named_public_key
from modelpack.api.signing import SignWith
from modelpack.errors import InvalidInput, LocalError
from modelpack.oci.fields import Fields
from modelpack.signing.managed import KeySigning, KeyVerifier, Log
from modelpack.signing.private_key import Password, PrivateKey
from modelpack.signing.public_key import PublicKey

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInfo:
    """What a key is. ``private``: what was named holds more than the public key."""

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


def inspect_key(key: str | Path, password: Password) -> KeyInfo:
    """Say what a key is; an encrypted file needs its password."""
    if is_elsewhere(key):
        return _info(named_public_key(key), private=True)
    content = content_of(key)
    private = b"PRIVATE KEY" in content
    if private:
        public = PrivateKey.parse(content, password, str(key)).public
    else:
        public = PublicKey.parse(content, str(key))
    return _info(public, private=private)


def _info(public: PublicKey, *, private: bool) -> KeyInfo:
    return KeyInfo(
        kind=public.details,
        fingerprint=public.fingerprint,
        private=private,
        pem=public.pem.decode(),
    )


def is_exposed(key: str | Path) -> bool:
    """Whether a key's file holds it unencrypted, for others than its owner to read."""
    if is_elsewhere(key):
        return False
    try:
        mode = Path(key).stat().st_mode
    except (OSError, ValueError):
        return False  # it is no file: whoever reads it says so
    others = stat.S_IRWXG | stat.S_IRWXO
    return bool(mode & others) and b"ENCRYPTED" not in content_of(key)


def sign_with_key(
    key: str | Path,
    password: Password,
    *,
    log: Log | None = None,
    older: bool = False,
    model_signature: bool = True,
) -> SignWith:
    """Return what signs with a private key: a file's, a token's or a service's.

    ``password`` is asked for an encrypted file's password, or a token's PIN.
    ``log`` enters each signature in a transparency log; ``older`` also writes
    the form of cosign 2.
    """
    signing = KeySigning(key=named_key(key, password), log=log)
    return SignWith(
        signer=signing,
        # An entry counts as one where its log's keys are known.
        own=KeyVerifier(key=signing.key.public, logs=log.keys if log else None),
        older=signing if older else None,
        model_signature=model_signature,
        logs=log is not None,
    )


def open_log(
    *,
    url: str | None = None,
    signing_config: Path | None = None,
    trust_config: Path | None = None,
    trusted_root: Path | None = None,
) -> Log | None:
    """Return the transparency log to enter signatures in; None for none.

    The one at ``url``, or the first Rekor v2 that a signing config names. With a
    trusted root its entries are checked before they are believed.
    """
    from modelpack.api.verifying import load_logs
    from modelpack.signing.rekor import RekorLog, log_url

    if url is None:
        where = str(signing_config or trust_config)
        document: object = Fields.of_json(content_of(where), where=where).members
        if signing_config is None:
            document = Fields(document, where).get("signingConfig")
        url = log_url(document, datetime.now(UTC), where)
        if url is None:
            return None
    keys = None
    if trusted_root is not None or trust_config is not None:
        keys = load_logs(
            trusted_root=trusted_root,
            trust_config=None if trusted_root else trust_config,
        )
    return RekorLog(url, keys)


def _write(path: Path, content: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(path, flags, mode), "wb") as file:
            file.write(content)
    except OSError as error:
        raise LocalError(error.strerror or str(error), where=str(path)) from error
