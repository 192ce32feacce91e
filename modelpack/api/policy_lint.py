"""``policy lint``: what is wrong with policies, before anybody depends on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from modelpack.api.files import content_of
from modelpack.api.policies import policy_files
from modelpack.errors import InvalidInput
from modelpack.policy.evaluation.autogen import copies
from modelpack.policy.evaluation.entry import Entry
from modelpack.policy.kyverno.documents import Documents, read_documents
from modelpack.policy.kyverno.policy import ImageValidatingPolicy
from modelpack.policy.lint import Finding, Severity, traps
from modelpack.signing.attestors import verifier_of
from modelpack.signing.trust import public_instance

if TYPE_CHECKING:
    from modelpack.policy.kyverno.documents import Source
    from modelpack.policy.kyverno.policy import AnyPolicy

__all__ = ["Finding", "Severity", "lint_policies"]


def lint_policies(sources: Sequence[str | Path]) -> Sequence[Finding]:
    """Return all findings about policies that are meant to be applied together.

    They are held against their schema and compiled, their keys are read, and the
    traps of Kyverno 1.19 are looked for. Nothing is asked of any registry.
    """
    findings: list[Finding] = []
    documents = Documents()
    for file in (file for source in sources for file in policy_files(Path(source))):
        try:
            documents += read_documents(content_of(file), str(file))
        except InvalidInput as error:
            findings.append(
                _error("dropped-document", f"{error}; Kyverno's CLI would not tell")
            )
    for policy, source in documents.policies:
        findings += _compiled(policy, source)
        if isinstance(policy, ImageValidatingPolicy):
            findings += _keys(policy)
    findings += traps([policy for policy, _ in documents.policies])
    if not documents.policies and not findings:
        findings.append(_error("no-policy", "there is no policy in what was given"))
    return findings


def _compiled(policy: AnyPolicy, source: Source) -> Iterator[Finding]:
    faults = {}
    for each in (policy, *copies(policy, source)):
        ready = Entry(each, (), lambda: datetime.now(UTC)).ready
        if isinstance(ready, str):
            faults[ready] = _error("does-not-compile", ready)
    yield from faults.values()


def _keys(policy: ImageValidatingPolicy) -> Iterator[Finding]:
    for attestor in policy.attestors:
        try:
            verifier_of(attestor, public_instance)
        except InvalidInput as error:
            yield _error("unusable-attestor", f"{error}; Kyverno would count nobody")


def _error(trap: str, message: str) -> Finding:
    return Finding(severity=Severity.ERROR, trap=trap, where="", message=message)
