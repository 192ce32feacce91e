"""Our own judge of cases: what `modelpack policy apply` does, without the printing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from modelpack.api import Settings
from modelpack.api.policies import (
    apply_policies,
    load_policies,
    read_payload,
    read_resources,
)
from modelpack.errors import InvalidInput
from modelpack.policy.evaluation.results import PolicyResult
from modelpack.policy.request import Payload, Request
from tests.kyverno.case import Case, Result, Said, Verdict
from tests.kyverno.judges import Papers


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Reads the same files as the Kyverno CLI, and says the same or has a reason."""

    folder: Path
    names: Mapping[str, str]

    def judge(self, case: Case) -> Verdict:
        papers = Papers.write(self.folder / case.name, case, self.names)
        try:
            policies = load_policies([papers.policies], exceptions=papers.exceptions)
            asked = _asked(papers)
        except InvalidInput as error:
            refused = Said(policy="", result=Result.ERROR, message=str(error))
            return Verdict(said=(refused,), printed=str(error), admitted=False)
        [verdict] = apply_policies(policies, [asked], settings=Settings())
        return Verdict(
            said=tuple(_said(each) for each in verdict.results if not _silent(each)),
            printed="\n".join((*map(str, verdict.results), *verdict.refusals)),
            admitted=verdict.admitted,
        )


def _asked(papers: Papers) -> Request | Payload:
    if papers.resource is not None:
        [only] = read_resources(papers.resource)
        return only
    assert papers.payload is not None
    return read_payload(papers.payload)


def _silent(result: PolicyResult) -> bool:
    """Whether Kyverno would not mention the policy: it does not apply."""
    return result.message.startswith("does not apply")


def _said(result: PolicyResult) -> Said:
    return Said(
        policy=result.policy,
        result=Result(str(result.result)),
        message=result.message,
    )
