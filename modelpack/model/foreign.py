"""Name artifacts that are something else than a ModelPack model."""

from __future__ import annotations

from typing import Final

from modelpack.oci.manifest import EMPTY_JSON, Manifest

# The first row with which any type of the artifact begins, tells: what is more
# special comes first, because many of these have the config of an image.
_KNOWN: Final = (
    ("application/vnd.dev.sigstore.bundle", "a Sigstore bundle"),
    ("application/vnd.dev.cosign.", "a cosign signature or attestation"),
    ("application/vnd.in-toto", "an in-toto attestation"),
    ("application/vnd.dsse", "an attestation"),
    ("application/vnd.kitops.modelkit.", "a KitOps ModelKit"),
    ("application/vnd.docker.ai.", "a Docker model"),
    ("application/vnd.ollama.", "an Ollama model"),
    ("application/x-mlmodel", "an OMLMD model"),
    ("application/x-config", "an OMLMD model"),
    ("application/vnd.cncf.helm.", "a Helm chart"),
    ("application/vnd.wasm.", "a Wasm module"),
    ("application/wasm", "a Wasm module"),
    ("application/vnd.cncf.kyverno.", "a Kyverno policy"),
    ("application/vnd.cyclonedx", "a CycloneDX bill of materials"),
    ("application/spdx", "an SPDX bill of materials"),
    ("text/spdx", "an SPDX bill of materials"),
    ("application/vnd.oci.image.config.", "a container image"),
    ("application/vnd.docker.container.image.", "a container image"),
)


def foreign_kind(manifest: Manifest) -> str:
    """Say what an artifact is, for an error: ``a Helm chart``."""
    types = (
        manifest.artifact_type,
        manifest.config.media_type,
        *(layer.media_type for layer in manifest.layers),
    )
    for prefix, name in _KNOWN:
        if any(kind.startswith(prefix) for kind in types):
            return name
    specific = [kind for kind in types if kind and kind != EMPTY_JSON]
    return f"an artifact of type {specific[0][:160]!r}" if specific else "no model"
