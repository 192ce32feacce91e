"""Decide each question once, soon, and for no longer than the answer holds.

Equal questions at the same time share one judgement; answers are kept for their
lifetime; a question too many is refused at once, and one that takes too long is refused
before the caller gives up. No way out of here but a judge's own word is a pass.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass, field, replace
from typing import Final

from modelpack.errors import ModelpackError
from modelpack.serve.admission.asking import Question
from modelpack.serve.admission.decision import Decision, Judge, refused

ERROR_LIFETIME: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """``workers`` judge at once, ``waiting`` questions may wait for one of them.

    ``kept`` answers are remembered, each for at most ``lifetime`` seconds.
    """

    workers: int = 16
    waiting: int = 256
    kept: int = 20_000
    lifetime: float = 300.0


@dataclass(slots=True)
class _Kept:
    decision: Decision
    until: float


@dataclass(slots=True)
class Decider:
    """For many threads. ``clock`` counts seconds and never goes back."""

    limits: Limits
    clock: Callable[[], float]
    fault: Callable[[BaseException], None]
    _kept: OrderedDict[str, _Kept] = field(default_factory=OrderedDict)
    _flights: dict[str, Future[Decision]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pool: ThreadPoolExecutor = field(init=False)
    waiters: int = 0
    """How many callers wait for a judgement, their own or a shared one."""

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.limits.workers, "judge")

    @property
    def under_way(self) -> int:
        """How many questions are being judged, or wait for it."""
        return len(self._flights)

    @property
    def kept(self) -> int:
        """How many answers are remembered."""
        return len(self._kept)

    def decide(self, question: Question, judge: Judge, seconds: float) -> Decision:
        """Answer within ``seconds``."""
        key = question.key(judge.fingerprint)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and self.clock() < kept.until:
                self._kept.move_to_end(key)
                return replace(kept.decision, found="kept")
            flight = self._flights.get(key)
            shared = flight is not None
            if flight is None:
                if len(self._flights) >= self.limits.workers + self.limits.waiting:
                    return refused("too many questions at once; ask again", 429)
                flight = self._pool.submit(self._judge, key, question, judge)
                self._flights[key] = flight
            self.waiters += 1
        try:
            decision = flight.result(max(0.0, seconds))
        except TooLate:
            return refused(f"no verdict within {seconds:.1f} s; ask again", 504)
        except CancelledError:
            return refused("the server ends; ask again", 504)
        finally:
            with self._lock:
                self.waiters -= 1
        return replace(decision, found="shared") if shared else decision

    def close(self) -> None:
        """Judge nothing more; what waits is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _judge(self, key: str, question: Question, judge: Judge) -> Decision:
        until = self.clock()
        decision = refused("no judgement", 500)
        try:
            decision, lifetime = self._judged(question, judge)
            until += lifetime
        finally:
            with self._lock:
                self._keep(key, decision, until)
                self._flights.pop(key, None)
        return decision

    def _judged(self, question: Question, judge: Judge) -> tuple[Decision, float]:
        try:
            judged = judge.judge(question.document)
        except ModelpackError as error:
            return refused(str(error)), ERROR_LIFETIME
        except Exception as error:  # noqa: BLE001 - a fault of ours is no pass either
            self.fault(error)
            name = type(error).__name__
            reason = f"a fault of modelpack itself: {name}"
            return refused(reason, 500), ERROR_LIFETIME
        decision = Decision(
            admitted=judged.admitted is True,
            reasons=judged.reasons,
            warnings=judged.warnings,
            digests=judged.digests,
        )
        return decision, min(judged.lifetime, self.limits.lifetime)

    def _keep(self, key: str, decision: Decision, until: float) -> None:
        if until <= self.clock():
            return
        self._kept[key] = _Kept(decision, until)
        self._kept.move_to_end(key)
        while len(self._kept) > self.limits.kept:
            self._kept.popitem(last=False)
