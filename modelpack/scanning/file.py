"""Judge one file by its content.

The rule is an allow-list. A format passes because a strict parser has read all that
a loader would act on; what no parser here knows does not pass, and neither does what
one could not finish.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.images import check_image
from modelpack.formats.kind import Kind, kind_of
from modelpack.formats.names import shown
from modelpack.formats.pickled.torch_zip import TorchArchive, parse_torch_zip
from modelpack.formats.pickled.walk import seen_imports
from modelpack.formats.pickled.weights_only import beyond_weights
from modelpack.formats.strict_zip import member_window, parse_zip
from modelpack.formats.wasm import parse_wasm
from modelpack.formats.weights.gguf import parse_gguf
from modelpack.formats.weights.keras import parse_keras
from modelpack.formats.weights.npy import parse_npy
from modelpack.formats.weights.onnx_model import ExternalData, parse_onnx
from modelpack.formats.weights.safetensors import parse_safetensors
from modelpack.formats.weights.saved_model import parse_saved_model
from modelpack.formats.weights.sentencepiece import check_sentencepiece
from modelpack.formats.weights.tflite import parse_tflite
from modelpack.formats.weights.tiktoken import check_tiktoken
from modelpack.formats.window import Window
from modelpack.formats.zip import zip_names
from modelpack.scanning.configuration import judge_document
from modelpack.scanning.names import is_script, name_mismatch
from modelpack.scanning.rules import RULES, Allowance, Rule
from modelpack.scanning.template import judge_templates
from modelpack.scanning.text import judge_json, judge_text
from modelpack.scanning.verdict import FileVerdict, Finding

__all__ = ["Judged", "judge"]

MAX_FINDINGS: Final = 100
MAX_MEMBER: Final = 64 << 20

_LOOKED_AT: Final = 1 << 20
_SHOWN_IMPORTS: Final = 5
_WASI: Final = re.compile(
    r"wasi:(?:cli|clocks|filesystem|io|random)/[\w-]+@0\.2\.[\w.-]+"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A file's verdict, and what it says of other files."""

    verdict: FileVerdict
    tensors: AbstractSet[str] = frozenset()
    weight_map: Mapping[str, str] = field(default_factory=dict)
    external: tuple[ExternalData, ...] = ()


def judge(window: Window, *, allow: AbstractSet[Allowance] = frozenset()) -> Judged:
    """Judge a file; the window's name is its path. Never raises for its content."""
    kind = kind_of(window)
    case = _Case(window=window, kind=kind, allow=allow)
    findings: list[Finding] = []
    try:
        for finding in case.findings():
            findings.append(finding)
            if len(findings) == MAX_FINDINGS:
                break
    except InvalidInput as error:
        findings.append(Finding(rule=Rule.MALFORMED, message=_told(error, window.name)))
    except Exception as error:  # noqa: BLE001 - a fault of ours is no pass
        findings.append(
            Finding(
                rule=Rule.NOT_JUDGED,
                message=f"the scanner failed: {type(error).__name__}",
            )
        )
    return Judged(
        verdict=FileVerdict(
            path=window.name,
            size=window.size,
            kind=kind,
            findings=tuple(findings),
            allowed=case.allowed,
        ),
        tensors=case.tensors,
        weight_map=case.weight_map,
        external=case.external,
    )


def _told(error: InvalidInput, path: str) -> str:
    """Say what failed and where in the file; the verdict names the file."""
    where = error.where.removeprefix(path).removeprefix(":").strip()
    return f"{where}: {error.message}" if where else error.message


@dataclass(slots=True, kw_only=True)
class _Case:
    """One file while it is judged."""

    window: Window
    kind: Kind
    allow: AbstractSet[Allowance]
    allowed: str = ""
    tensors: AbstractSet[str] = frozenset()
    weight_map: Mapping[str, str] = field(default_factory=dict)
    external: tuple[ExternalData, ...] = ()

    def findings(self) -> Iterator[Finding]:
        mismatch = name_mismatch(self.window.name, self.kind)
        if mismatch:
            yield Finding(rule=Rule.NAME_MISMATCH, message=mismatch)
        if is_script(self.window.name):
            yield Finding(rule=Rule.CODE, message=RULES[Rule.CODE].title)
        if self.kind in _REFUSED:
            rule = _REFUSED[self.kind]
            yield Finding(rule=rule, message=RULES[rule].title)
            return
        yield from self.second_file()
        yield from _JUDGES.get(self.kind, _Case.unknown)(self)

    def second_file(self) -> Iterator[Finding]:
        """Find an archive in what else it is: those are read from their end, or late.

        Python runs such a file where it holds a `__main__.py`.
        """
        if self.kind in _ZIPS:
            return
        names = zip_names(self.window)
        if names:
            yield Finding(
                rule=Rule.ARCHIVE,
                message=f"is a zip archive as well, with {shown(names[0])}",
            )
        if self.window.size >= _TAR_END and self.window.read(_TAR, 5) == b"ustar":
            yield Finding(rule=Rule.ARCHIVE, message="is a tar archive as well")

    def safetensors(self) -> Iterator[Finding]:
        header = parse_safetensors(self.window)
        self.tensors = frozenset(tensor.name for tensor in header.tensors)
        yield from ()

    def gguf(self) -> Iterator[Finding]:
        header = parse_gguf(self.window)
        templates: list[str] = []
        for key, value in header.metadata.items():
            if not key.startswith("tokenizer.chat_template"):
                continue
            if isinstance(value, str):
                templates.append(value)
            elif key != "tokenizer.chat_templates":  # the list of their names
                yield Finding(rule=Rule.CHAT_TEMPLATE, message=f"{key} is no text")
        yield from judge_templates(templates)

    def onnx(self) -> Iterator[Finding]:
        model = parse_onnx(self.window)
        for domain in model.custom_domains:
            yield Finding(
                rule=Rule.CUSTOM_OPERATORS, message=f"operators of {shown(domain)}"
            )
        self.external = model.external

    def tflite(self) -> Iterator[Finding]:
        for name in parse_tflite(self.window).custom:
            yield Finding(rule=Rule.CUSTOM_OPERATORS, message=f"the operator {name}")

    def saved_model(self) -> Iterator[Finding]:
        reaching = ", ".join(parse_saved_model(self.window).reaching)
        message = f"runs {reaching}" if reaching else RULES[Rule.SAVED_MODEL].title
        yield Finding(rule=Rule.SAVED_MODEL, message=message)

    def keras(self) -> Iterator[Finding]:
        yield Finding(rule=Rule.KERAS, message=RULES[Rule.KERAS].title)
        yield from judge_document(parse_keras(self.window).config, "config.json")

    def sentencepiece(self) -> Iterator[Finding]:
        check_sentencepiece(self.window)
        yield from ()

    def tiktoken(self) -> Iterator[Finding]:
        check_tiktoken(self.window)
        yield from ()

    def npy(self) -> Iterator[Finding]:
        if parse_npy(self.window).holds_objects:
            yield Finding(rule=Rule.PICKLE, message="an array of objects is a pickle")

    def wasm(self) -> Iterator[Finding]:
        wasm = parse_wasm(self.window)
        for module, name in wasm.imports:
            if not _granted(module, name):
                yield Finding(
                    rule=Rule.WASM_IMPORTS,
                    message=f"imports {shown(f'{module} {name}'.strip())}",
                )

    def npz(self) -> Iterator[Finding]:
        for member in parse_zip(self.window):
            inside = member_window(self.window, member, limit=MAX_MEMBER)
            if parse_npy(inside).holds_objects:
                yield Finding(
                    rule=Rule.PICKLE, message=f"{shown(member.name)} holds objects"
                )

    def image(self) -> Iterator[Finding]:
        check_image(self.window, self.kind)
        yield from ()

    def json(self) -> Iterator[Finding]:
        document = yield from judge_json(self.window)
        if self.window.name.lower().endswith(".index.json"):
            self.weight_map = _weight_map(document, self.window.name)

    def text(self) -> Iterator[Finding]:
        yield from judge_text(self.window)

    def torch_zip(self) -> Iterator[Finding]:
        archive = parse_torch_zip(self.window)
        if archive.script:
            yield Finding(
                rule=Rule.TORCH_SCRIPT, message=RULES[Rule.TORCH_SCRIPT].title
            )
            return
        beyond = [*_beyond(archive)]
        if beyond:
            yield from (Finding(rule=Rule.PICKLE, message=each) for each in beyond)
        elif Allowance.TORCH_WEIGHTS_ONLY in self.allow:
            self.allowed = Allowance.TORCH_WEIGHTS_ONLY
        else:
            yield Finding(
                rule=Rule.PICKLE,
                message="weights as torch.save writes them; "
                f"--allow {Allowance.TORCH_WEIGHTS_ONLY} would let them pass",
            )

    def pickle(self) -> Iterator[Finding]:
        yield Finding(rule=Rule.PICKLE, message=_imports(self.window))

    def unknown(self) -> Iterator[Finding]:
        name = self.window.name.rpartition("/")[2]
        what = _KNOWN_NAMES.get(name.lower(), "")
        yield Finding(
            rule=Rule.UNKNOWN_FORMAT,
            message=what or "of no format that is known to be safe",
        )


def _beyond(archive: TorchArchive) -> Iterator[str]:
    yield from beyond_weights(archive.pickle)
    for name in archive.strangers:
        yield f"holds {shown(name)}, which torch.save does not write"


def _weight_map(index: object, where: str) -> Mapping[str, str]:
    """Return which tensor a shard index puts into which file."""
    if not isinstance(index, dict):
        raise InvalidInput("is no index that could be read", where=where)
    match index.get("weight_map", {}):
        case dict(named) if all(isinstance(name, str) for name in named.values()):
            return named
        case _:
            raise InvalidInput("not a map of names", where=f"{where}: weight_map")


def _imports(window: Window) -> str:
    """Say what a pickle imports, as far as that can be told without running it."""
    found = seen_imports(window.read(0, min(window.size, _LOOKED_AT)))
    if not found:
        return "a pickle"
    names = ", ".join(shown(name.replace(" ", ".")) for name in found[:_SHOWN_IMPORTS])
    left_out = len(found) - _SHOWN_IMPORTS
    more = f" and {left_out} more" if left_out > 0 else ""
    return f"a pickle that imports {names}{more}"


def _granted(module: str, name: str) -> bool:
    """Whether a sandbox with files and clocks, but without a network, has it."""
    if module == "wasi_snapshot_preview1":
        return not name.startswith("sock_")
    return _WASI.fullmatch(module) is not None


_ZIPS: Final = frozenset({Kind.TORCH_ZIP, Kind.NPZ, Kind.KERAS})
_TAR: Final = 257  # where the magic stands
_TAR_END: Final = 512
_REFUSED: Final[Mapping[Kind, Rule]] = {
    Kind.HDF5: Rule.HDF5,
    Kind.ZIP: Rule.ARCHIVE,
    Kind.TAR: Rule.ARCHIVE,
    Kind.GZIP: Rule.ARCHIVE,
    Kind.ZSTD: Rule.ARCHIVE,
    Kind.BZIP2: Rule.ARCHIVE,
    Kind.XZ: Rule.ARCHIVE,
    Kind.ZLIB: Rule.ARCHIVE,
    Kind.LZ4: Rule.ARCHIVE,
    Kind.LZMA: Rule.ARCHIVE,
    Kind.SEVEN_ZIP: Rule.ARCHIVE,
    Kind.EXECUTABLE: Rule.EXECUTABLE,
    Kind.PYTHON: Rule.CODE,
    Kind.SCRIPT: Rule.CODE,
    Kind.PDF: Rule.PDF,
}
_JUDGES: Final[Mapping[Kind, Callable[[_Case], Iterator[Finding]]]] = {
    Kind.SAFETENSORS: _Case.safetensors,
    Kind.GGUF: _Case.gguf,
    Kind.ONNX: _Case.onnx,
    Kind.TFLITE: _Case.tflite,
    Kind.SAVED_MODEL: _Case.saved_model,
    Kind.KERAS: _Case.keras,
    Kind.SENTENCEPIECE: _Case.sentencepiece,
    Kind.TIKTOKEN: _Case.tiktoken,
    Kind.NPY: _Case.npy,
    Kind.NPZ: _Case.npz,
    Kind.PNG: _Case.image,
    Kind.JPEG: _Case.image,
    Kind.GIF: _Case.image,
    Kind.WEBP: _Case.image,
    Kind.WASM_MODULE: _Case.wasm,
    Kind.WASM_COMPONENT: _Case.wasm,
    Kind.TORCH_ZIP: _Case.torch_zip,
    Kind.TORCH_LEGACY: _Case.pickle,
    Kind.PICKLE: _Case.pickle,
    Kind.JSON: _Case.json,
    Kind.MARKDOWN: _Case.text,
    Kind.TEXT: _Case.text,
    Kind.UNKNOWN: _Case.unknown,
}
_SAVED_MODEL: Final = "a TensorFlow SavedModel, whose graph can read and write files"
_KNOWN_NAMES: Final[Mapping[str, str]] = {
    "saved_model.pb": _SAVED_MODEL,
    "keras_metadata.pb": _SAVED_MODEL,
}
