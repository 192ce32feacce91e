"""The door to cel-expr-python: nothing else imports it."""

from __future__ import annotations

from modelpack.errors import LocalError

try:
    from cel_expr_python import cel
except ImportError as error:
    # No wheel: musl, Windows, PyPy, and Pythons newer than the library.
    raise LocalError(
        "policies are refused on this platform: cel-expr-python has no build for it",
        hint="use CPython 3.11 to 3.14 on glibc Linux or macOS",
    ) from error

__all__ = ["cel"]
