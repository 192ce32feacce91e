"""What kind of file it really is: by its content first, and then by its name.

No name makes a file a weight format. A `model.safetensors` that does not begin as
one is a pickle, an archive, or unknown; text under the name of weights is unknown.
"""

from __future__ import annotations

import codecs
import lzma
import re
import zlib
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, Protocol

from modelpack.formats.names import suffix_of
from modelpack.formats.pickled.recognise import (
    LEGACY_TORCH_MAGIC,
    has_pickle_magic,
    looks_like_bare_pickle,
)
from modelpack.formats.weights.keras import MEMBERS
from modelpack.formats.weights.onnx import looks_like_onnx
from modelpack.formats.weights.safetensors import LENGTH_SIZE, MAX_HEADER
from modelpack.formats.weights.saved_model import looks_like_saved_model
from modelpack.formats.weights.tiktoken import TIKTOKEN_LINE
from modelpack.formats.window import Window
from modelpack.formats.zip import zip_names

__all__ = ["Kind", "kind_of"]


class _Unpacker(Protocol):
    def decompress(self, data: bytes, limit: int, /) -> bytes: ...


class Kind(StrEnum):
    """What a file is."""

    SAFETENSORS = "safetensors"
    GGUF = "gguf"
    ONNX = "onnx"
    TFLITE = "tflite"
    SENTENCEPIECE = "sentencepiece"
    TIKTOKEN = "tiktoken"
    TORCH_ZIP = "torch-zip"
    TORCH_LEGACY = "torch-legacy"
    PICKLE = "pickle"
    NPY = "npy"
    NPZ = "npz"
    HDF5 = "hdf5"
    KERAS = "keras"
    SAVED_MODEL = "saved-model"
    WASM_MODULE = "wasm-module"
    WASM_COMPONENT = "wasm-component"
    ZIP = "zip"
    TAR = "tar"
    GZIP = "gzip"
    ZSTD = "zstd"
    BZIP2 = "bzip2"
    ZLIB = "zlib"
    LZ4 = "lz4"
    LZMA = "lzma"
    XZ = "xz"
    SEVEN_ZIP = "7z"
    EXECUTABLE = "executable"
    JSON = "json"
    MARKDOWN = "markdown"
    PYTHON = "python"
    SCRIPT = "script"
    TEXT = "text"
    PDF = "pdf"
    PNG = "png"
    JPEG = "jpeg"
    GIF = "gif"
    WEBP = "webp"
    UNKNOWN = "unknown"


HEAD_SIZE: Final = 64 << 10

_TRIED: Final = 4096
_UNPACKED: Final = 64

_MAGICS: Final[tuple[tuple[int, bytes, Kind], ...]] = (
    (0, b"GGUF", Kind.GGUF),
    (0, b"\x93NUMPY", Kind.NPY),
    (0, b"\x89HDF\r\n\x1a\n", Kind.HDF5),
    (0, b"\0asm\x01\0\0\0", Kind.WASM_MODULE),
    (0, b"\0asm\x0d\0\x01\0", Kind.WASM_COMPONENT),
    (0, b"PK\x03\x04", Kind.ZIP),
    (0, b"PK\x05\x06", Kind.ZIP),  # with nothing inside
    (0, b"\x1f\x8b\x08", Kind.GZIP),
    (0, b"\x28\xb5\x2f\xfd", Kind.ZSTD),
    (0, b"\xfd7zXZ\0", Kind.XZ),
    (0, b"\x04\x22\x4d\x18", Kind.LZ4),
    (0, b"7z\xbc\xaf\x27\x1c", Kind.SEVEN_ZIP),
    (0, b"\x7fELF", Kind.EXECUTABLE),
    (0, b"\xcf\xfa\xed\xfe", Kind.EXECUTABLE),  # Mach-O, 64 bits
    (0, b"\xce\xfa\xed\xfe", Kind.EXECUTABLE),  # Mach-O, 32 bits
    (0, b"\xca\xfe\xba\xbe", Kind.EXECUTABLE),  # Mach-O, universal; Java
    (0, b"%PDF-", Kind.PDF),
    (0, b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (0, b"\xff\xd8\xff", Kind.JPEG),
    (0, b"GIF87a", Kind.GIF),
    (0, b"GIF89a", Kind.GIF),
    (8, b"WEBPVP8", Kind.WEBP),
    (4, b"TFL3", Kind.TFLITE),
    (257, b"ustar", Kind.TAR),
    # HDF5 lets the user put other bytes first, in powers of two from 512.
    (512, b"\x89HDF\r\n\x1a\n", Kind.HDF5),
    (1024, b"\x89HDF\r\n\x1a\n", Kind.HDF5),
    (2048, b"\x89HDF\r\n\x1a\n", Kind.HDF5),
)
_BZIP2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)")
_UNPACKING: Final[Mapping[Kind, tuple[bytes, Callable[[], _Unpacker]]]] = {
    Kind.ZLIB: (b"\x78", zlib.decompressobj),
    Kind.LZMA: (b"\x5d\0\0", lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, 1 << 26)),
}
_CONTROL = re.compile(r"[\0-\x08\x0e-\x1a\x1c-\x1f]")
_TEXT_KINDS: Final = {
    "json": Kind.JSON,
    "ipynb": Kind.JSON,
    "md": Kind.MARKDOWN,
    "markdown": Kind.MARKDOWN,
    "py": Kind.PYTHON,
}
# Readable bytes under such a name are no text to whatever loads them.
_WEIGHT_SUFFIXES: Final = frozenset(
    {"bin", "ckpt", "dill", "distcp", "engine", "ggml", "gguf", "h5", "hdf5"}
    | {"joblib", "keras", "mlmodel", "model", "msgpack", "npy", "npz", "onnx", "pb"}
    | {"pickle", "pkl", "plan", "pt", "pt2", "pth", "safetensors", "spm", "tflite"}
    | {"p", "params", "pdparams", "pk", "sav", "tar", "wasm", "weights"}
)


def kind_of(window: Window) -> Kind:
    """Judge a file by its first 64 KiB, and by its structure where that takes more.

    Pickles go before every magic: some magics are opcodes too (`G` of GGUF is one),
    or stand where a pickle can have them in a string.
    """
    head = window.read(0, min(window.size, HEAD_SIZE))
    complete = len(head) == window.size
    suffix = suffix_of(window.name)
    weights = _weights(window, head, suffix)
    if weights is not None:
        return weights
    magic = _by_magic(head)
    if magic is not None:
        return _zip_kind(window) if magic is Kind.ZIP else magic
    named = _by_name(window, head, suffix)
    if named is not None:
        return named
    if suffix in _WEIGHT_SUFFIXES or not _is_text(head, complete=complete):
        return Kind.UNKNOWN
    return _text_kind(head, suffix)


def _weights(window: Window, head: bytes, suffix: str) -> Kind | None:
    pickled = has_pickle_magic(head)
    # A header length can be the start of a pickle as well. Then only a name that
    # nothing unpickles makes it safetensors.
    if _starts_as_safetensors(window, head) and (
        suffix == "safetensors" or not pickled
    ):
        return Kind.SAFETENSORS
    if head.startswith(LEGACY_TORCH_MAGIC):
        return Kind.TORCH_LEGACY
    if pickled or looks_like_bare_pickle(window, head):
        return Kind.PICKLE
    return None


def _by_magic(head: bytes) -> Kind | None:
    for at, magic, kind in _MAGICS:
        if head.startswith(magic, at):
            return kind
    if _BZIP2.match(head):
        return Kind.BZIP2
    unpacking = next((kind for kind in _UNPACKING if _unpacks(kind, head)), None)
    if unpacking is not None:
        return unpacking
    return Kind.EXECUTABLE if head.startswith(b"MZ") and b"\0" in head else None


def _unpacks(kind: Kind, head: bytes) -> bool:
    """Tell whether bytes are packed in a form whose magic numbers can have by chance.

    joblib unpacks and unpickles these by themselves.
    """
    start, made = _UNPACKING[kind]
    if not head.startswith(start):
        return False
    try:
        return bool(made().decompress(head[:_TRIED], _UNPACKED))
    except (zlib.error, lzma.LZMAError, EOFError):
        return False


def _starts_as_safetensors(window: Window, head: bytes) -> bool:
    length = int.from_bytes(head[:LENGTH_SIZE], "little")
    return (
        head[LENGTH_SIZE : LENGTH_SIZE + 1] == b"{"
        and length <= min(MAX_HEADER, window.size - LENGTH_SIZE)
        and length > 1
    )


def _zip_kind(window: Window) -> Kind:
    names = zip_names(window)
    if any(name.rpartition("/")[2] == "data.pkl" for name in names):
        return Kind.TORCH_ZIP
    if MEMBERS.issubset(names):
        return Kind.KERAS
    if names and all(name.endswith(".npy") for name in names):
        return Kind.NPZ
    return Kind.ZIP


def _by_name(window: Window, head: bytes, suffix: str) -> Kind | None:
    """Recognise what has no magic by its structure, under the names it has."""
    if suffix == "onnx" and looks_like_onnx(window):
        return Kind.ONNX
    if suffix == "pb" and looks_like_saved_model(head):
        return Kind.SAVED_MODEL
    if suffix in {"model", "spm"} and _looks_like_sentencepiece(head):
        return Kind.SENTENCEPIECE
    if suffix in {"model", "tiktoken"} and TIKTOKEN_LINE.match(head):
        return Kind.TIKTOKEN
    return None


def _looks_like_sentencepiece(head: bytes) -> bool:
    """Tell whether it begins as ModelProto: pieces (1), each with a text (1)."""
    match tuple(head[:4]):
        case (0x0A, size, 0x0A, text):
            return 0 < text <= size - 2
        case _:
            return False


def _is_text(head: bytes, *, complete: bool) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head, final=complete)
    except UnicodeDecodeError:
        return False
    return not _CONTROL.search(text)


def _text_kind(head: bytes, suffix: str) -> Kind:
    kind = _TEXT_KINDS.get(suffix)
    if kind is Kind.JSON and not head.lstrip().startswith((b"{", b"[")):
        return Kind.TEXT
    if kind is None and head.startswith(b"#!"):
        return Kind.SCRIPT
    return kind or Kind.TEXT
