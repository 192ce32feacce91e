"""From an attestor of a policy to a verifier of signatures.

What Kyverno would count for nobody without a word (a key that is none, a hash that no
tool signs with) is refused here by name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from modelpack.attestation.evidence import Verifier
from modelpack.errors import InvalidInput
from modelpack.policy.cel.regexp import GoPattern
from modelpack.policy.kyverno.attestor import Attestor, Key, Keyless, Name
from modelpack.signing.certificate import certified_key
from modelpack.signing.composed import composed_root
from modelpack.signing.keyless import Expected, KeylessVerifier, Names, Pattern
from modelpack.signing.log import LogKey, LogKeys
from modelpack.signing.managed import KeyVerifier
from modelpack.signing.public_key import PublicKey
from modelpack.signing.trust import private_instance
from modelpack.signing.validity import Validity

if TYPE_CHECKING:
    from sigstore.models import ClientTrustConfig

__all__ = ["verifier_of"]

Public = Callable[[], "ClientTrustConfig"]
"""Gives the trust of the public Sigstore, for an attestor that names no other."""


def verifier_of(attestor: Attestor, public: Public) -> Verifier:
    """Return what accepts an attestor's signatures, and nobody else's.

    Raises ``InvalidInput`` where nobody's could be accepted.
    """
    by = attestor.by
    if isinstance(by, Keyless):
        return _keyless(attestor, by, public)
    if attestor.log.tsa_chain:
        raise InvalidInput(
            "ctlog.tsaCertChain is supported with keyless attestors alone",
            where=by.where,
        )
    if isinstance(by, Key):
        key = PublicKey.parse(by.pem.encode(), by.where)
        _check_hash(key, by)
    else:
        key = certified_key(by.pem.encode(), by.chain.encode(), by.where)
    if attestor.log.ignore_log:
        return KeyVerifier(key=key)
    return KeyVerifier(key=key, logs=_logs(attestor, public), require_log=True)


def _check_hash(key: PublicKey, by: Key) -> None:
    """Refuse a hash with which no signature of this key is ever made.

    cosign signs with the one that goes with the key; Ed25519 has its own.
    """
    if key.details == "PKIX_ED25519" or key.hash.name == by.hash:
        return
    raise InvalidInput(
        f"signatures of this key are made with {key.hash.name}, not {by.hash}",
        where=by.where,
        hint=f"hashAlgorithm: {key.hash.name}",
    )


def _keyless(attestor: Attestor, by: Keyless, public: Public) -> Verifier:
    """Return a verifier that asks for certificate, log and time, whatever is ignored.

    ``insecureIgnoreTlog`` and ``insecureIgnoreSCT`` make Kyverno ask for less; what
    is asked for here holds there as well.
    """
    expected = Expected(identity=_names(by.subject), issuer=_names(by.issuer))
    root = composed_root(attestor, by)
    if root is None:
        return KeylessVerifier(expected, public)
    verifier = KeylessVerifier(
        expected, cache(lambda: private_instance(trusted_root=root))
    )
    verifier.load()  # what is wrong with the trust is no fault of any bundle
    return verifier


def _names(name: Name) -> Names:
    return GoPattern(name.pattern) if name.pattern else Pattern(name.exact)


def _logs(attestor: Attestor, public: Public) -> LogKeys:
    if attestor.log.rekor_key:
        key = PublicKey.parse(attestor.log.rekor_key.encode(), "ctlog.rekorPubKey")
        log_id = hashlib.sha256(key.der).digest()
        return LogKeys({log_id: LogKey(key, Validity())})
    if attestor.trusted_root:
        return LogKeys.of_trusted_root(attestor.trusted_root.encode(), "trustedRoot")
    root = public().trusted_root._inner  # noqa: SLF001 - its fields are nowhere else
    return LogKeys.of_trusted_root(root.to_json().encode(), "the public Sigstore")
