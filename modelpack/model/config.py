"""The ModelPack config document: written in one form, read in all that exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from modelpack.errors import InvalidInput, UnusableArtifact
from modelpack.oci.digest import Digest
from modelpack.oci.fields import Fields

MODEL: Final = "application/vnd.cncf.model.manifest.v1+json"
CONFIG: Final = "application/vnd.cncf.model.config.v1+json"
MODELS: Final = frozenset({MODEL, "application/vnd.cnai.model.manifest.v1+json"})
CONFIGS: Final = frozenset({CONFIG, "application/vnd.cnai.model.config.v1+json"})
MAX_CONFIG: Final = 4 << 20  # bytes; 10,000 diffIds are 0.8 MB

_MODALITIES: Final = frozenset(
    {"text", "image", "audio", "video", "embedding", "other"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """A config as its publisher wrote it; None or empty where it says nothing."""

    created_at: str | None = None
    authors: tuple[str, ...] = ()
    family: str | None = None
    name: str | None = None
    doc_url: str | None = None
    source_url: str | None = None
    datasets_url: tuple[str, ...] = ()
    version: str | None = None
    revision: str | None = None
    vendor: str | None = None
    licenses: tuple[str, ...] = ()
    title: str | None = None
    description: str | None = None
    architecture: str | None = None
    format: str | None = None
    param_size: str | None = None
    precision: str | None = None
    quantization: str | None = None
    input_types: tuple[str, ...] = ()
    output_types: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    diff_ids: tuple[Digest, ...] = ()


def read_config(raw: bytes) -> ModelConfig:
    """Parse a config of any version of the model-spec.

    Fields that no version knows are passed over; a known one of the wrong type
    raises ``UnusableArtifact``. AIKit writes ``{}``, and any part may be missing.
    """
    if len(raw) > MAX_CONFIG:
        raise UnusableArtifact(f"larger than {MAX_CONFIG} bytes", where="config")
    try:
        return _read(_Part(Fields.of_json(raw, where="config")))
    except UnusableArtifact:
        raise
    except InvalidInput as error:
        raise UnusableArtifact(error.message, where=error.where) from error


def _read(document: _Part) -> ModelConfig:
    about = document.part("descriptor")
    config = document.part("config")
    able = config.part("capabilities")
    files = document.part("modelfs")
    return ModelConfig(
        created_at=about.text("createdAt", "created_at"),
        authors=about.texts("authors"),
        family=about.text("family"),
        name=about.text("name"),
        doc_url=about.text("docURL", "doc_url"),
        source_url=about.text("sourceURL", "source_url"),
        datasets_url=about.texts("datasetsURL", "datasets_url"),
        version=about.text("version"),
        revision=about.text("revision"),
        vendor=about.text("vendor"),
        licenses=about.texts("licenses"),
        title=about.text("title"),
        description=about.text("description"),
        architecture=config.text("architecture"),
        format=config.text("format"),
        param_size=config.text("paramSize", "param_size"),
        precision=config.text("precision"),
        quantization=config.text("quantization"),
        input_types=able.modalities("inputTypes", "input_types"),
        output_types=able.modalities("outputTypes", "output_types"),
        languages=able.texts("languages"),
        diff_ids=files.digests("diffIds", "diff_ids"),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """An object each of whose fields may be missing, null, or spelled as of old."""

    fields: Fields

    def part(self, key: str) -> _Part:
        value = self._value((key,))[1]
        return _Part(Fields({} if value is None else value, self.fields.path(key)))

    def text(self, *keys: str) -> str | None:
        key, value = self._value(keys)
        if value is None or value == "":
            return None
        return self.fields.text(key)

    def texts(self, *keys: str) -> tuple[str, ...]:
        key, value = self._value(keys)
        items = () if value is None else self.fields.array(key)
        for index, item in enumerate(items):
            if not isinstance(item, str):
                raise InvalidInput(
                    "expected a string", where=f"{self.fields.path(key)}[{index}]"
                )
        return tuple(map(str, items))

    def modalities(self, *keys: str) -> tuple[str, ...]:
        return tuple(word for word in self.texts(*keys) if word in _MODALITIES)

    def digests(self, *keys: str) -> tuple[Digest, ...]:
        found = []
        for index, text in enumerate(self.texts(*keys)):
            try:
                found.append(Digest.parse(text))
            except InvalidInput as error:
                where = f"{self.fields.path(self._value(keys)[0])}[{index}]"
                raise InvalidInput(error.message, where=where) from error
        return tuple(found)

    def _value(self, keys: Sequence[str]) -> tuple[str, object]:
        present = [key for key in keys if key in self.fields]
        if len(present) > 1:
            raise InvalidInput(
                f"stands beside {present[1]}, which means the same",
                where=self.fields.path(present[0]),
            )
        return (present[0], self.fields.get(present[0])) if present else ("", None)


def document(config: ModelConfig) -> Mapping[str, object]:
    """Return the JSON form that modelpack writes; what is not said is left out."""
    able = {
        "inputTypes": config.input_types,
        "outputTypes": config.output_types,
        "languages": config.languages,
    }
    about = {
        "createdAt": config.created_at,
        "authors": config.authors,
        "family": config.family,
        "name": config.name,
        "docURL": config.doc_url,
        "sourceURL": config.source_url,
        "datasetsURL": config.datasets_url,
        "version": config.version,
        "revision": config.revision,
        "vendor": config.vendor,
        "licenses": config.licenses,
        "title": config.title,
        "description": config.description,
    }
    technical = {
        "architecture": config.architecture,
        "format": config.format,
        "paramSize": config.param_size,
        "precision": config.precision,
        "quantization": config.quantization,
        "capabilities": _said(able),
    }
    return {
        "descriptor": _said(about),
        "config": _said(technical),
        "modelfs": {"type": "layers", "diffIds": [str(d) for d in config.diff_ids]},
    }


def _said(fields: Mapping[str, object]) -> Mapping[str, object]:
    return {key: value for key, value in fields.items() if value}
