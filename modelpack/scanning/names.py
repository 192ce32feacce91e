"""Whether a file's name promises the format that its content has."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from modelpack.formats.kind import Kind
from modelpack.formats.names import shown, suffix_of

__all__ = ["is_script", "name_mismatch"]

# Readable text that a shell, an interpreter or a desktop runs for its name alone.
_SCRIPTS: Final = frozenset(
    {"sh", "bash", "zsh", "fish", "ksh", "csh", "tcsh", "bat", "cmd", "ps1", "psm1"}
    | {"psd1", "ps1xml", "vbs", "vbe", "wsf", "wsh", "hta", "js", "jse", "mjs", "cjs"}
    | {"jsx", "ts", "tsx", "mts", "cts", "pl", "pm", "rb", "php", "lua", "jl", "r"}
    | {"py", "pyc", "pyi", "pyw", "pyx", "reg", "scpt", "applescript", "command"}
    | {"tcl", "desktop", "service", "url", "lnk", "xsl", "xslt", "shtml", "mht"}
    | {"mhtml", "groovy", "gradle", "scala", "kts", "clj", "awk", "sql", "cu", "dll"}
    | {"so", "dylib", "exe", "jar", "class", "ipynb", "scr", "inf"}
)
_RUN_BY_NAME: Final = frozenset(
    {"makefile", "gnumakefile", "dockerfile", "containerfile", "jenkinsfile"}
    | {"rakefile", "gemfile", "vagrantfile", "justfile", "procfile", ".bashrc"}
    | {".bash_profile", ".bash_login", ".profile", ".zshrc", ".zshenv", ".envrc"}
    | {".pythonrc", "sitecustomize", "usercustomize"}
)
# The names under which loaders take a format for granted.
_OWN_SUFFIX: Final[Mapping[Kind, AbstractSet[str]]] = {
    Kind.SAFETENSORS: {"safetensors"},
    Kind.GGUF: {"gguf"},
    Kind.ONNX: {"onnx"},
    Kind.TFLITE: {"tflite", "lite"},
    Kind.WASM_MODULE: {"wasm"},
    Kind.WASM_COMPONENT: {"wasm"},
    Kind.NPY: {"npy"},
    Kind.NPZ: {"npz"},
    Kind.PNG: {"png"},
    Kind.JPEG: {"jpg", "jpeg"},
    Kind.GIF: {"gif"},
    Kind.WEBP: {"webp"},
}
_READABLE: Final = frozenset({Kind.TEXT})
_SUFFIXES: Final[Mapping[str, AbstractSet[Kind]]] = {
    "safetensors": {Kind.SAFETENSORS},
    "gguf": {Kind.GGUF},
    "onnx": {Kind.ONNX},
    "tflite": {Kind.TFLITE},
    "wasm": {Kind.WASM_MODULE, Kind.WASM_COMPONENT},
    "npy": {Kind.NPY},
    "npz": {Kind.NPZ},
    "json": {Kind.JSON},
    "md": {Kind.MARKDOWN},
    "txt": _READABLE,
    **dict.fromkeys(("jinja", "jinja2", "j2", "yaml", "yml"), _READABLE),
    **dict.fromkeys(("htm", "html", "svg", "xht", "xhtml", "xml"), _READABLE),
    "png": {Kind.PNG},
    "jpg": {Kind.JPEG},
    "jpeg": {Kind.JPEG},
    "gif": {Kind.GIF},
    "webp": {Kind.WEBP},
}


def name_mismatch(path: str, kind: Kind) -> str:
    """Say how name and content differ; nothing, if they agree."""
    suffix = suffix_of(path)
    expected = _SUFFIXES.get(suffix)
    owned = kind in _OWN_SUFFIX and suffix not in _OWN_SUFFIX[kind]
    if owned or (expected is not None and kind not in expected):
        return f"named .{shown(suffix)}, but {kind} inside"
    return ""


def is_script(path: str) -> bool:
    """Whether a file is a program by its name, whatever it begins with."""
    name = path.rpartition("/")[2].lower()
    return suffix_of(path) in _SCRIPTS or name in _RUN_BY_NAME
