"""SLSA provenance for a model: from what, by whom and how it was made.

SLSA v1.0, "Provenance" (predicate type ``https://slsa.dev/provenance/v1``). For SLSA
training is a build: code, data sets, base models and images are its resolved
dependencies, each with a digest; parameters are external ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import parse_qsl, urlsplit

from modelpack.errors import InvalidInput
from modelpack.oci.digest import Digest

BUILD_TYPE: Final = "urn:modelpack:provenance:training:v1"
# Of addresses that S3, Google and Azure sign, and of those with a token.
_SECRETS: Final = frozenset(
    {
        *("x-amz-signature", "x-goog-signature", "signature", "sig"),
        *("token", "access_token", "password", "key", "api_key"),
    }
)
_GIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """Something that went in. ``kind`` is what it was for, such as ``base-model``."""

    kind: str
    uri: str
    digest: Mapping[str, str]

    @classmethod
    def parse(cls, kind: str, text: str) -> Self:
        """Parse ``URI@sha256:…``: without a digest nobody could check it."""
        uri, at, digest = text.rpartition("@")
        if not at or not uri:
            raise InvalidInput(
                f"{text[:160]!r} has no digest", where=kind, hint="URI@sha256:…"
            )
        parsed = Digest.parse(digest)
        if _has_secret(uri):
            raise InvalidInput(
                "its address has a login or a token in it, which would be published",
                where=kind,
            )
        return cls(kind=kind, uri=uri, digest={parsed.algorithm: parsed.hex})

    @classmethod
    def source(cls, uri: str, commit: str) -> Self:
        """Return a commit of a git repository."""
        if not _GIT.fullmatch(commit):
            raise InvalidInput(f"{commit[:80]!r} is not a commit", where="source")
        return cls(kind="source", uri=f"git+{uri}", digest={"gitCommit": commit})

    def document(self) -> Mapping[str, object]:
        """Return it as a ``ResourceDescriptor``."""
        return {"name": self.kind, "uri": self.uri, "digest": dict(self.digest)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """The system that built: what it says of itself in its environment.

    Nothing here is more than a claim of whoever signs the provenance. ``workflow`` is
    what was asked for, ``internal`` what the system added; ``started`` is a time in
    RFC 3339. What is "" is not known.
    """

    id: str
    invocation: str = ""
    started: str = ""
    source: Dependency | None = None
    workflow: Mapping[str, str] = field(default_factory=dict)
    internal: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What a person says on top: parameters, and what went in."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    dependencies: tuple[Dependency, ...] = ()


def _has_secret(uri: str) -> bool:
    """Whether an address holds what lets one in: a password, or a signed query."""
    try:
        parts = urlsplit(uri)
        asked = {key.lower() for key, _ in parse_qsl(parts.query)}
    except ValueError:
        return True  # who knows
    login, at, _ = parts.netloc.rpartition("@")
    return bool(at and ":" in login) or not _SECRETS.isdisjoint(asked)


def provenance(
    builder: Builder, training: Training, *, finished: str
) -> Mapping[str, object]:
    """Return the predicate. ``finished`` is a time in RFC 3339."""
    source = (builder.source,) if builder.source is not None else ()
    external: dict[str, object] = {}
    if workflow := _known(builder.workflow):
        external["workflow"] = workflow
    if training.parameters:
        external["parameters"] = dict(sorted(training.parameters.items()))
    definition: dict[str, object] = {
        "buildType": BUILD_TYPE,
        "externalParameters": external,
    }
    if internal := _known(builder.internal):
        definition["internalParameters"] = internal
    definition["resolvedDependencies"] = [
        each.document() for each in (*source, *training.dependencies)
    ]
    times = {"startedOn": builder.started, "finishedOn": finished}
    return {
        "buildDefinition": definition,
        "runDetails": {
            "builder": {"id": builder.id},
            "metadata": _known({"invocationId": builder.invocation, **times}),
        },
    }


def _known(said: Mapping[str, str]) -> dict[str, object]:
    return {key: value for key, value in said.items() if value}
