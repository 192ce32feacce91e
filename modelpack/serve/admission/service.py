"""The service behind every door: decide, count, and write down what was decided."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from modelpack.serve.admission.asking import References, ask, shown
from modelpack.serve.admission.deciding import Decider
from modelpack.serve.admission.decision import Decision, Judge
from modelpack.serve.admission.metrics import Metrics
from modelpack.serve.admission.review import Review, cut

_MOST_REASONS: Final = 20
_LONGEST: Final = 2_000


@dataclass(slots=True)
class Service:
    """``judge`` may be replaced at any time; a decision uses one from first to last.

    ``now`` gives the time as text, for the audit log; ``clock`` counts seconds.
    """

    judge: Judge
    decider: Decider
    references: References
    audit: Callable[[str], None]
    now: Callable[[], str]
    clock: Callable[[], float]
    metrics: Metrics = field(default_factory=Metrics)

    def decide(self, review: Review, door: str, seconds: float) -> Decision:
        """Decide within ``seconds``, and write it down."""
        begun = self.clock()
        judge = self.judge
        asked = ask(review, judge, self.references)
        references = () if isinstance(asked, Decision) else asked.references
        if isinstance(asked, Decision):
            decision = asked
        else:
            decision = self.decider.decide(asked, judge, seconds)
        took = self.clock() - begun
        self.metrics.took(took)
        self.metrics.count("requests_total", door=door, outcome=decision.outcome)
        self.metrics.count("answers_total", source=decision.found or "judged")
        self.audit(
            _line(
                {
                    "time": self.now(),
                    "door": door,
                    "uid": review.uid,
                    "user": cut(review.user, _LONGEST),
                    "operation": review.operation,
                    "kind": cut(review.kind, _LONGEST),
                    "namespace": cut(review.namespace, _LONGEST),
                    "name": cut(review.name, _LONGEST),
                    "references": [shown(each) for each in references],
                    "verified": dict(decision.digests),
                    "outcome": decision.outcome,
                    "code": 200 if decision.admitted else decision.code,
                    "reasons": _bounded(decision.reasons),
                    "warnings": _bounded(decision.warnings),
                    "from": decision.found or "judged",
                    "seconds": round(took, 6),
                    "policies": judge.fingerprint[:16],
                }
            )
        )
        return decision


def _bounded(texts: tuple[str, ...]) -> list[str]:
    return [cut(each, _LONGEST) for each in texts[:_MOST_REASONS]]


def _line(event: Mapping[str, object]) -> str:
    return json.dumps(event, separators=(",", ":"))
