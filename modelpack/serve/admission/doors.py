"""The three ways in which a cluster asks: its API server, Kyverno, Gatekeeper.

Each parses a body into reviews, has them decided, and writes the answer that its caller
understands. An error never looks like a pass to any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.oci.fields import Fields
from modelpack.serve.admission.asking import MOST_REFERENCES
from modelpack.serve.admission.decision import Decision
from modelpack.serve.admission.refused import BadRequest
from modelpack.serve.admission.review import Object, Review, answer, cut

Decide = Callable[[Review], Decision]
Carrying = Callable[[str, str], Object]
"""From a reference and a namespace to the smallest object that brings a model in."""

GATEKEEPER: Final = "externaldata.gatekeeper.sh/v1beta1"
_LONGEST_KEY: Final = 2_000
_LONGEST_MESSAGE: Final = 4_000
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent back."""

    status: int
    document: Object


def validate(raw: bytes, decide: Decide) -> Reply:
    """Answer an API server: with 200, whatever the verdict is."""
    review = Review.parse(raw)
    return Reply(_OK, answer(review.uid, decide(review)))


def admit(raw: bytes, decide: Decide, carrying: Carrying) -> Reply:
    """Answer a Kyverno policy that calls out with ``references`` and a ``namespace``.

    ``allowed`` is true if every one is admitted. Only what was decided is sent with
    200: a policy has to look at the status, for Kyverno takes no other as an error.
    """
    fields = _opened(raw)
    namespace = fields.text("namespace", default="") if fields.has("namespace") else ""
    references = _texts(fields, "references")
    if not references:
        raise BadRequest(400, "references: names none")
    decisions = [
        (each, decide(_made(each, namespace, carrying)))
        for each in dict.fromkeys(references)
    ]
    allowed = all(decision.admitted for _, decision in decisions)
    refusals = [d.message for _, d in decisions if not d.admitted]
    undecided = [d.code for _, d in decisions if d.outcome == "undecided"]
    return Reply(
        max(undecided, default=_OK),
        {
            "allowed": allowed,
            "message": cut("; ".join(refusals), _LONGEST_MESSAGE),
            "results": [
                {
                    "reference": each,
                    "allowed": decision.admitted,
                    "digest": decision.digests.get(each),
                    "message": "" if decision.admitted else decision.message,
                }
                for each, decision in decisions
            ],
        },
    )


def provide(raw: bytes, decide: Decide, carrying: Carrying) -> Reply:
    """Answer Gatekeeper, for which this is a provider of external data.

    A key whose item has an error fails the constraint's own check, and one that could
    not be decided is such a one.
    """
    fields = _opened(raw)
    if "kind" not in fields or fields.get("kind") != "ProviderRequest":
        raise BadRequest(400, "kind: expected ProviderRequest")
    request = fields.get("request") if "request" in fields else None
    if not isinstance(request, dict):
        raise BadRequest(400, "request: expected an object")
    keys = _texts(Fields(request, "request"), "keys")
    items = [_item(key, decide(_made(key, "", carrying))) for key in keys]
    response = {"idempotent": True, "items": items, "systemError": ""}
    return Reply(
        _OK,
        {"apiVersion": GATEKEEPER, "kind": "ProviderResponse", "response": response},
    )


def _item(key: str, decision: Decision) -> Mapping[str, object]:
    value = {"admitted": decision.admitted, "digest": decision.digests.get(key)}
    error = "" if decision.admitted else cut(decision.message, _LONGEST_MESSAGE)
    return {"key": key, "value": value if decision.admitted else None, "error": error}


def _made(reference: str, namespace: str, carrying: Carrying) -> Review:
    pod = carrying(reference, namespace or "default")
    kind = {"group": "", "version": "v1", "kind": "Pod"}
    resource = {"group": "", "version": "v1", "resource": "pods"}
    return Review(
        uid="",
        operation="CREATE",
        kind="Pod",
        namespace=namespace or "default",
        name="",
        user="",
        object=pod,
        old_object={},
        document={
            "kind": kind,
            "resource": resource,
            "requestKind": kind,
            "requestResource": resource,
            "namespace": namespace or "default",
            "operation": "CREATE",
            "object": pod,
            "dryRun": False,
        },
    )


def _opened(raw: bytes) -> Fields:
    try:
        return Fields.of_json(raw)
    except InvalidInput as error:
        raise BadRequest(400, str(error)) from error


def _texts(fields: Fields, key: str) -> Sequence[str]:
    try:
        values = fields.array(key)
    except InvalidInput as error:
        raise BadRequest(400, str(error)) from error
    if len(values) > MOST_REFERENCES:
        raise BadRequest(413, f"{key}: more than {MOST_REFERENCES}")
    texts = [each for each in values if isinstance(each, str)]
    if len(texts) != len(values) or any(len(each) > _LONGEST_KEY for each in texts):
        raise BadRequest(400, f"{key}: expected short texts")
    return texts
