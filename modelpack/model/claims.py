"""What configuration, metadata and cards claim of a model, each in its own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.declaration.declaration import Declaration
from modelpack.formats.energy.codecarbon import parse_codecarbon
from modelpack.formats.energy.use import EnergyUse
from modelpack.formats.prose.card import parse_card
from modelpack.formats.prose.transformers import (
    MAX_TEMPLATE_FILE,
    parse_adapter_config,
    parse_config,
    parse_template,
)
from modelpack.formats.weights.gguf import GgufHeader
from modelpack.formats.weights.measures import quantization_name
from modelpack.formats.window import Window
from modelpack.model.licences import expression, spdx
from modelpack.oci.digest import Digest

__all__ = ["READERS", "Claims", "join", "of_declaration", "of_metadata", "plain"]

_MAX_TEXT: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What configuration, metadata or a card declare; None or empty if nothing.

    ``relation`` says what was done to the base model, in the hub's words: ``adapter``,
    ``finetune``, ``merge`` or ``quantized``. ``template`` is the SHA-256 of the one
    chat template, as ``sha256:…``; ``context_length`` counts tokens.
    """

    name: str | None = None
    architecture: str | None = None
    family: str | None = None
    quantization: str | None = None
    licenses: tuple[str, ...] = ()
    base_models: tuple[str, ...] = ()
    relation: str | None = None
    languages: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    task: str | None = None
    library: str | None = None
    energy: tuple[EnergyUse, ...] = ()
    remote_code: bool = False
    context_length: int | None = None
    template: str | None = None


def of_declaration(said: Declaration) -> Claims:
    """Return what a `modelpack.yaml` claims where other files may claim it, too."""
    # No architecture and no family: those are declared only where no file tells.
    return Claims(
        name=said.name,
        licenses=tuple(dict.fromkeys(filter(None, map(expression, said.licenses)))),
        base_models=tuple(dict.fromkeys(base.name for base in said.base_models)),
        relation=next((base.relation for base in said.base_models), None),
        languages=said.languages,
        datasets=tuple(dict.fromkeys(data.name for data in said.datasets)),
        task=said.task,
        library=said.library,
        energy=said.energy,
    )


def _of_config(window: Window) -> Claims:
    config = parse_config(window)
    return Claims(
        architecture=next(iter(config.architectures), None),
        family=config.model_type,
        quantization=config.quantization,
        base_models=(config.base_model,) if config.base_model else (),
        remote_code=config.remote_code,
        context_length=config.context_length,
    )


def _of_tokenizer(window: Window) -> Claims:
    return Claims(template=_template_hash(parse_template(window)))


def _of_template(window: Window) -> Claims:
    if window.size > MAX_TEMPLATE_FILE:
        raise InvalidInput("too large for a template", where=window.name)
    try:
        return Claims(template=_template_hash(window.read(0, window.size).decode()))
    except UnicodeDecodeError as error:
        raise InvalidInput("not UTF-8", where=window.name) from error


def _template_hash(template: str | None) -> str | None:
    """Hash a template's own text, so that it is the same in whatever file it lies."""
    return str(Digest.of(template.encode())) if template else None


def _of_adapter(window: Window) -> Claims:
    config = parse_adapter_config(window)
    if not config.base_model:
        return Claims()
    return Claims(base_models=(config.base_model,), relation="adapter")


def _of_emissions(window: Window) -> Claims:
    return Claims(energy=(parse_codecarbon(window),))


def _of_card(window: Window) -> Claims:
    card = parse_card(window)
    found = (spdx(slug, name=card.license_name) for slug in card.licenses)
    return Claims(
        name=card.name,
        licenses=tuple(dict.fromkeys(filter(None, found))),
        base_models=card.base_models,
        relation=card.base_model_relation if card.base_models else None,
        languages=card.languages,
        datasets=card.datasets,
        task=card.pipeline_tag,
        library=card.library_name,
        energy=(card.cost,) if card.cost else (),
    )


def of_metadata(header: GgufHeader) -> Claims:
    """Return what a GGUF file says of itself."""
    general = header.general
    texts = {key: text for key, value in general.items() if (text := plain(value))}
    file_type = general.get("file_type")
    licence = texts.get("license", "")
    return Claims(
        name=texts.get("name"),
        architecture=texts.get("architecture"),
        family=texts.get("architecture"),
        quantization=quantization_name(file_type)
        if isinstance(file_type, int)
        else None,
        licenses=tuple(filter(None, (spdx(licence),))) if licence else (),
        base_models=tuple(
            texts[key] for key in sorted(texts) if _is_base_model_name(key)
        ),
        context_length=_context_length(header, texts.get("architecture")),
        template=_template_hash(_text_of(header, "tokenizer.chat_template")),
    )


def _context_length(header: GgufHeader, architecture: str | None) -> int | None:
    value = header.metadata.get(f"{architecture}.context_length")
    return value if type(value) is int and value > 0 else None


def _text_of(header: GgufHeader, key: str) -> str | None:
    value = header.metadata.get(key)
    return value if isinstance(value, str) else None


def plain(value: object) -> str | None:
    """Return a text that fits on a line; what does not is no name of anything."""
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        return None
    return value.strip() if value.isprintable() else None


def _is_base_model_name(key: str) -> bool:
    parts = key.split(".")
    return parts[0] == "base_model" and parts[-1] == "name"


READERS: Final[Mapping[str, Callable[[Window], Claims]]] = {
    "config.json": _of_config,
    "adapter_config.json": _of_adapter,
    "readme.md": _of_card,
    "emissions.csv": _of_emissions,
    "tokenizer_config.json": _of_tokenizer,
    "chat_template.json": _of_tokenizer,
    "chat_template.jinja": _of_template,
}
"""Who reads which file, by its name in lower case."""


def join(claims: Sequence[Claims]) -> Claims:
    """Take each claim from the first file that makes it."""

    def texts(of: Callable[[Claims], tuple[str, ...]]) -> tuple[str, ...]:
        return next(filter(None, map(of, claims)), ())

    def text(of: Callable[[Claims], str | None]) -> str | None:
        return next(filter(None, map(of, claims)), None)

    return Claims(
        name=text(lambda claim: claim.name),
        architecture=text(lambda claim: claim.architecture),
        family=text(lambda claim: claim.family),
        quantization=text(lambda claim: claim.quantization),
        licenses=texts(lambda claim: claim.licenses),
        base_models=texts(lambda claim: claim.base_models),
        relation=text(lambda claim: claim.relation),
        languages=texts(lambda claim: claim.languages),
        datasets=texts(lambda claim: claim.datasets),
        task=text(lambda claim: claim.task),
        library=text(lambda claim: claim.library),
        remote_code=any(claim.remote_code for claim in claims),
        context_length=next(
            filter(None, (claim.context_length for claim in claims)), None
        ),
        template=text(lambda claim: claim.template),
    )
