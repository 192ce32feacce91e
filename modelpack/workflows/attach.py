"""Lay a signed statement beside an artifact, where cosign and Kyverno look for it."""

from __future__ import annotations

from typing import Final

from modelpack.attestation.bundle import MEDIA_TYPE, Bundle
from modelpack.attestation.legacy import (
    ENVELOPE,
    PAYLOAD,
    PREDICATE_ANNOTATION,
    SIGNATURE_ANNOTATION,
)
from modelpack.errors import InvalidInput, NotFound
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import (
    EMPTY_JSON,
    IMAGE_CONFIG,
    Manifest,
    compact,
    parse_any,
)
from modelpack.oci.store import Store, blocks_of

EMPTY: Final = b"{}"
CONTENT_ANNOTATION: Final = "dev.sigstore.bundle.content"
TYPE_ANNOTATION: Final = "dev.sigstore.bundle.predicateType"
CREATED_ANNOTATION: Final = "org.opencontainers.image.created"
_MOST_LEGACY: Final = 1000  # layers, as cosign has it


def attach(
    store: Store, subject: Descriptor, bundle: Bundle, predicate_type: str, created: str
) -> Descriptor:
    """Store a bundle as a referrer of ``subject``, exactly as cosign 3 writes it.

    cosign ``pkg/oci/remote/write.go``: one layer, the artifact type in the config's
    descriptor too. ``created`` is a time in RFC 3339, which nothing is decided on.
    """
    config = Descriptor.of(EMPTY, EMPTY_JSON)
    layer = Descriptor.of(bundle.raw, MEDIA_TYPE)
    manifest = Manifest.build(
        artifact_type=MEDIA_TYPE,
        config=Descriptor(
            media_type=config.media_type,
            digest=config.digest,
            size=config.size,
            artifact_type=MEDIA_TYPE,
        ),
        layers=(layer,),
        subject=Descriptor(
            media_type=subject.media_type, digest=subject.digest, size=subject.size
        ),
        annotations={
            CONTENT_ANNOTATION: "dsse-envelope",
            TYPE_ANNOTATION: predicate_type,
            CREATED_ANNOTATION: created,
        },
    )
    store.put_blob(config, blocks_of(EMPTY))
    store.put_blob(layer, blocks_of(bundle.raw))
    store.put_manifest(manifest.document)
    return manifest.descriptor


def legacy_tag(digest: Digest, suffix: str) -> str:
    """Return the tag under which cosign 2 looks: ``sha256-….sig`` or ``….att``."""
    return f"{digest.algorithm}-{digest.hex}.{suffix}"


def attach_signature(
    store: Store, digest: Digest, payload: bytes, signature: str
) -> None:
    """Add a signature in cosign's older form, beside those that are there."""
    layer = Descriptor.of(payload, PAYLOAD)
    _append(
        store,
        legacy_tag(digest, "sig"),
        Descriptor(
            media_type=layer.media_type,
            digest=layer.digest,
            size=layer.size,
            annotations={SIGNATURE_ANNOTATION: signature},
        ),
        payload,
    )


def attach_attestation(
    store: Store, digest: Digest, envelope: bytes, predicate_type: str
) -> None:
    """Add an attestation in cosign's older form, beside those that are there."""
    layer = Descriptor.of(envelope, ENVELOPE)
    _append(
        store,
        legacy_tag(digest, "att"),
        Descriptor(
            media_type=layer.media_type,
            digest=layer.digest,
            size=layer.size,
            annotations={
                SIGNATURE_ANNOTATION: "",
                PREDICATE_ANNOTATION: predicate_type,
            },
        ),
        envelope,
    )


def _append(store: Store, tag: str, layer: Descriptor, content: bytes) -> None:
    """Read the image under the tag, add a layer, write it: as cosign does.

    Two writers at once can lose one of the two; the form knows no better. The
    referrer, which is written as well, is not lost.
    """
    layers: tuple[Descriptor, ...] = ()
    try:
        found = parse_any(store.get_manifest(tag))
    except NotFound:
        pass
    else:
        if not isinstance(found, Manifest):
            raise InvalidInput("is not an image of signatures", where=tag)
        layers = found.layers
    same = [
        old
        for old in layers
        if (old.digest, dict(old.annotations))
        == (layer.digest, dict(layer.annotations))
    ]
    if same:
        return
    if len(layers) >= _MOST_LEGACY:
        raise InvalidInput(f"holds {len(layers)} signatures already", where=tag)
    layers = (*layers, layer)
    config = compact(
        {
            "architecture": "",
            "created": "0001-01-01T00:00:00Z",
            "history": [{"created": "0001-01-01T00:00:00Z"} for _ in layers],
            "os": "",
            "rootfs": {
                "type": "layers",
                "diff_ids": [str(each.digest) for each in layers],
            },
            "config": {},
        }
    )
    manifest = Manifest.build(
        artifact_type="",
        config=Descriptor.of(config, IMAGE_CONFIG),
        layers=layers,
    )
    store.put_blob(layer, blocks_of(content))
    store.put_blob(manifest.config, blocks_of(config))
    store.put_manifest(manifest.document, tag)
