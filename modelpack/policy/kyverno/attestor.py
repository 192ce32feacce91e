"""Who has to have signed: attestors of an ImageValidatingPolicy.

Kyverno 1.19, ``spec.attestors[].cosign``. What it does with an unusable key (counting
nobody) or with several identities (an error that it swallows) is a refusal here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from modelpack.errors import InvalidInput
from modelpack.oci.fields import Fields
from modelpack.policy.cel.regexp import GoPattern
from modelpack.policy.kyverno.reading import (
    child,
    each,
    flag,
    one_of,
    required,
    section,
    text,
)

_HASHES: Final = ("sha224", "sha256", "sha384", "sha512")
_TRUSTED_ROOT: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CtLog:
    """Which logs and time-stamping authorities count."""

    rekor_key: str = ""
    ct_log_key: str = ""
    tsa_chain: str = ""
    ignore_log: bool = False

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse ``ctlog``; no log is asked for anything, since bundles hold proofs."""
        inner = child(
            fields,
            "ctlog",
            "url",
            "rekorPubKey",
            "ctLogPubKey",
            "tsaCertChain",
            "insecureIgnoreTlog",
            "insecureIgnoreSCT",
        )
        text(inner, "url")
        flag(inner, "insecureIgnoreSCT", default=False)
        return cls(
            rekor_key=text(inner, "rekorPubKey"),
            ct_log_key=text(inner, "ctLogPubKey"),
            tsa_chain=text(inner, "tsaCertChain"),
            ignore_log=flag(inner, "insecureIgnoreTlog", default=False),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A public key, as PEM, and what it hashes a message with."""

    pem: str
    hash: str = "sha256"
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate whose key signs, and the chain that it has to lead to."""

    pem: str
    chain: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A subject or an issuer: exact, or a regular expression found anywhere in it.

    cosign uses Go's ``MatchString``, which is not anchored.
    """

    exact: str = ""
    pattern: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyless:
    """Identities, one of which has to have signed; and who may vouch for them."""

    subject: Name
    issuer: Name
    roots: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestor:
    """A named party that signs."""

    name: str
    by: Key | Certificate | Keyless
    log: CtLog
    trusted_root: str = ""


def attestor(value: object, where: str) -> Attestor:
    """Parse one attestor."""
    fields = section(value, where, "name", "cosign", unsupported=("notary",))
    name = required(fields, "name")
    cosign = section(
        fields.get("cosign"),
        fields.path("cosign"),
        "key",
        "keyless",
        "certificate",
        "ctlog",
        "trustedRoot",
        unsupported=("tuf", "source", "annotations"),
    )
    kinds = [key for key in _SIGNERS if cosign.has(key)]
    if len(kinds) != 1:
        raise InvalidInput(
            "needs one of key, keyless and certificate", where=fields.path("cosign")
        )
    return Attestor(
        name=name,
        by=_SIGNERS[kinds[0]](cosign.get(kinds[0]), cosign.path(kinds[0])),
        log=CtLog.parse(cosign),
        trusted_root=_value(cosign, "trustedRoot", _TRUSTED_ROOT),
    )


def _key(value: object, where: str) -> Key:
    fields = section(
        value, where, "data", "hashAlgorithm", unsupported=("kms", "expression")
    )
    pem = required(fields, "data")
    if "PRIVATE KEY" in pem:
        raise InvalidInput(
            "is a private key, which everybody who reads the policy now has",
            where=fields.path("data"),
            hint="put the public key there, and sign with a new one from now on",
        )
    return Key(
        pem=pem,
        hash=one_of(fields, "hashAlgorithm", _HASHES, "sha256"),
        where=fields.path("data"),
    )


def _certificate(value: object, where: str) -> Certificate:
    fields = section(value, where, "cert", "certChain")
    pem = _value(fields, "cert")
    if not pem:
        raise InvalidInput("is missing or empty", where=fields.path("cert"))
    return Certificate(
        pem=pem, chain=_value(fields, "certChain"), where=fields.path("cert")
    )


def _keyless(value: object, where: str) -> Keyless:
    fields = section(
        value, where, "identities", "roots", unsupported=("additionalExtensions",)
    )
    identities = each(fields, "identities", _identity)
    if len(identities) != 1:
        raise InvalidInput(
            f"has {len(identities)} identities; Kyverno takes exactly one with bundles",
            where=fields.path("identities"),
            hint="write one attestor for each",
        )
    subject, issuer = identities[0]
    return Keyless(
        subject=subject, issuer=issuer, roots=text(fields, "roots"), where=where
    )


_SIGNERS: Final[Mapping[str, Callable[[object, str], Key | Certificate | Keyless]]] = {
    "key": _key,
    "keyless": _keyless,
    "certificate": _certificate,
}


def _identity(value: object, where: str) -> tuple[Name, Name]:
    fields = section(
        value,
        where,
        "issuer",
        "issuerRegExp",
        "subject",
        "subjectRegExp",
        unsupported=("subjectExpression",),
    )
    return _name(fields, "subject"), _name(fields, "issuer")


def _name(fields: Fields, key: str) -> Name:
    name = Name(exact=text(fields, key), pattern=text(fields, f"{key}RegExp"))
    if bool(name.exact) == bool(name.pattern):
        raise InvalidInput(
            f"needs one of {key} and {key}RegExp", where=fields.path(key)
        )
    if name.pattern:
        GoPattern(name.pattern, fields.path(f"{key}RegExp"))
    return name


def _value(fields: Fields, key: str, longest: int = 64 << 10) -> str:
    """Return a text that is given as such; an expression for it is not supported."""
    inner = child(fields, key, "value", unsupported=("expression",))
    if not inner.has("value"):
        return ""
    value = inner.text("value")
    if len(value) > longest:
        raise InvalidInput(
            f"is longer than {longest >> 10} KiB", where=inner.path("value")
        )
    return value
