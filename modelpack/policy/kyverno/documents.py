"""Files of policies: every document is known, or the file is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from modelpack.errors import InvalidInput
from modelpack.formats.prose.plain_yaml import kubernetes_yaml
from modelpack.oci.fields import Fields
from modelpack.policy.kyverno.exception import PolicyException
from modelpack.policy.kyverno.policy import (
    AnyPolicy,
    ImageValidatingPolicy,
    ValidatingPolicy,
)

__all__ = ["MAX_BYTES", "Documents", "objects_of", "read_documents"]

MAX_BYTES: Final = 4 << 20
_GROUP: Final = "policies.kyverno.io"
_VERSIONS: Final = (f"{_GROUP}/v1", f"{_GROUP}/v1beta1")
_IMAGE: Final = ("ImageValidatingPolicy", "NamespacedImageValidatingPolicy")
_PLAIN: Final = ("ValidatingPolicy", "NamespacedValidatingPolicy")
# What lies beside policies and says nothing about images.
_PASSED_OVER: Final = ("Kustomization", "Test", "Values")


@dataclass(frozen=True, slots=True)
class Source:
    """A policy as it was written, for whatever makes a copy of it."""

    fields: Fields
    spec: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """What a file holds: policies, each with how it was written, and exceptions."""

    policies: tuple[tuple[AnyPolicy, Source], ...] = ()
    exceptions: tuple[PolicyException, ...] = ()

    def __add__(self, other: Self) -> Self:
        return type(self)(
            policies=self.policies + other.policies,
            exceptions=self.exceptions + other.exceptions,
        )


def read_documents(raw: bytes, where: str) -> Documents:
    """Read a file of YAML or JSON; ``InvalidInput`` names the field at fault."""
    found = Documents()
    for value, place in objects_of(raw, where):
        found += _document(Fields(value, place))
    return found


def objects_of(raw: bytes, where: str) -> list[tuple[object, str]]:
    """Return the documents of a file that are not empty, with where they stand."""
    if len(raw) > MAX_BYTES:
        raise InvalidInput(f"is over {MAX_BYTES >> 20} MiB", where=where)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput("is not UTF-8", where=where) from error
    # JSON is YAML, but for escapes that nobody writes by hand.
    found = [value for value in kubernetes_yaml(text, where) if value is not None]
    if len(found) == 1:
        return [(found[0], where)]
    return [(value, f"{where}#{index}") for index, value in enumerate(found, 1)]


def parse_policy(fields: Fields, spec: object) -> AnyPolicy:
    """Parse a policy whose ``spec`` may be another than the document's."""
    if fields.text("kind") in _IMAGE:
        return ImageValidatingPolicy.parse(fields, spec)
    return ValidatingPolicy.parse(fields, spec)


def _document(fields: Fields) -> Documents:
    version = fields.text("apiVersion", default="")
    kind = fields.text("kind", default="")
    if kind in _PASSED_OVER:
        return Documents()
    known = (*_IMAGE, *_PLAIN, "PolicyException")
    if kind not in known or not version.startswith(f"{_GROUP}/"):
        raise InvalidInput(
            f"{kind[:80]!r} of {version[:80]!r} is no policy that is supported",
            where=fields.path("kind"),
            hint=f"{', '.join(known)} of {' or '.join(_VERSIONS)}",
        )
    if version not in _VERSIONS:
        raise InvalidInput(
            f"{version[:80]!r} is none of {', '.join(_VERSIONS)}",
            where=fields.path("apiVersion"),
        )
    for key in fields:
        if key not in ("apiVersion", "kind", "metadata", "spec", "status"):
            raise InvalidInput("is not a field of it", where=fields.path(key[:80]))
    spec = fields.get("spec")
    if kind == "PolicyException":
        return Documents(exceptions=(PolicyException.parse(fields, spec),))
    return Documents(policies=((parse_policy(fields, spec), Source(fields, spec)),))
