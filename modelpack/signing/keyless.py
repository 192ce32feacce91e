"""Sign and verify keyless: with an identity that an issuer vouches for.

Certificates, their transparency, timestamps and log entries are sigstore-python's to
check; whose signature it has to be, and which bytes it is over, is checked here.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Protocol

from modelpack.attestation.bundle import Bundle
from modelpack.attestation.envelope import Envelope
from modelpack.attestation.evidence import CertificateSigner, Proven, Verifier
from modelpack.attestation.statement import Statement
from modelpack.errors import (
    AuthenticationError,
    InvalidInput,
    RegistryError,
    VerificationError,
)
from modelpack.signing.foreign import said
from modelpack.signing.identity_token import parsed_token
from modelpack.signing.older import verify_older
from modelpack.signing.trusted import Trusted

if TYPE_CHECKING:
    from cryptography import x509
    from sigstore.models import ClientTrustConfig

# sigstore/fulcio, docs/oid-info.md: the issuer, raw and as a DER UTF8String.
_ISSUER_V1: Final = "1.3.6.1.4.1.57264.1.1"
_ISSUER_V2: Final = "1.3.6.1.4.1.57264.1.8"
_OTHER_NAME: Final = "1.3.6.1.4.1.57264.1.7"
_UTF8_STRING: Final = 0x0C
_DENIED: Final = frozenset({400, 401, 403})
"""How Fulcio says that a token is not good enough."""


class Names(Protocol):
    """Knows which names are meant."""

    def matches(self, name: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a name has to be: exactly ``text``, or all of it matched by it."""

    text: str
    is_regexp: bool = False

    def __post_init__(self) -> None:
        if not self.text:
            raise InvalidInput("an empty identity or issuer would match nobody")
        if self.is_regexp:
            try:
                re.compile(self.text)
            except re.error as error:
                raise InvalidInput(
                    f"not a regular expression: {error}", where=self.text[:160]
                ) from error

    def matches(self, name: str) -> bool:
        """Whether all of ``name`` is what was asked for."""
        if self.is_regexp:
            return re.fullmatch(self.text, name) is not None
        return name == self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Who has to have signed: an identity, vouched for by an issuer. Both count."""

    identity: Names
    issuer: Names

    def signer(self, certificate: x509.Certificate) -> CertificateSigner:
        """Return who a certificate names, or raise if it is somebody else."""
        issuer = _issuer(certificate)
        names = _identities(certificate)
        if not self.issuer.matches(issuer):
            raise VerificationError(f"was signed under the issuer {issuer[:200]!r}")
        for name in names:
            if self.identity.matches(name):
                return CertificateSigner(identity=name, issuer=issuer)
        shown = ", ".join(repr(name[:200]) for name in names)
        raise VerificationError(f"was signed by {shown or 'nobody by name'}")


class KeylessVerifier:
    """Implements ``Verifier``: signatures of somebody, by certificate.

    Always asks for a log entry and a time that somebody vouches for. For many
    threads; ``trust`` is asked once.
    """

    def __init__(
        self, expected: Expected, trust: Callable[[], ClientTrustConfig]
    ) -> None:
        self._expected = expected
        self._trust = trust
        self._lock = threading.Lock()
        self._loaded: Trusted | None = None

    def load(self) -> None:
        """Take in the trust; ``InvalidInput`` where it cannot be used."""
        self._trusted()

    def _trusted(self) -> Trusted:
        with self._lock:
            if self._loaded is None:
                root = self._trust().trusted_root
                try:
                    self._loaded = Trusted(root)
                except Exception as error:
                    raise InvalidInput(said(error), where="trusted root") from error
            return self._loaded

    def verify(self, bundle: Bundle) -> Proven:
        """Check the signature, and whose it is.

        1. A certificate's owner signed, not a key.
        2. The certificate was issued by the trusted authority, is in a certificate
           log, and was valid at a time that a log or a time-stamping authority
           vouches for; a transparency log holds the signature; the signature is the
           certificate's over the envelope (sigstore's ``verify_dsse``). Each of them
           was trusted at each time that the bundle tells.
        3. Its identity and issuer are the expected ones.
        4. What was verified are the very bytes of this bundle's envelope.

        What cosign 2 wrote takes the same way by other steps (``verify_older``).
        """
        if not bundle.certificates:
            raise VerificationError("was signed with a key, not keyless")
        from sigstore.models import Bundle as SigstoreBundle

        trusted = self._trusted()
        policy = _Policy(self._expected)
        try:
            times = _times(bundle)
            if bundle.older:
                return verify_older(bundle, times, trusted, self._expected.signer)
            parsed = SigstoreBundle.from_json(_complete(bundle.raw))
            payload_type, payload = trusted.at(times).verify_dsse(parsed, policy)
        except (InvalidInput, VerificationError):
            raise
        # Whatever goes wrong in there over a stranger's bundle refuses the bundle.
        except Exception as error:
            raise VerificationError(said(error)) from error
        envelope = bundle.envelope
        if (
            policy.found is None
            or not isinstance(envelope, Envelope)
            or (payload_type, payload) != (envelope.payload_type, envelope.payload)
        ):
            raise VerificationError("what was verified is not what it says")
        # One verified time is enough for a bundle to hold, so that with two of them
        # nobody says which it was.
        signed_at = times[0] if len(times) == 1 else None
        return Proven(signer=policy.found, signed_at=signed_at, logged=True)


class _Policy:
    """Implements sigstore's ``VerificationPolicy``; remembers who it was."""

    def __init__(self, expected: Expected) -> None:
        self._expected = expected
        self.found: CertificateSigner | None = None

    def verify(self, cert: x509.Certificate) -> None:
        self.found = self._expected.signer(cert)


class KeylessSigning:
    """Implements ``Signer`` with an identity token, which is asked for once.

    One certificate serves all statements of a command.
    """

    def __init__(
        self, trust: Callable[[], ClientTrustConfig], token: Callable[[str], str]
    ) -> None:
        """``token`` gets the issuer's URL, and returns a token in its compact form."""
        self._trust = trust
        self._token = token

    @property
    def identity(self) -> None:
        return None

    @cached_property
    def _signer(self) -> Any:  # noqa: ANN401 - sigstore's Signer, which is not exported
        from sigstore.sign import Signer, SigningContext

        trust = self._trust()
        try:
            issuer = trust.signing_config.get_oidc_url()
            token = parsed_token(self._token(issuer))
            return Signer(token, SigningContext.from_trust_config(trust))
        except (AuthenticationError, InvalidInput):
            raise
        except Exception as error:
            raise _refused(error) from error

    def own(self) -> Verifier:
        """Return what accepts signatures of this identity, and no other.

        The certificate that says which it is, and is public for good, is asked for when
        there is something to compare with.
        """
        return _Own(self)

    @cached_property
    def itself(self) -> KeylessVerifier:
        """What the certificate's identity has signed."""
        try:
            certificate = self._signer._signing_cert()  # noqa: SLF001 - kept there
        except (AuthenticationError, InvalidInput):
            raise
        except Exception as error:
            raise _refused(error) from error
        names, issuer = _identities(certificate), _issuer(certificate)
        if len(names) != 1:
            raise RegistryError("a certificate for several names", where="Fulcio")
        expected = Expected(identity=Pattern(names[0]), issuer=Pattern(issuer))
        return KeylessVerifier(expected, self._trust)

    def sign(self, statement: Statement) -> Bundle:
        signer = self._signer
        try:
            made = signer.sign_dsse(_exactly(statement))
        except Exception as error:
            raise _refused(error) from error
        bundle = Bundle.parse(made.to_json().encode())
        if bundle.envelope.payload != statement.raw:
            raise RegistryError("something else was signed", where="sigstore")
        return bundle


@dataclass(frozen=True, slots=True)
class _Own:
    """Implements ``Verifier``: what somebody who can sign has signed before."""

    signing: KeylessSigning

    def verify(self, bundle: Bundle) -> Proven:
        return self.signing.itself.verify(bundle)


def _exactly(statement: Statement) -> Any:  # noqa: ANN401 - a subclass made here
    """Return sigstore's statement over exactly these bytes.

    Its own constructor refuses what cosign signs: a subject without a name.
    """
    from sigstore.dsse import Statement as SigstoreStatement

    class Exactly(SigstoreStatement):
        def __init__(self, contents: bytes) -> None:
            self._contents = contents

    return Exactly(statement.raw)


def _issuer(certificate: x509.Certificate) -> str:
    from cryptography import x509

    raw = {
        extension.oid.dotted_string: extension.value.value
        for extension in certificate.extensions
        if isinstance(extension.value, x509.UnrecognizedExtension)
    }
    try:
        if _ISSUER_V2 in raw:
            return _utf8_string(raw[_ISSUER_V2])
        if _ISSUER_V1 in raw:
            return raw[_ISSUER_V1].decode()
    except UnicodeDecodeError as error:
        raise VerificationError("its certificate's issuer is not text") from error
    raise VerificationError("its certificate names no issuer")


def _identities(certificate: x509.Certificate) -> list[str]:
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        ).value
    except x509.ExtensionNotFound as error:
        raise VerificationError("its certificate names nobody") from error
    found = [
        *names.get_values_for_type(x509.RFC822Name),
        *names.get_values_for_type(x509.UniformResourceIdentifier),
    ]
    found += [
        _utf8_string(other.value)
        for other in names.get_values_for_type(x509.OtherName)
        if other.type_id.dotted_string == _OTHER_NAME
    ]
    return found


def _utf8_string(der: bytes) -> str:
    """Return the text of a short DER UTF8String (X.690, 8.23)."""
    long_form = 0x80
    if len(der) < 2 or der[0] != _UTF8_STRING:  # noqa: PLR2004 - tag and length
        raise VerificationError("its certificate has an extension that is not text")
    length, start = der[1], 2
    if length & long_form:
        count = length & ~long_form
        start += count
        length = int.from_bytes(der[2:start], "big")
    if len(der) != start + length:
        raise VerificationError("its certificate has an extension that is not text")
    return der[start:].decode()


def _times(bundle: Bundle) -> list[datetime]:
    """Return the times at which a bundle says that it was signed: not yet verified."""
    from rfc3161_client import decode_timestamp_response

    if any(entry.promise and not entry.integrated for entry in bundle.entries):
        # Nobody would look at such a promise.
        raise VerificationError("its log promises to hold it, and tells no time")
    promised = [entry.integrated for entry in bundle.entries if entry.promise]
    return [datetime.fromtimestamp(time, UTC) for time in promised] + [
        decode_timestamp_response(raw).tst_info.gen_time for raw in bundle.timestamps
    ]


def _complete(raw: bytes) -> str:
    """Put in what Go leaves out when it is zero, and sigstore-python wants."""
    document = json.loads(raw)
    material = document["verificationMaterial"]
    material.setdefault("tlogEntries", [])
    for entry in material["tlogEntries"]:
        entry.setdefault("logIndex", "0")
        if "inclusionProof" in entry:
            entry["inclusionProof"].setdefault("logIndex", "0")
            entry["inclusionProof"].setdefault("hashes", [])
    return json.dumps(document)


def _refused(error: Exception) -> AuthenticationError | RegistryError:
    """Say why a signing service refused; sigstore-python often keeps it to itself.

    What Fulcio answers stands in the response of the error behind the error.
    """
    where = "the signing services of Sigstore"
    response = getattr(error.__cause__, "response", None)
    if response is None:
        return RegistryError(said(error), where=where)
    words = " ".join(str(response.text).split())[:300]
    with contextlib.suppress(ValueError, KeyError, TypeError):
        words = str(json.loads(response.text)["message"])[:300]
    message = f"{response.url}: {response.status_code}: {words}"
    if response.status_code in _DENIED:
        return AuthenticationError(
            message, where=where, hint="is the identity token fresh, and for sigstore?"
        )
    return RegistryError(message, status=response.status_code, where=where)
