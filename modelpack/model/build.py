"""From facts to bytes: the config and the manifest of a model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.declaration.declaration import Declaration
from modelpack.model.config import CONFIG, MODEL, ModelConfig, document
from modelpack.model.facts import ModelFacts
from modelpack.model.files import FILEPATH, PackedFile
from modelpack.model.paths import refuse_collisions, shown
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.manifest import Manifest, compact

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_LANGUAGE: Final = re.compile(r"[a-z]{2}")
# Control characters but tab and newline; and surrogates, which are no text.
_LYING: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_MAX_TEXT: Final = 16_384

# Tasks of the hub whose name itself says what goes in and what comes out.
_TASKS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "automatic-speech-recognition": (("audio",), ("text",)),
    "feature-extraction": ((), ("embedding",)),
    "image-feature-extraction": (("image",), ("embedding",)),
    "image-text-to-text": (("image", "text"), ("text",)),
    "image-to-image": (("image",), ("image",)),
    "image-to-text": (("image",), ("text",)),
    "image-to-video": (("image",), ("video",)),
    "sentence-similarity": (("text",), ("embedding",)),
    "summarization": (("text",), ("text",)),
    "text-generation": (("text",), ("text",)),
    "text-to-audio": (("text",), ("audio",)),
    "text-to-image": (("text",), ("image",)),
    "text-to-speech": (("text",), ("audio",)),
    "text-to-video": (("text",), ("video",)),
    "translation": (("text",), ("text",)),
    "video-text-to-text": (("text", "video"), ("text",)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What the publisher says; it goes before what the files claim."""

    name: str | None = None
    title: str | None = None
    description: str | None = None
    family: str | None = None
    version: str | None = None
    revision: str | None = None
    vendor: str | None = None
    authors: tuple[str, ...] = ()
    licenses: tuple[str, ...] = ()
    source_url: str | None = None
    doc_url: str | None = None
    datasets_url: tuple[str, ...] = ()


_NOTHING_SAID: Final = Description()


def build_config(
    facts: ModelFacts,
    files: Sequence[PackedFile],
    *,
    created: str = "",
    description: Description = _NOTHING_SAID,
) -> bytes:
    """Write the config: the same bytes for the same input, on every machine.

    ``created`` is a time such as ``2026-11-23T00:00:00Z``; without it the config
    holds none.
    """
    claims, measured = facts.claims, facts.measured
    said = facts.declaration or Declaration()
    inputs, outputs = _TASKS.get(claims.task or "", ((), ()))
    config = ModelConfig(
        created_at=_time(created),
        authors=description.authors or tuple(party.name for party in said.authors),
        family=description.family or claims.family,
        name=description.name or claims.name,
        doc_url=description.doc_url or said.links.documentation,
        source_url=description.source_url or said.links.repository,
        datasets_url=description.datasets_url
        or tuple(data.url for data in said.datasets if data.url),
        version=description.version or said.version,
        revision=description.revision,
        vendor=description.vendor or (said.supplier.name if said.supplier else None),
        licenses=description.licenses or claims.licenses,
        title=description.title,
        description=description.description or said.description,
        architecture=claims.architecture,
        format=next(iter(measured.formats), None),
        param_size=measured.param_size,
        precision=measured.precision,
        quantization=claims.quantization,
        input_types=inputs,
        output_types=outputs,
        languages=tuple(filter(_LANGUAGE.fullmatch, claims.languages)),
        # model-spec: the digest of the uncompressed content; a raw layer is that.
        diff_ids=tuple(layer.digest for layer in _layers(files)),
    )
    written = document(config)
    _check_texts(written, "config")
    return compact(written)


def build_manifest(
    files: Sequence[PackedFile],
    config: bytes,
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    """Write the manifest: files sorted by path, the parts of one by offset."""
    layers = _layers(files)
    if not layers:
        raise InvalidInput("a model needs at least one file")
    titles = [layer.annotations[FILEPATH] for layer in layers]
    split = [file.path for file in files if len(file.pieces) > 1]
    refuse_collisions([*titles, *split])
    _check_texts(annotations or {}, "annotations")
    return Manifest.build(
        artifact_type=MODEL,
        config=Descriptor.of(config, CONFIG),
        layers=layers,
        annotations=annotations,
    )


def _layers(files: Sequence[PackedFile]) -> tuple[Descriptor, ...]:
    ordered = sorted(files, key=lambda file: file.path)
    return tuple(layer for file in ordered for layer in file.layers)


def _time(created: str) -> str | None:
    # RFC 3339, section 5.6, in the one spelling that sorts as it reads.
    if created and not _TIME.fullmatch(created):
        raise InvalidInput(f"not a time in UTC: {shown(created)}", where="created")
    try:
        if created:
            datetime.fromisoformat(created)
    except ValueError as error:
        raise InvalidInput(f"no such time: {created}", where="created") from error
    return created or None


def _check_texts(value: object, where: str) -> None:
    """Refuse texts that are not Unicode, or that lie to a terminal."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            place = f"{where}.{key}" if str(key).isprintable() else where
            _check_texts(key, where)
            _check_texts(item, place)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _check_texts(item, f"{where}[{index}]")
    elif isinstance(value, str) and (_LYING.search(value) or len(value) > _MAX_TEXT):
        raise InvalidInput(f"not a plain text: {shown(value)}", where=where)
