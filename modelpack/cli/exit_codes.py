"""What each kind of error is to a shell."""

from __future__ import annotations

from typing import Final

from modelpack.errors import (
    AuthenticationError,
    ContentError,
    InvalidInput,
    LocalError,
    PolicyDenied,
    RegistryError,
    VerificationError,
)

EXIT_CODES: Final[tuple[tuple[type[BaseException], int], ...]] = (
    (InvalidInput, 2),
    (ContentError, 3),
    (VerificationError, 3),
    (PolicyDenied, 4),
    (RegistryError, 5),
    (AuthenticationError, 6),
    (LocalError, 7),
    (MemoryError, 7),
    (KeyboardInterrupt, 130),
)


def exit_code(error: BaseException) -> int:
    """Return the exit code for an error; 1 is a fault of ours."""
    for kind, code in EXIT_CODES:
        if isinstance(error, kind):
            return code
    return 1
