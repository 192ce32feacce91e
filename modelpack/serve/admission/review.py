"""AdmissionReview of ``admission.k8s.io/v1``: what an API server asks, and the answer.

Kubernetes: "Dynamic Admission Control", request and response.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.oci.fields import Fields
from modelpack.serve.admission.decision import Decision
from modelpack.serve.admission.refused import BadRequest

API: Final = "admission.k8s.io/v1"
KIND: Final = "AdmissionReview"

_OPERATIONS: Final = frozenset({"CREATE", "UPDATE", "DELETE", "CONNECT"})
_LONGEST_UID: Final = 256
_MOST_WARNINGS: Final = 12
_LONGEST_WARNING: Final = 250  # API servers cut at 256, and all of them at 4,096
_LONGEST_MESSAGE: Final = 8 << 10

Object = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A request for admission. ``document`` is all of it, as it came."""

    uid: str
    operation: str
    kind: str
    namespace: str
    name: str
    user: str
    object: Object
    old_object: Object
    document: Object

    @classmethod
    def parse(cls, raw: bytes) -> Review:
        """Parse the body of a POST; ``BadRequest`` for what is no such thing."""
        try:
            return _review(Fields.of_json(raw))
        except InvalidInput as error:
            raise BadRequest(400, str(error)) from error


def _review(review: Fields) -> Review:
    if (review.text("apiVersion"), review.text("kind")) != (API, KIND):
        raise InvalidInput(f"expected {KIND} of {API}")
    fields = Fields(review.get("request"), "request")
    uid = fields.text("uid")
    if not uid or len(uid) > _LONGEST_UID:
        raise InvalidInput("is none", where=fields.path("uid"))
    operation = fields.text("operation")
    if operation not in _OPERATIONS:
        raise InvalidInput("is not known", where=fields.path("operation"))
    kind = Fields(fields.get("kind"), fields.path("kind"))
    kind.text("group")
    kind.text("version")
    resource = Fields(fields.get("resource"), fields.path("resource"))
    for key in ("group", "version", "resource"):
        resource.text(key)
    wanted = _object(fields, "object")
    if operation in ("CREATE", "UPDATE") and not wanted:
        raise InvalidInput("is missing", where=fields.path("object"))
    return Review(
        uid=uid,
        operation=operation,
        kind=kind.text("kind"),
        namespace=fields.text("namespace", default=""),
        name=fields.text("name", default=""),
        user=_user(fields),
        object=wanted,
        old_object=_object(fields, "oldObject"),
        document=fields.members,
    )


def _object(fields: Fields, key: str) -> Object:
    if not fields.has(key):
        return {}
    return Fields(fields.get(key), fields.path(key)).members


def _user(fields: Fields) -> str:
    if not fields.has("userInfo"):
        return ""
    return Fields(fields.get("userInfo"), fields.path("userInfo")).text(
        "username", default=""
    )


def answer(uid: str, decision: Decision) -> Object:
    """Return the review that an API server gets: always with HTTP 200."""
    response: dict[str, object] = {"uid": uid, "allowed": decision.admitted}
    if not decision.admitted:
        response["status"] = {
            "status": "Failure",
            "code": decision.code,
            "reason": decision.reason,
            "message": cut(f"modelpack: {decision.message}", _LONGEST_MESSAGE),
        }
    if decision.warnings:
        response["warnings"] = _warnings(decision.warnings)
    if decision.digests:
        verified = ",".join(sorted(set(decision.digests.values())))
        response["auditAnnotations"] = {"verified": verified}
    return {"apiVersion": API, "kind": KIND, "response": response}


def _warnings(warnings: Sequence[str]) -> list[str]:
    return [cut(each, _LONGEST_WARNING) for each in warnings[:_MOST_WARNINGS]]


def cut(text: str, longest: int) -> str:
    """Return a text in one line that is no longer than this."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
