"""From a review to what policies are asked, or an answer that needs no policy.

1. What goes away may go: DELETE, and changes of objects that were being deleted before.
   Refusing them would wedge a cluster.
2. An UPDATE of an object that names models brings in nothing new where its models, the
   images of its containers, and every ``storageUri`` and ``uri`` in it are each as they
   were. An object without models is asked about: policies about objects decide.
3. All else is asked about, without the fields that tell two equal requests apart and
   that no policy looks at: what is left is all that policies are shown, so that equal
   questions have equal answers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from modelpack.serve.admission.decision import Decision, Judge, refused
from modelpack.serve.admission.review import Object, Review

MOST_REFERENCES: Final = 64

References = Callable[[Object], tuple[str, ...]]
"""Returns the references of all models that an object names."""

# What an API server sets anew for each object or change.
_IN_METADATA: Final = (
    "creationTimestamp",
    "generateName",
    "generation",
    "managedFields",
    "name",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
)
_IN_REQUEST: Final = ("name", "options", "uid", "userInfo")
_CONTAINERS: Final = frozenset({"containers", "initContainers", "ephemeralContainers"})
# Where KServe looks for weights, whatever the scheme: s3://, pvc://, …
_URIS: Final = frozenset({"storageUri", "uri"})
_DEEPEST: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a judge is shown, and a key that is the same for equal questions."""

    document: Object
    references: tuple[str, ...]

    def key(self, fingerprint: str) -> str:
        """Return a hash of every input of the judgement."""
        text = json.dumps(self.document, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(f"{fingerprint}\n{text}".encode()).hexdigest()


def ask(review: Review, judge: Judge, references: References) -> Decision | Question:
    """Answer what needs no policy; else return what to ask."""
    going = review.operation == "UPDATE" and _is_going(review.old_object)
    if review.operation == "DELETE" or going:
        return Decision(admitted=True, found="not asked")
    if review.operation == "CONNECT":
        return refused("CONNECT is not what this webhook is for")
    models = references(review.object)
    images, uris = _brought(review.object)
    if review.operation == "UPDATE" and models:
        # Each by itself: an image that became a model is not what it was.
        before = (references(review.old_object), *_brought(review.old_object))
        if (models, images, uris) == before:
            return Decision(admitted=True, found="not asked")
    if fault := _fault(models, (*models, *images)):
        return refused(fault)
    return Question(document=_reduced(review.document, judge), references=models)


def shown(reference: str) -> str:
    """Return a reference without what may be a password in it."""
    host, at, rest = reference.partition("@")
    if at and not rest.startswith(("sha256:", "sha512:")):
        return f"…@{rest.rpartition('@')[2][:300]}"
    return f"{host}{at}{rest}"[:400]


def _fault(models: tuple[str, ...], named: tuple[str, ...]) -> str:
    if len(models) > MOST_REFERENCES:
        return f"names {len(models)} models; {MOST_REFERENCES} are looked at"
    for each in named:
        if shown(each) != each[:400]:
            return f"a reference with credentials in it: {shown(each)}"
    return ""


def _is_going(value: Object) -> bool:
    metadata = value.get("metadata")
    return isinstance(metadata, dict) and bool(metadata.get("deletionTimestamp"))


def _brought(value: Object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the images of all containers, and what all URIs of weights say."""
    images: list[str] = []
    uris: list[str] = []
    for key, inner in _members(value, 0):
        if key in _CONTAINERS and isinstance(inner, list):
            images += (str(_get(each, "image")) for each in inner)
        elif key in _URIS and isinstance(inner, str):
            uris.append(inner)
    return tuple(images), tuple(uris)


def _members(value: object, depth: int) -> Iterator[tuple[str, object]]:
    """Yield every member of every object in a value, however deep."""
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for each in value:
            yield from _members(each, depth + 1)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from _members(inner, depth + 1)


def _get(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, dict) else None


def _reduced(document: Object, judge: Judge) -> Object:
    left = _without(document, _IN_REQUEST, judge)
    for key in ("object", "oldObject"):
        inner = left.get(key)
        if isinstance(inner, dict) and isinstance(inner.get("metadata"), dict):
            metadata = _without(inner["metadata"], _IN_METADATA, judge)
            left[key] = {**inner, "metadata": metadata}
    return left


def _without(
    value: Mapping[str, object], fields: tuple[str, ...], judge: Judge
) -> dict[str, object]:
    return {
        key: inner
        for key, inner in value.items()
        if key not in fields or judge.mentions(key)
    }
