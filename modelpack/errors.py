"""Every error modelpack raises on purpose: one class for each party who must act.

ModelpackError
├── InvalidInput        the caller: what was given cannot be used      (exit 2)
│   └── UnusableArtifact    the publisher: an artifact that cannot be
│                           taken as it is                             (exit 2)
├── ContentError        nobody may use it: bytes are not those promised (exit 3)
├── VerificationError   a signature or attestation does not hold       (exit 3)
├── PolicyDenied        the artifact is sound, but a policy refuses it (exit 4)
├── RegistryError       the registry or the network failed             (exit 5)
│   └── NotFound            what was asked for is not in the store     (exit 5)
├── AuthenticationError the credentials are missing or refused         (exit 6)
└── LocalError          this machine: disk, permissions, memory        (exit 7)

A message says what failed and where; ``hint`` says what to do about it.
Only ``cli`` turns a class into an exit code.
"""

from __future__ import annotations

__all__ = [
    "AuthenticationError",
    "ContentError",
    "InvalidInput",
    "LocalError",
    "ModelpackError",
    "NotFound",
    "PolicyDenied",
    "RegistryError",
    "UnusableArtifact",
    "VerificationError",
]


class ModelpackError(Exception):
    """Base of the tree above: catch this, and only this, at the edge.

    ``where`` names the exact file or field at fault, as in ``layers[2].digest``.
    """

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.message = message
        self.where = where
        self.hint = hint


class InvalidInput(ModelpackError):
    """A reference, digest, document, flag or file that cannot be used."""


class UnusableArtifact(InvalidInput):
    """An artifact that is well-formed, but cannot be taken as it is."""


class ContentError(ModelpackError):
    """Content differs from what its descriptor promises."""


class VerificationError(ModelpackError):
    """A signature or attestation does not hold."""


class PolicyDenied(ModelpackError):
    """A policy refused an artifact whose bytes are sound."""


class RegistryError(ModelpackError):
    """The registry refused a request, or could not be reached.

    ``status`` is the HTTP status, or 0 where none arrived; ``code`` is the
    distribution-spec's error code, such as ``BLOB_UPLOAD_UNKNOWN``, and ``detail``
    the text with it, whose form is each registry's own;
    ``retry_after`` is what the registry asked for, in seconds.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "",
        detail: str = "",
        retry_after: float | None = None,
        where: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after = retry_after


class NotFound(RegistryError):
    """What was asked for is not in the store."""


class AuthenticationError(ModelpackError):
    """The store wants other credentials than it was given."""


class LocalError(ModelpackError):
    """The machine we run on cannot do it: disk, permissions, memory."""
