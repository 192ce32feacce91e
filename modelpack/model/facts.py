"""What the files themselves say of a model: file by file, then taken together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.declaration.declaration import FILE_NAME, Declaration
from modelpack.formats.declaration.reading import parse_declaration
from modelpack.formats.kind import Kind, kind_of
from modelpack.formats.prose.card import parse_card
from modelpack.formats.prose.transformers import parse_adapter_config, parse_config
from modelpack.formats.wasm import parse_wasm
from modelpack.formats.weights.gguf import GgufHeader, parse_gguf
from modelpack.formats.weights.measures import quantization_name
from modelpack.formats.weights.safetensors import parse_safetensors
from modelpack.formats.window import Window
from modelpack.model.categories import Category, category_of
from modelpack.model.licences import expression, spdx
from modelpack.model.measured import Measured, measured
from modelpack.model.paths import shown

_LFS_POINTER: Final = b"version https://git-lfs.github.com/spec/"
_MAX_TEXT: Final = 256
_STRICT: Final[Mapping[str, Kind]] = {
    ".safetensors": Kind.SAFETENSORS,
    ".gguf": Kind.GGUF,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What configuration, metadata or a card declare; None or empty if nothing.

    ``relation`` says what was done to the base model, in the hub's words: ``adapter``,
    ``finetune``, ``merge`` or ``quantized``.
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
    remote_code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What one file says.

    ``parameters`` are the stored elements of each dtype, from a weight file's
    header. ``imports`` are the interfaces that a WASM binary asks of its host.
    ``fault`` says why a description, such as a card, could not be read.
    ``declaration`` is what a `modelpack.yaml` says in all.
    """

    path: str
    size: int
    kind: Kind
    category: Category
    parameters: Mapping[str, int] = field(default_factory=dict)
    tensors: int = 0
    claims: Claims = Claims()
    imports: tuple[str, ...] = ()
    declaration: Declaration | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What all files together say.

    ``measured`` follows from the weights, ``claims`` from what stands beside
    them. ``faults`` name the files whose claims could not be read.
    """

    measured: Measured
    claims: Claims
    files: tuple[FileFacts, ...]
    declaration: Declaration | None = None
    faults: tuple[str, ...] = ()


def examine(window: Window) -> FileFacts:
    """Read what a file says of itself; the window's name is its path.

    A weight file whose header does not hold raises ``InvalidInput``: whoever
    pushes it makes a mistake, and so does a `modelpack.yaml`. A card or
    configuration that cannot be read gives no facts and a ``fault``: it may not
    be meant for us.
    """
    kind = kind_of(window)
    _refuse_broken(window, kind)
    known = FileFacts(
        path=window.name,
        size=window.size,
        kind=kind,
        category=category_of(window.name, kind),
    )
    if kind in _BY_KIND:
        return _BY_KIND[kind](known, window)
    if window.name == FILE_NAME:
        declaration = parse_declaration(window)
        return replace(
            known, claims=_of_declaration(declaration), declaration=declaration
        )
    reader = _READERS.get(window.name.rpartition("/")[2].lower())
    if reader is None or kind not in {Kind.JSON, Kind.MARKDOWN, Kind.TEXT}:
        return known
    try:
        return replace(known, claims=reader(window))
    except InvalidInput as error:
        return replace(known, fault=str(error))


def combine(files: Iterable[FileFacts]) -> ModelFacts:
    """Say what a model is, whatever the order of its files."""
    ordered = tuple(sorted(files, key=nearest_first))
    declaration = next(filter(None, (file.declaration for file in ordered)), None)
    claims = _joined([file.claims for file in ordered])
    if declaration is not None:
        claims = replace(
            claims,
            architecture=claims.architecture or declaration.architecture,
            family=claims.family or declaration.family,
        )
    return ModelFacts(
        measured=measured(ordered, packed=claims.quantization is not None),
        claims=claims,
        files=tuple(sorted(ordered, key=lambda file: file.path)),
        declaration=declaration,
        faults=tuple(file.fault for file in ordered if file.fault),
    )


def _refuse_broken(window: Window, kind: Kind) -> None:
    """Refuse a name that promises what the content is not."""
    pointer = window.read(0, min(window.size, len(_LFS_POINTER))) == _LFS_POINTER
    for suffix, expected in _STRICT.items():
        if window.name.lower().endswith(suffix) and kind is not expected:
            raise InvalidInput(
                "a pointer of Git LFS in place of the file"
                if pointer
                else f"not {expected} inside, but {kind}",
                where=shown(window.name),
                hint="run: git lfs pull"
                if pointer
                else "leave the file out with --exclude, or give it its true name",
            )


def _of_safetensors(known: FileFacts, window: Window) -> FileFacts:
    header = parse_safetensors(window)
    return replace(known, parameters=header.parameters, tensors=len(header.tensors))


def _of_gguf(known: FileFacts, window: Window) -> FileFacts:
    header = parse_gguf(window)
    return replace(
        known,
        parameters=header.parameters,
        tensors=len(header.tensors),
        claims=_of_metadata(header),
    )


def _of_wasm(known: FileFacts, window: Window) -> FileFacts:
    try:
        found = parse_wasm(window)
    except InvalidInput as error:
        return replace(known, fault=str(error))
    return replace(known, imports=tuple(sorted({name for name, _ in found.imports})))


def _of_declaration(said: Declaration) -> Claims:
    # No architecture and no family: those are declared only where no file tells.
    return Claims(
        name=said.name,
        licenses=tuple(dict.fromkeys(filter(None, map(expression, said.licenses)))),
        base_models=tuple(dict.fromkeys(base.name for base in said.base_models)),
        languages=said.languages,
        datasets=tuple(dict.fromkeys(data.name for data in said.datasets)),
        task=said.task,
        library=said.library,
    )


def _of_config(window: Window) -> Claims:
    config = parse_config(window)
    return Claims(
        architecture=next(iter(config.architectures), None),
        family=config.model_type,
        quantization=config.quantization,
        base_models=(config.base_model,) if config.base_model else (),
        remote_code=config.remote_code,
    )


def _of_adapter(window: Window) -> Claims:
    config = parse_adapter_config(window)
    if not config.base_model:
        return Claims()
    return Claims(base_models=(config.base_model,), relation="adapter")


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
    )


def _of_metadata(header: GgufHeader) -> Claims:
    general = header.general
    texts = {key: text for key, value in general.items() if (text := _plain(value))}
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
    )


def _plain(value: object) -> str | None:
    """Return a text that fits on a line; what does not is no name of anything."""
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        return None
    return value.strip() if value.isprintable() else None


def _is_base_model_name(key: str) -> bool:
    parts = key.split(".")
    return parts[0] == "base_model" and parts[-1] == "name"


_BY_KIND: Final[Mapping[Kind, Callable[[FileFacts, Window], FileFacts]]] = {
    Kind.SAFETENSORS: _of_safetensors,
    Kind.GGUF: _of_gguf,
    Kind.WASM_MODULE: _of_wasm,
    Kind.WASM_COMPONENT: _of_wasm,
}
_READERS: Final[Mapping[str, Callable[[Window], Claims]]] = {
    "config.json": _of_config,
    "adapter_config.json": _of_adapter,
    "readme.md": _of_card,
}


def nearest_first(file: FileFacts) -> tuple[bool, int, str]:
    """Return a key by which files sort in the order in which they are believed."""
    # What lies at the top speaks for the model; a folder, for one part of it.
    return file.path != FILE_NAME, file.path.count("/"), file.path


def _joined(claims: Sequence[Claims]) -> Claims:
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
    )
