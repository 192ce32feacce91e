"""Compose one policy for each kind of object, from demands and places.

Two ImageValidatingPolicies that verify the same image wait for each other for ever in
Kyverno 1.19.0, so that all demands on one kind of object stand in one policy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.policy.library.demands import Rule, StatementType
from modelpack.policy.library.places import Kind, Place, by_kind

Document = Mapping[str, object]

_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?")
# What stands before the asterisk has to end a registry's or a folder's name: else
# `registry.example.com*` would take in `registry.example.com.evil.example`.
_PREFIX: Final = re.compile(
    r"(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*)(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTrust:
    """Whoever has the private key of this public one, in PEM."""

    pem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityTrust:
    """A person or a workflow, under who vouches for it.

    ``trusted_root`` is the JSON of a Sigstore instance; without it, it is the public
    one, whose keys Kyverno fetches.
    """

    identity: str
    issuer: str
    trusted_root: str = ""


Trust = KeyTrust | IdentityTrust


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One demand, with the rules that its values gave."""

    statement: StatementType
    rules: Sequence[Rule]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a team wants: whom it believes, from where, what, and at which places."""

    name: str
    trust: Trust
    registries: Sequence[str]
    asked: Sequence[Asked]
    places: Sequence[Place]

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InvalidInput(f"{self.name[:160]!r} is no name", where="--name")
        if not self.registries:
            raise InvalidInput(
                "name at least one registry, or folder in one, that models come from",
                where="--registry",
                hint="registry.example.com/models",
            )
        for prefix in self.registries:
            if not _PREFIX.fullmatch(prefix):
                raise InvalidInput(
                    f"{prefix[:160]!r} is no registry, nor a folder in one",
                    where="--registry",
                    hint="registry.example.com/models",
                )
        if not self.asked or not self.places:
            raise InvalidInput("nothing is demanded, or nowhere", where="policy")


def compose(order: Order) -> Sequence[Document]:
    """Return the documents, one policy for each kind of object."""
    return [_policy(order, *item) for item in by_kind(order.places).items()]


def _policy(order: Order, kind: Kind, places: Sequence[Place]) -> Document:
    spec: dict[str, object] = {
        "failurePolicy": "Fail",
        "validationActions": ["Deny"],
        "webhookConfiguration": {"timeoutSeconds": 30},
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": [kind.group],
                    "apiVersions": list(kind.versions),
                    "operations": ["CREATE", "UPDATE"],
                    "resources": [kind.resource],
                }
            ]
        },
    }
    conditions = [place.condition for place in places]
    if all(conditions):
        names = {"name": "names-a-model", "expression": " || ".join(conditions)}
        spec["matchConditions"] = [names]
    extracted = [place for place in places if not place.builtin]
    if extracted:
        named = " + ".join(place.named for place in extracted)
        spec["images"] = [{"name": "models", "expression": named}]
    spec["matchImageReferences"] = [{"glob": f"{each}/*"} for each in order.registries]
    spec["validationConfigurations"] = {
        "mutateDigest": False,
        "verifyDigest": True,
        "required": True,
    }
    spec["variables"] = _variables(places)
    spec["attestors"] = [{"name": "team", "cosign": _attestor(order.trust)}]
    statements = dict.fromkeys(each.statement for each in order.asked)
    spec["attestations"] = [
        {"name": each.name, "intoto": {"type": each.type}} for each in statements
    ]
    spec["validations"] = list(_validations(order, places))
    return {
        "apiVersion": "policies.kyverno.io/v1",
        "kind": "ImageValidatingPolicy",
        "metadata": {"name": f"{order.name}-{kind.name}"},
        "spec": spec,
    }


def _variables(places: Sequence[Place]) -> Sequence[Mapping[str, str]]:
    """Return all that the object names, and of it what comes from a registry of ours.

    Both are lists of references.
    """
    lists = dict.fromkeys(
        f"images.{name}" for place in places for name in place.builtin or ("models",)
    )
    return [
        {"name": "named", "expression": " + ".join(place.named for place in places)},
        {"name": "models", "expression": " + ".join(lists)},
    ]


def _validations(order: Order, places: Sequence[Place]) -> Iterator[Mapping[str, str]]:
    registries = ", ".join(order.registries)
    if not any(place.condition or place.builtin for place in places):
        yield {
            "expression": "variables.named.size() > 0",
            "message": "names no model that could be verified",
        }
    yield {
        "expression": "variables.named.all(r, r in variables.models)",
        "messageExpression": f"'a model is not from {registries}: ' + variables.named"
        ".filter(r, !(r in variables.models)).join(', ')",
    }
    for statement in dict.fromkeys(each.statement for each in order.asked):
        yield {
            "expression": "variables.models.all(m, verifyAttestationSignatures(m,"
            f" attestations.{statement.name}, [attestors.team]) > 0)",
            "message": f"a model {statement.missing}",
        }
        for asked in order.asked:
            if asked.statement == statement:
                yield from (_validation(statement, rule) for rule in asked.rules)


def _validation(statement: StatementType, rule: Rule) -> Mapping[str, str]:
    payload = f"extractPayload(m, attestations.{statement.name}).predicate"
    return {
        "expression": f"variables.models.all(m, cel.bind(p, {payload},"
        f" {rule.expression}))",
        "message": f"a model {rule.message}",
    }


def _attestor(trust: Trust) -> Document:
    if isinstance(trust, KeyTrust):
        # Signed with a key that was entered in no log: verified without any network.
        unlogged = {"insecureIgnoreTlog": True, "insecureIgnoreSCT": True}
        return {"key": {"data": trust.pem}, "ctlog": unlogged}
    believed = {"subject": trust.identity, "issuer": trust.issuer}
    attestor: dict[str, object] = {"keyless": {"identities": [believed]}}
    if trust.trusted_root:
        attestor["trustedRoot"] = {"value": trust.trusted_root}
    else:
        attestor["ctlog"] = {"url": "https://rekor.sigstore.dev"}
    return attestor
