"""What a case is, and what a judge says of it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

Json = Any
Document = Mapping[str, Json]
"""A policy, an exception, a Kubernetes object or the payload of JSON mode."""


_NAME = re.compile(r"\$\{([a-z][a-z0-9_.-]*)\}")


class Result(StrEnum):
    """Kyverno's own words for what a policy said of an object.

    `NONE` is no word at all: the policy was not applied, and no report names it.
    """

    PASS = "pass"
    FAIL = "fail"
    WARN = "warn"
    ERROR = "error"
    SKIP = "skip"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one policy said."""

    policy: str
    result: Result
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a judge said of a case: of each policy that it applied, and in all.

    `admitted` is None of a judge who says no more than what the policies said.
    """

    said: tuple[Said, ...]
    printed: str
    """All that it printed, to explain a verdict that was not expected."""
    admitted: bool | None = None

    @property
    def results(self) -> list[Result]:
        return [each.result for each in self.said] or [Result.NONE]

    @property
    def messages(self) -> str:
        return "; ".join(each.message for each in self.said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Where modelpack decides otherwise than Kyverno, on purpose.

    `reason` is a heading of `docs/kyverno.md`, below which it says why. `result` is
    what it says of the policy, if not the same; `refuses` says that it lets nothing
    pass, though the policy does.
    """

    reason: str
    result: Result | None = None
    refuses: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`${name}` in any text of the documents is what the shelf has under that name.

    Exactly one of `resource`, a Kubernetes object, and `payload`, an object of JSON
    mode, is given. `message` is a part of what Kyverno has to say.
    """

    name: str
    policies: tuple[Document, ...]
    resource: Document | None = None
    payload: Document | None = None
    exceptions: tuple[Document, ...] = ()
    result: Result | tuple[Result, ...]
    message: str = ""
    ours: Difference | None = None

    @property
    def results(self) -> tuple[Result, ...]:
        """Of each policy, in the order of the report."""
        one = self.result
        return (one,) if isinstance(one, Result) else one

    @property
    def our_results(self) -> tuple[Result, ...]:
        """What modelpack says of each policy."""
        if self.ours is None or self.ours.result is None:
            return self.results
        return (self.ours.result,)

    @property
    def admits(self) -> bool:
        """Whether modelpack admits it: all that is about it passes, or is excepted."""
        if self.ours is not None and self.ours.refuses:
            return False
        return all(r in (Result.PASS, Result.SKIP) for r in self.our_results)

    def __str__(self) -> str:
        return self.name


class Judge(Protocol):
    """The real Kyverno, or modelpack."""

    def judge(self, case: Case) -> Verdict: ...


def filled(document: Json, names: Mapping[str, str]) -> Json:
    """Put what the shelf has in the place of `${name}`; an unknown name is an error."""
    if isinstance(document, str):
        return _NAME.sub(lambda match: names[match[1]], document)
    if isinstance(document, Mapping):
        return {key: filled(value, names) for key, value in document.items()}
    if isinstance(document, Sequence):
        return [filled(each, names) for each in document]
    return document
