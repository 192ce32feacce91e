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

from modelpack.errors import InvalidInput
from modelpack.oci.digest import Digest

BUILD_TYPE: Final = "urn:modelpack:provenance:training:v1"
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

    Nothing here is more than a claim of whoever signs the provenance.
    """

    id: str
    invocation: str = ""
    source: Dependency | None = None
    workflow: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What a person says on top: parameters, and what went in."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    dependencies: tuple[Dependency, ...] = ()


def provenance(
    builder: Builder, training: Training, *, finished: str
) -> Mapping[str, object]:
    """Return the predicate. ``finished`` is a time in RFC 3339."""
    source = (builder.source,) if builder.source is not None else ()
    external: dict[str, object] = {}
    if builder.workflow:
        external["workflow"] = dict(builder.workflow)
    if training.parameters:
        external["parameters"] = dict(sorted(training.parameters.items()))
    metadata: dict[str, object] = {"finishedOn": finished}
    if builder.invocation:
        metadata["invocationId"] = builder.invocation
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": external,
            "resolvedDependencies": [
                each.document() for each in (*source, *training.dependencies)
            ],
        },
        "runDetails": {"builder": {"id": builder.id}, "metadata": metadata},
    }
