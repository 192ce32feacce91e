"""Kyverno's policies as what judges here; replaced as a whole when files change."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from modelpack.api.admission import ServingPolicies
from modelpack.policy.objects import Carrier, carrying, model_references
from modelpack.serve.admission.deciding import Decider, Limits
from modelpack.serve.admission.decision import Judgement
from modelpack.serve.admission.server import AdmissionServer, Listening
from modelpack.serve.admission.service import Service
from modelpack.serve.admission.watch import Watched, contents


@dataclass(frozen=True, slots=True)
class PolicyJudge:
    """Implements ``Judge``."""

    policies: ServingPolicies

    @property
    def fingerprint(self) -> str:
        return self.policies.fingerprint

    def mentions(self, field: str, /) -> bool:
        return self.policies.mentions(field)

    def judge(self, request: Mapping[str, object], /) -> Judgement:
        judged = self.policies.judge(request)
        verdict = judged.verdict
        return Judgement(
            admitted=verdict.admitted,
            reasons=verdict.refusals,
            warnings=verdict.warnings,
            digests={name: str(digest) for name, digest in verdict.verified.items()},
            lifetime=judged.lifetime,
        )


def policy_server(
    load: Callable[[], ServingPolicies],
    paths: tuple[Path, ...],
    listening: Listening,
    *,
    audit: Callable[[str], None],
    told: Callable[[str], None],
) -> AdmissionServer:
    """Return a server that judges by policies, and loads them again as they change.

    ``audit`` gets a line for each verdict; ``told`` hears what else happens.
    """
    seen = contents(paths)
    loaded = [load()]

    def reload() -> None:
        loaded.append(load())
        service.judge = PolicyJudge(loaded[-1])
        # The one before stays open for those who still judge with it.
        while len(loaded) > 2:  # noqa: PLR2004 - this one, and the one before
            loaded.pop(0).close()

    def leave() -> None:
        for each in loaded:
            each.close()

    service = Service(
        judge=PolicyJudge(loaded[0]),
        decider=Decider(
            limits=Limits(),
            clock=time.monotonic,
            fault=lambda error: told(f"a fault: {type(error).__name__}: {error}"),
        ),
        references=model_references,
        audit=audit,
        now=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"),
        clock=time.monotonic,
    )
    return AdmissionServer(
        service,
        listening,
        carrying=lambda reference, namespace: carrying(
            reference, Carrier.VOLUME, namespace=namespace
        ),
        policies=Watched("policies", paths, reload, seen),
        leave=leave,
        told=told,
    )
