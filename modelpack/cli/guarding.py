"""From the flags of policies to policies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelpack.errors import InvalidInput

if TYPE_CHECKING:
    from modelpack.api.settings import Settings
    from modelpack.policy.evaluation.house import Policies

__all__ = ["policies_of"]


def policies_of(
    policies: Sequence[str] | None,
    exceptions: Sequence[str] | None,
    keys: Sequence[str] | None,
    settings: Settings,
) -> Policies | None:
    """Read the policies that flags name; None where they name none."""
    if not policies:
        if exceptions or keys:
            raise InvalidInput("--exception and --policy-key go with a --policy")
        return None
    from modelpack.api.policies import load_policies
    from modelpack.api.verifying import believe_keys

    return load_policies(
        policies,
        exceptions=exceptions or (),
        anchor=believe_keys(keys) if keys else None,
        settings=settings,
    )
