"""Collect what may be signed statements about an artifact: bounded, not yet believed.

Nothing that a list of referrers says is relied on: each manifest is fetched by its
digest, and what it is follows from its own bytes. The list can leave something out;
what is not found is not there, and its absence never admits anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from modelpack.attestation import bundle as form
from modelpack.attestation.beside import Beside
from modelpack.attestation.bundle import Bundle
from modelpack.attestation.envelope import Envelope
from modelpack.attestation.evidence import Candidate, Unjudgeable
from modelpack.attestation.legacy import (
    ENVELOPE,
    PAYLOAD,
    SIGNATURE_ANNOTATION,
    SimpleSigning,
)
from modelpack.attestation.wire import decoded
from modelpack.errors import ContentError, InvalidInput, NotFound
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.fields import Fields
from modelpack.oci.manifest import Index, Manifest, parse_any
from modelpack.oci.store import Source, read_whole
from modelpack.oci.strict_json import strict_json
from modelpack.workflows.attach import legacy_tag

MAX_REFERRERS: Final = 1000
MAX_TOTAL: Final = 64 << 20
RED_HAT: Final = "application/vnd.model-signing.signature.v0.1"


@dataclass(slots=True)
class Budget:
    """How many bytes of evidence may still be read about one artifact."""

    left: int = MAX_TOTAL
    digest: Digest | None = field(default=None)

    def take(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise Unjudgeable(
                f"more than {MAX_TOTAL >> 20} MiB of signatures and attestations",
                where=str(self.digest),
            )


def candidates(source: Source, digest: Digest) -> Iterator[Candidate]:
    """Yield whatever may be a signed statement about ``digest``, newest form first.

    Raises ``Unjudgeable`` rather than judge a part of what is there.
    """
    budget = Budget(digest=digest)
    yield from referring(source, source.referrers(digest), digest, budget)
    yield from older(source, digest, budget)


def older(source: Source, digest: Digest, budget: Budget) -> Iterator[Candidate]:
    """Yield what lies under cosign's older tags."""
    for suffix, media_type in (("sig", PAYLOAD), ("att", ENVELOPE)):
        yield from _legacy(source, legacy_tag(digest, suffix), media_type, budget)


def referring(
    source: Source, listed: Sequence[Descriptor], digest: Digest, budget: Budget
) -> Iterator[Candidate]:
    """Yield those of a list of referrers, each by its digest."""
    if len(listed) > MAX_REFERRERS:
        raise Unjudgeable(f"{len(listed)} referrers", where=str(digest))
    for descriptor in sorted(listed, key=lambda d: d.digest):
        yield Candidate(
            str(descriptor.digest),
            partial(_bundle, source, descriptor, digest, budget),
        )


def _bundle(
    source: Source, descriptor: Descriptor, digest: Digest, budget: Budget
) -> Bundle | None:
    """Fetch one referrer; None where it neither is nor claims to be a bundle."""
    budget.take(descriptor.size)
    document = source.get_manifest(descriptor.digest)
    budget.take(max(0, len(document.raw) - descriptor.size))  # lists can lie
    manifest = parse_any(document)
    claims = _is_bundle(descriptor.artifact_type)
    if isinstance(manifest, Index) or not _is_bundle(_type_of(manifest)):
        if claims:
            raise ContentError("is listed as a bundle, and is none")
        return None
    if len(document.raw) != descriptor.size:
        raise ContentError(
            f"is listed with {descriptor.size} bytes, and has {len(document.raw)}"
        )
    if manifest.subject is None or manifest.subject.digest != digest:
        raise ContentError("refers to another artifact")
    if len(manifest.layers) != 1:
        raise InvalidInput(f"has {len(manifest.layers)} layers; a bundle has one")
    layer = manifest.layers[0]
    if not _is_bundle(layer.media_type):
        raise InvalidInput(f"holds {layer.media_type[:80]!r}, which is no bundle")
    budget.take(layer.size)
    return Bundle.parse(read_whole(source, layer, limit=form.MAX_BYTES))


def _type_of(manifest: Manifest) -> str:
    return manifest.artifact_type or manifest.config.media_type


def _is_bundle(media_type: str) -> bool:
    return media_type.startswith(form.MEDIA_TYPE_PREFIX) or media_type == RED_HAT


def _legacy(
    source: Source, tag: str, media_type: str, budget: Budget
) -> Iterator[Candidate]:
    try:
        manifest = parse_any(source.get_manifest(tag))
    except NotFound:
        return
    except InvalidInput as error:
        yield Candidate(tag, partial(_broken, error))
        return
    if isinstance(manifest, Index):
        return
    if len(manifest.layers) > MAX_REFERRERS:
        raise Unjudgeable(f"{len(manifest.layers)} signatures", where=tag)
    for index, layer in enumerate(manifest.layers):
        if layer.media_type == media_type:
            read = _signature if media_type == PAYLOAD else _attestation
            yield Candidate(f"{tag}[{index}]", partial(read, source, layer, budget))


def _broken(error: InvalidInput) -> Bundle:
    raise error


def _signature(source: Source, layer: Descriptor, budget: Budget) -> Bundle:
    budget.take(layer.size)
    payload = read_whole(source, layer, limit=form.MAX_BYTES)
    signature = decoded(Fields(dict(layer.annotations)), SIGNATURE_ANNOTATION)
    return _older(
        payload + signature,
        SimpleSigning(payload=payload, signature=signature),
        Beside.of(layer.annotations),
    )


def _attestation(source: Source, layer: Descriptor, budget: Budget) -> Bundle:
    budget.take(layer.size)
    raw = read_whole(source, layer, limit=form.MAX_BYTES)
    envelope = Envelope.parse(strict_json(raw, where="envelope"), "envelope")
    return _older(raw, envelope, Beside.of(layer.annotations))


def _older(raw: bytes, envelope: Envelope | SimpleSigning, beside: Beside) -> Bundle:
    return Bundle(
        raw=b"".join((raw, *beside.certificates)),
        envelope=envelope,
        certificates=beside.certificates,
        entries=beside.entries,
        timestamps=beside.timestamps,
        older=True,
    )
