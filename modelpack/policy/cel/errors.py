"""What an expression comes to when it comes to nothing."""

from __future__ import annotations

__all__ = ["CelError"]


class CelError(Exception):
    """An expression has no value; the message says why.

    Never shown as it is: the policy that evaluates says which rule it was, and
    refuses.
    """
