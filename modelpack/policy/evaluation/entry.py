"""One policy among those that a request has to meet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property

from modelpack.errors import InvalidInput
from modelpack.policy.evaluation.image_policy import ReadyImagePolicy
from modelpack.policy.evaluation.object_policy import ReadyObjectPolicy
from modelpack.policy.kyverno.exception import PolicyException
from modelpack.policy.kyverno.policy import AnyPolicy, ImageValidatingPolicy

__all__ = ["Entry", "Ready"]

Ready = ReadyImagePolicy | ReadyObjectPolicy


class Entry:
    """A policy and the exceptions to it, compiled when it is first asked."""

    def __init__(
        self,
        policy: AnyPolicy,
        exceptions: tuple[PolicyException, ...],
        now: Callable[[], datetime],
    ) -> None:
        self.policy = policy
        self.exceptions = exceptions
        self._now = now

    @cached_property
    def ready(self) -> Ready | str:
        """The compiled policy, or why it cannot be used."""
        try:
            ready: Ready
            if isinstance(self.policy, ImageValidatingPolicy):
                ready = ReadyImagePolicy(self.policy, self._now)
            else:
                ready = ReadyObjectPolicy(self.policy, self._now)
            for exception in self.exceptions:
                ready.compile_conditions(exception.conditions)
        except InvalidInput as error:
            return str(error)
        return ready
