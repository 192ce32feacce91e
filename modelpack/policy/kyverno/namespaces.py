"""What policies ask about the namespace itself, which an AdmissionReview does not tell.

Judged without it, a selector would select nothing and a policy be passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.policy.kyverno.documents import Documents

__all__ = ["require_no_namespace_objects"]

_MENTIONED: Final = re.compile(r"\bnamespaceObject\b")
_PROSE: Final = frozenset({"message"})
_HINT: Final = "request.namespace, the name, is told"


def require_no_namespace_objects(documents: Documents) -> None:
    """Refuse documents that cannot be judged without a namespace's labels."""
    for policy, source in documents.policies:
        shown = f"policy {policy.common.name}"
        if policy.common.match.namespaces.requirements:
            where = f"{policy.common.where}.matchConstraints.namespaceSelector"
            raise _refusal(shown, where)
        for where in _mentions(source.spec, policy.common.where):
            raise _refusal(shown, where)
    for exception in documents.exceptions:
        for condition in exception.conditions:
            if _MENTIONED.search(condition.expression.source):
                where = condition.expression.where
                raise _refusal(f"exception {exception.shown}", where)


def _refusal(shown: str, where: str) -> InvalidInput:
    return InvalidInput(
        f"{shown}: an AdmissionReview does not tell a namespace's labels",
        where=where,
        hint=_HINT,
    )


def _mentions(value: object, where: str) -> Iterator[str]:
    """Yield where any text but prose mentions the namespace's object."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in _PROSE:
                yield from _mentions(inner, f"{where}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _mentions(inner, f"{where}[{index}]")
    elif isinstance(value, str) and _MENTIONED.search(value):
        yield where
