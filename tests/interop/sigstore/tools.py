"""cosign and modelpack, as whoever signs and as whoever verifies.

A person is a word: `dev` has the keys `dev.key` and `dev.pub` on the desk, and the
address `dev@example.com`.
"""

import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from tests.interop.desk import Desk, Ran
from tests.interop.sigstore.private import Sigstore

PASSWORD = "of a test"
PREDICATE = "cyclonedx"
BOM = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1}


class Way(Enum):
    """How somebody signs."""

    KEY = "key"
    LOGGED = "key-and-log"
    KEYLESS = "keyless"


class Form(Enum):
    """What is written: a bundle that refers to the artifact, or cosign 2's tags."""

    BUNDLE = "bundle"
    LEGACY = "legacy"


class Tool(Protocol):
    """One of the programs."""

    def generate_key(self, who: str) -> None: ...
    def sign(self, who: str, way: Way, reference: str) -> Ran: ...
    def attest(self, who: str, way: Way, reference: str) -> Ran: ...
    def verify(self, who: str, way: Way, reference: str) -> Ran:
        """Ask whether `who` has signed; the answer is the exit code."""
        ...

    def verify_attestation(self, who: str, way: Way, reference: str) -> Ran:
        """Ask whether `who` has made the statement of `attest`."""
        ...


def address(who: str) -> str:
    return f"{who}@example.com"


def predicate(desk: Desk) -> Path:
    path = desk.home / "bom.json"
    path.write_text(json.dumps(BOM))
    return path


@dataclass(frozen=True, slots=True)
class Cosign:
    """cosign 3, which still writes the older form if it is told so."""

    desk: Desk
    sigstore: Sigstore
    form: Form = Form.BUNDLE

    def generate_key(self, who: str) -> None:
        self._desk.peer("cosign", "generate-key-pair", "--output-key-prefix", who)

    def sign(self, who: str, way: Way, reference: str) -> Ran:
        return self._desk.peer(
            "cosign", "sign", "--yes", *self._signer(who, way), reference
        )

    def attest(self, who: str, way: Way, reference: str) -> Ran:
        return self._desk.peer(
            *("cosign", "attest", "--yes"),
            *("--type", PREDICATE, "--predicate", predicate(self.desk)),
            *self._signer(who, way),
            reference,
        )

    def verify(self, who: str, way: Way, reference: str) -> Ran:
        return self._desk.try_peer(
            "cosign", "verify", *self._believed(who, way), reference
        )

    def verify_attestation(self, who: str, way: Way, reference: str) -> Ran:
        return self._desk.try_peer(
            *("cosign", "verify-attestation", "--type", PREDICATE),
            *self._believed(who, way),
            reference,
        )

    @property
    def _desk(self) -> Desk:
        return self.desk.told(COSIGN_PASSWORD=PASSWORD)

    def _signer(self, who: str, way: Way) -> list[str | Path]:
        trust = self.sigstore.trust
        if self.form is Form.LEGACY:
            assert way is Way.KEY, "the older form has no room for Rekor v2"
            older = ["--new-bundle-format=false", "--use-signing-config=false"]
            return ["--key", f"{who}.key", *older, "--tlog-upload=false"]
        root: list[str | Path] = ["--trusted-root", trust.trusted_root]
        if way is Way.KEYLESS:
            token = self.sigstore.token(address(who))
            config = trust.signing_config
            return [*root, "--signing-config", config, "--identity-token", token]
        config = (
            trust.signing_config_of_keys
            if way is Way.LOGGED
            else trust.signing_config_without_log
        )
        return [*root, "--signing-config", config, "--key", f"{who}.key"]

    def _believed(self, who: str, way: Way) -> list[str | Path]:
        if self.form is Form.LEGACY:
            key = ["--key", f"{who}.pub", "--insecure-ignore-tlog"]
            return [*key, "--new-bundle-format=false"]
        root: list[str | Path] = ["--trusted-root", self.sigstore.trust.trusted_root]
        if way is Way.KEYLESS:
            return [*root, *_identity(self.sigstore, who)]
        unlogged = ["--insecure-ignore-tlog"] if way is Way.KEY else []
        return [*root, "--key", f"{who}.pub", *unlogged]


@dataclass(frozen=True, slots=True)
class Modelpack:
    """Our own commands. With the older form they write a bundle as well."""

    desk: Desk
    sigstore: Sigstore
    form: Form = Form.BUNDLE

    def generate_key(self, who: str) -> None:
        self._desk.modelpack("key", "generate", "--output-key-prefix", who)

    def sign(self, who: str, way: Way, reference: str) -> Ran:
        return self._desk.modelpack("sign", *self._signer(who, way), reference)

    def attest(self, who: str, way: Way, reference: str) -> Ran:
        return self._desk.modelpack(
            *("attest", "--type", PREDICATE, "--predicate", predicate(self.desk)),
            *self._signer(who, way),
            reference,
        )

    def verify(self, who: str, way: Way, reference: str) -> Ran:
        return self._verify(who, way, reference)

    def verify_attestation(self, who: str, way: Way, reference: str) -> Ran:
        return self._verify(who, way, reference, "--type", PREDICATE)

    @property
    def _desk(self) -> Desk:
        return self.desk.told(MODELPACK_PASSWORD=PASSWORD)

    def _verify(self, who: str, way: Way, reference: str, *kind: str) -> Ran:
        believed = self._believed(who, way)
        return self.desk.try_modelpack(
            "verify", "--format", "json", *kind, *believed, reference
        )

    def _signer(self, who: str, way: Way) -> list[str | Path]:
        if way is Way.KEYLESS:
            token = self.sigstore.token(address(who))
            config = self.sigstore.trust.client_trust_config
            return ["--trust-config", config, "--identity-token", token]
        logged = ["--rekor-url", self.sigstore.rekor] if way is Way.LOGGED else []
        older = ["--legacy"] if self.form is Form.LEGACY else []
        return ["--key", f"{who}.key", *logged, *older]

    def _believed(self, who: str, way: Way) -> list[str | Path]:
        root: list[str | Path] = ["--trusted-root", self.sigstore.trust.trusted_root]
        if way is Way.KEYLESS:
            return [*root, *_identity(self.sigstore, who)]
        logged = [*root, "--require-tlog"] if way is Way.LOGGED else []
        return ["--key", f"{who}.pub", *logged]


def _identity(sigstore: Sigstore, who: str) -> list[str]:
    issuer = ["--certificate-oidc-issuer", sigstore.issuer.people]
    return ["--certificate-identity", address(who), *issuer]
