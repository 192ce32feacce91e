"""What the headers of the weight files prove, in ModelPack's words."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from modelpack.formats.kind import Kind
from modelpack.formats.weights.measures import param_size, precision, precision_name

# model-spec, "format": the first of these that is there names the model, since
# repositories carry conversions beside the weights that are meant.
_FORMATS: Final[Mapping[Kind, str]] = {
    Kind.SAFETENSORS: "safetensors",
    Kind.GGUF: "gguf",
    Kind.ONNX: "onnx",
    Kind.TORCH_ZIP: "pt",
    Kind.TORCH_LEGACY: "pt",
    Kind.TFLITE: "tflite",
    Kind.HDF5: "hdf5",
    Kind.NPZ: "npz",
    Kind.NPY: "npy",
    Kind.PICKLE: "pickle",
}
_COUNTED: Final = frozenset(
    {Kind.SAFETENSORS, Kind.GGUF, Kind.ONNX, Kind.TFLITE}
    | {Kind.TORCH_ZIP, Kind.TORCH_LEGACY}
)
_SHARD: Final = re.compile(r"[-_.]?\d{5}-of-\d{5}")
# Several quantised weights are stored in one element of these.
_PACKING: Final = frozenset({"U8", "I32"})
_WHOLE_NUMBERS: Final = _PACKING | {"I8", "I16", "I64", "U16", "U32", "U64", "BOOL"}


class Weighed(Protocol):
    """What is needed of a file's facts."""

    @property
    def path(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def parameters(self) -> Mapping[str, int]: ...
    @property
    def tensors(self) -> int: ...
    @property
    def modules(self) -> Mapping[str, int]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Formats, the best known first; and what the first one's headers count.

    ``parameters`` are stored elements of each dtype, ``modules`` those of each part of
    the network, the largest count first.
    ``param_size`` and ``precision`` are None where those do not prove them.
    """

    formats: tuple[str, ...] = ()
    parameters: Mapping[str, int] = field(default_factory=dict)
    tensors: int = 0
    modules: Mapping[str, int] = field(default_factory=dict)
    param_size: str | None = None
    precision: str | None = None


def measured(files: Iterable[Weighed], *, packed: bool) -> Measured:
    """Count parameters; ``packed`` where weights may be packed into integers.

    Of several sets of shards in one directory the largest counts: the others
    are variants of it, or helpers. Directories add up, as in a pipeline.
    """
    files = tuple(files)
    kinds = [kind for kind in _FORMATS if any(file.kind is kind for file in files)]
    formats = tuple(dict.fromkeys(_FORMATS[kind] for kind in kinds))
    if not kinds or kinds[0] not in _COUNTED:
        return Measured(formats=formats)
    chosen = _chosen([file for file in files if file.kind is kinds[0]])
    parameters = _added(file.parameters for file in chosen)
    hidden = packed and kinds[0] is Kind.SAFETENSORS and bool(_PACKING & {*parameters})
    return Measured(
        formats=formats,
        parameters=parameters,
        tensors=sum(file.tensors for file in chosen),
        modules=_added(file.modules for file in chosen),
        param_size=param_size(sum(parameters.values()))
        if parameters and not hidden
        else None,
        precision=_precision(parameters, hidden=hidden),
    )


def _added(counted: Iterable[Mapping[str, int]]) -> Mapping[str, int]:
    counts: Counter[str] = Counter()
    for each in counted:
        counts.update(each)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _chosen(files: Sequence[Weighed]) -> Sequence[Weighed]:
    sets: dict[str, dict[str, list[Weighed]]] = defaultdict(lambda: defaultdict(list))
    for file in files:
        directory, _, name = file.path.rpartition("/")
        sets[directory][_SHARD.sub("", name)].append(file)
    chosen: list[Weighed] = []
    for _, groups in sorted(sets.items()):
        chosen += min(groups.items(), key=lambda item: (-_total(item[1]), item[0]))[1]
    return chosen


def _total(files: Iterable[Weighed]) -> int:
    return sum(sum(file.parameters.values()) for file in files)


def _precision(parameters: Mapping[str, int], *, hidden: bool) -> str | None:
    if hidden:
        parameters = {
            dtype: count
            for dtype, count in parameters.items()
            if dtype not in _WHOLE_NUMBERS
        }
    largest = next(iter(parameters), None)
    if largest is None or precision_name(largest) is None:
        return None  # quantised: what is left over are scales and norms
    # A hundredth is not a precision but a buffer, such as position ids.
    total = sum(parameters.values())
    return precision(d for d, count in parameters.items() if 100 * count >= total)
