"""Traps of Kyverno 1.19 that a policy can fall into and still be a valid policy.

docs/kyverno.md tells them. What is found by text, such as a call in an expression, may
be missed where somebody writes it otherwise: no finding is no proof.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Final

from modelpack.attestation.predicates import SIGNATURE
from modelpack.policy.glob import Glob
from modelpack.policy.kyverno.attestor import Keyless
from modelpack.policy.kyverno.match import MatchConstraints
from modelpack.policy.kyverno.policy import AnyPolicy, ImageValidatingPolicy

__all__ = ["Finding", "Severity", "traps"]

_SIGNED: Final = "verifyImageSignatures"
_ATTESTED: Final = "verifyAttestationSignatures"
# A count that is never below zero is compared with zero: true of every model.
_ALWAYS: Final = re.compile(
    r"verify(?:Image|Attestation)Signatures\((?:[^()]|\([^()]*\))*\)\s*(?:>=\s*0|>\s*-)"
)
_CONSTANT: Final = re.compile(r"\s*\(*\s*true\s*\)*\s*")
_STARTS: Final = re.compile(r"ref\.startsWith\(\s*(['\"])([^'\"/]*)\1")
_ANYWHERE: Final = re.compile(r"ref\.contains\(|ref\.matches\(\s*r?['\"](?!\^)")
_WILD: Final = re.compile(r"[*?\[]")
_EVERYTHING: Final = frozenset({"*", "**", "*/*"})


class Severity(StrEnum):
    """Whether a policy does not do what it says, may not, or is only to be known."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A trap, by its name, and where it is."""

    severity: Severity
    trap: str
    where: str
    message: str


def traps(policies: Sequence[AnyPolicy]) -> Iterator[Finding]:
    """Yield what is found in policies that are meant to be applied together."""
    for policy in policies:
        yield from _never_denies(policy)
        if isinstance(policy, ImageValidatingPolicy):
            yield from _signatures(policy)
            yield from _attestations(policy)
            yield from _references(policy)
            yield from _identities(policy)
            yield from _loose(policy)
    verifying = [p for p in policies if isinstance(p, ImageValidatingPolicy)]
    for one, other in combinations(verifying, 2):
        yield from _deadlock(one, other)


def _found(
    severity: Severity, trap: str, policy: AnyPolicy, message: str, where: str = ""
) -> Finding:
    place = where or policy.common.where
    return Finding(
        severity=severity,
        trap=trap,
        where=place,
        message=f"{policy.common.name}: {message}",
    )


def _never_denies(policy: AnyPolicy) -> Iterator[Finding]:
    common = policy.common
    if not common.denies:
        yield _found(
            Severity.WARNING,
            "never-denies",
            policy,
            "its actions do not include Deny: it reports, and lets everything pass",
        )
    rules = [each.expression for each in common.validations]
    for rule in rules:
        if _ALWAYS.search(rule.source):
            yield _found(
                Severity.ERROR,
                "never-denies",
                policy,
                "a count of signatures is never below 0: this is always true",
                rule.where,
            )
    if rules and all(_CONSTANT.fullmatch(rule.source) for rule in rules):
        yield _found(
            Severity.ERROR, "never-denies", policy, "every rule is true of everything"
        )
    if any(each.expression.source.strip() == "false" for each in common.conditions):
        yield _found(Severity.ERROR, "never-denies", policy, "a condition is never met")


def _signatures(policy: ImageValidatingPolicy) -> Iterator[Finding]:
    asks_type = any(each.type == SIGNATURE for each in policy.attestations)
    for rule in policy.common.validations:
        if _SIGNED in rule.expression.source and not asks_type:
            yield _found(
                Severity.WARNING,
                "any-statement-signs",
                policy,
                "every statement by the same key counts here, a bill of materials or a"
                f" failed scan as well; ask for the type {SIGNATURE} with {_ATTESTED}",
                rule.expression.where,
            )


def _attestations(policy: ImageValidatingPolicy) -> Iterator[Finding]:
    sources = [each.expression.source for each in policy.common.validations]
    sources += [each.expression.source for each in policy.common.variables]
    for each in policy.attestations:
        if ":" not in each.type:
            yield _found(
                Severity.ERROR,
                "short-predicate-type",
                policy,
                f"{each.type[:80]!r} is no whole predicate type: signatures are found"
                " under it, and payloads are not",
            )
        reads = any(f"extractPayload({_a(each.name)}" in _bare(s) for s in sources)
        checked = any(_ATTESTED in s and each.name in s for s in sources)
        if reads and not checked:
            yield _found(
                Severity.ERROR,
                "payload-that-nobody-verified",
                policy,
                f"the payload of {each.name} is read, and no rule verifies it",
            )
        elif reads:
            yield _found(
                Severity.NOTE,
                "last-statement-counts",
                policy,
                f"of several statements {each.name} by one signer Kyverno reads the"
                " one that a registry lists last; attest without --append",
            )


def _a(name: str) -> str:
    return f"*,attestations.{name}"


def _bare(source: str) -> str:
    """Return an expression without spaces, and with any image as an asterisk."""
    return re.sub(
        r"extractPayload\([^,]*,", "extractPayload(*,", re.sub(r"\s", "", source)
    )


def _references(policy: ImageValidatingPolicy) -> Iterator[Finding]:
    for each in policy.references:
        if isinstance(each, Glob):
            host = each.text.partition("/")[0]
            if _WILD.search(host) and each.text not in _EVERYTHING:
                yield _open(policy, f"the glob {each.text[:160]!r}")
        elif _STARTS.search(each.source) or _ANYWHERE.search(each.source):
            yield _open(policy, "an expression", each.where)
    if not policy.references or any(
        isinstance(each, Glob) and each.text in _EVERYTHING
        for each in policy.references
    ):
        return
    named = [v.expression.source for v in policy.common.variables]
    rules = " ".join(v.expression.source for v in policy.common.validations)
    if " in images." not in rules and not (
        " in variables." in rules and any("images." in source for source in named)
    ):
        yield _found(
            Severity.WARNING,
            "others-pass",
            policy,
            "images that it does not match pass in a cluster: let a rule say that"
            " every reference of the object is among those that are matched",
        )


def _open(policy: ImageValidatingPolicy, what: str, where: str = "") -> Finding:
    return _found(
        Severity.ERROR,
        "open-registry",
        policy,
        f"{what} takes in registries of other people: name the host to its slash",
        where,
    )


def _identities(policy: ImageValidatingPolicy) -> Iterator[Finding]:
    for each in policy.attestors:
        if not isinstance(each.by, Keyless):
            continue
        for name, what in ((each.by.subject, "subject"), (each.by.issuer, "issuer")):
            if name.pattern and not (
                name.pattern.startswith("^") and name.pattern.endswith("$")
            ):
                yield _found(
                    Severity.ERROR,
                    "open-identity",
                    policy,
                    f"the {what} of {each.name} matches anywhere in a name:"
                    " begin it with ^ and end it with $",
                    each.by.where,
                )


def _loose(policy: ImageValidatingPolicy) -> Iterator[Finding]:
    if not policy.verify_digest:
        yield _found(
            Severity.WARNING,
            "tags-pass",
            policy,
            "verifyDigest is off: what a tag names may change after it was judged",
        )
    if not policy.required:
        yield _found(
            Severity.WARNING,
            "unverified-pass",
            policy,
            "required is off: an image that no rule verified passes in a cluster",
        )


def _deadlock(
    one: ImageValidatingPolicy, other: ImageValidatingPolicy
) -> Iterator[Finding]:
    if one.common.json_mode or other.common.json_mode:
        return
    if _meet(one.common.match, other.common.match):
        yield _found(
            Severity.ERROR,
            "deadlock",
            other,
            f"with {one.common.name} it is about the same objects: in Kyverno 1.19.0"
            " two policies that verify one image wait for each other for ever; put"
            " their rules into one",
        )


def _meet(one: MatchConstraints, other: MatchConstraints) -> bool:
    """Whether both can be about one kind of object."""
    return any(
        _share(a.groups, b.groups) and _share(a.resources, b.resources)
        for a in one.rules
        for b in other.rules
    )


def _share(one: Sequence[str], other: Sequence[str]) -> bool:
    return "*" in one or "*" in other or not set(one).isdisjoint(other)
