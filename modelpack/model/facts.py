"""What the files themselves say of a model: file by file, then taken together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from modelpack.errors import InvalidInput
from modelpack.formats.declaration.declaration import FILE_NAME, Declaration
from modelpack.formats.declaration.reading import parse_declaration
from modelpack.formats.kind import Kind, kind_of
from modelpack.formats.tensor import modules
from modelpack.formats.wasm import parse_wasm
from modelpack.formats.weights.gguf import parse_gguf
from modelpack.formats.weights.safetensors import parse_safetensors
from modelpack.formats.window import Window
from modelpack.model.categories import category_of
from modelpack.model.claims import (
    READERS,
    Claims,
    join,
    of_declaration,
    of_metadata,
    plain,
)
from modelpack.model.headers import READ, read_header
from modelpack.model.layer_types import Category
from modelpack.model.measured import Measured, measured
from modelpack.model.paths import shown

_LFS_POINTER: Final = b"version https://git-lfs.github.com/spec/"
_STRICT: Final[Mapping[str, Kind]] = {
    ".safetensors": Kind.SAFETENSORS,
    ".gguf": Kind.GGUF,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What one file says.

    ``parameters`` are the stored elements of each dtype, ``modules`` those of each
    part of the network, from a weight file's header; ``producer`` is the program that
    wrote it. ``imports`` are the interfaces that a WASM binary asks of its host.
    ``fault`` says why a description, such as a card, could not be read.
    ``declaration`` is what a `modelpack.yaml` says in all.
    """

    path: str
    size: int
    kind: Kind
    category: Category
    parameters: Mapping[str, int] = field(default_factory=dict)
    tensors: int = 0
    producer: str = ""
    modules: Mapping[str, int] = field(default_factory=dict)
    claims: Claims = field(default_factory=Claims)
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


_Reader: TypeAlias = Callable[[FileFacts, Window], FileFacts]


def examine(window: Window) -> FileFacts:
    """Read what a file says of itself; the window's name is its path.

    A weight file whose header does not hold raises ``InvalidInput``: whoever
    pushes it makes a mistake, and so does a `modelpack.yaml`. A card or
    configuration that cannot be read gives no facts and a ``fault``: it may not
    be meant for us.
    """
    return _examined(window, _BY_KIND)


def glance(window: Window) -> FileFacts:
    """Examine a file that lies far away: its head is read, no graph or archive."""
    return _examined(window, _BY_HEAD)


def _examined(window: Window, by_kind: Mapping[Kind, _Reader]) -> FileFacts:
    kind = kind_of(window)
    _refuse_broken(window, kind)
    known = FileFacts(
        path=window.name,
        size=window.size,
        kind=kind,
        category=category_of(window.name, kind),
    )
    if kind in by_kind:
        return by_kind[kind](known, window)
    if window.name == FILE_NAME:
        declaration = parse_declaration(window)
        return replace(
            known, claims=of_declaration(declaration), declaration=declaration
        )
    reader = READERS.get(window.name.rpartition("/")[2].lower())
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
    claims = join([file.claims for file in ordered])
    # A card repeats, rounded, what a meter's file says.
    meters_first = sorted(ordered, key=lambda file: file.kind is Kind.MARKDOWN)
    costs = (file.claims.energy for file in meters_first)
    claims = replace(claims, energy=next(filter(None, costs), ()))
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
    return replace(
        known,
        parameters=header.parameters,
        tensors=len(header.tensors),
        modules=modules(header.tensors),
    )


def _of_gguf(known: FileFacts, window: Window) -> FileFacts:
    header = parse_gguf(window)
    return replace(
        known,
        parameters=header.parameters,
        tensors=len(header.tensors),
        modules=modules(header.tensors),
        claims=of_metadata(header),
    )


def _of_weights(known: FileFacts, window: Window) -> FileFacts:
    try:
        header = read_header(window, known.kind)
    except InvalidInput as error:
        return replace(known, fault=str(error))
    return replace(
        known,
        parameters=header.parameters,
        tensors=header.tensors,
        producer=plain(header.producer) or "",
    )


def _of_wasm(known: FileFacts, window: Window) -> FileFacts:
    try:
        found = parse_wasm(window)
    except InvalidInput as error:
        return replace(known, fault=str(error))
    return replace(known, imports=tuple(sorted({name for name, _ in found.imports})))


_BY_HEAD: Final[Mapping[Kind, _Reader]] = {
    Kind.SAFETENSORS: _of_safetensors,
    Kind.GGUF: _of_gguf,
    Kind.WASM_MODULE: _of_wasm,
    Kind.WASM_COMPONENT: _of_wasm,
}
_BY_KIND: Final[Mapping[Kind, _Reader]] = {
    **_BY_HEAD,
    **dict.fromkeys(READ, _of_weights),
}


def nearest_first(file: FileFacts) -> tuple[bool, int, str]:
    """Return a key by which files sort in the order in which they are believed."""
    # What lies at the top speaks for the model; a folder, for one part of it.
    return file.path != FILE_NAME, file.path.count("/"), file.path
