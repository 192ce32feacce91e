"""Files that mean harm, each made from bytes by the technique that names it.

What a pickle here would run is ``os.system("true")`` or less: harmless, should a
test ever load one.
"""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import json
import lzma
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Final

from tests.scanning.hostile_graphs import graphs
from tests.scanning.hostile_review import reviewed_again

__all__ = ["HOSTILE", "TORCH", "safetensors", "torch_zip", "weights_pickle"]

# module, name, argument: what published malicious models import.
GADGETS: Final = (
    ("os", "system"),
    ("posix", "system"),
    ("nt", "system"),
    ("builtins", "eval"),
    ("builtins", "exec"),
    ("__builtin__", "eval"),
    ("subprocess", "Popen"),
    ("subprocess", "check_output"),
    ("socket", "create_connection"),
    ("shutil", "rmtree"),
    ("runpy", "_run_code"),
    ("webbrowser", "open"),
    ("importlib", "import_module"),
    ("pip", "main"),
    ("pty", "spawn"),
    ("ctypes", "CDLL"),
    ("pydoc", "locate"),
    ("idlelib.run", "Executive"),
    ("distutils.spawn", "spawn"),
    ("numpy.f2py.crackfortran", "getlincoef"),
    ("test.support.script_helper", "assert_python_ok"),
    ("logging.config", "fileConfig"),
    ("timeit", "timeit"),
    ("operator", "attrgetter"),
    ("functools", "partial"),
    ("code", "interact"),
    ("bdb", "Bdb"),
    ("torch", "load"),
    ("torch.hub", "load"),
    ("torch.utils.collect_env", "run"),
    ("torch.jit.unsupported_tensor_ops", "execWrapper"),
    ("aiohttp", "ClientSession"),
    ("requests", "get"),
    ("no_such_module", "f"),
)


def _text(value: str) -> bytes:
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def _global(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def call(module: str, name: str, *, protocol: int = 2) -> bytes:
    """Return a pickle that calls ``module.name("true")``."""
    head = b"" if protocol < 2 else bytes((0x80, protocol))
    text = b"S'true'\n" if protocol < 2 else _text("true")
    return head + _global(module, name) + b"(" + text + b"tR."


def _stack_global(module: str, name: str) -> bytes:
    short = [bytes((0x8C, len(t))) + t.encode() for t in (module, name, "true")]
    return b"\x80\x04" + short[0] + short[1] + b"\x93" + short[2] + b"\x85R."


def _pickles() -> Iterator[tuple[str, bytes]]:
    for module, name in GADGETS:
        yield f"global-{module}.{name}", call(module, name)
    for protocol in (0, 1, 3, 4, 5):
        yield f"protocol-{protocol}", call("os", "system", protocol=protocol)
    for module, name in GADGETS[:8]:
        yield f"stack-global-{module}.{name}", _stack_global(module, name)
    yield "inst", b"(S'true'\nios\nsystem\n."
    yield "inst-of-protocol-2", b"\x80\x02(S'true'\nios\nsystem\n."
    yield "obj", b"\x80\x02(cos\nsystem\n" + _text("true") + b"o."
    yield "newobj", b"\x80\x02" + _global("os", "system") + _text("x") + b"\x85\x81."
    yield "newobj-ex", b"\x80\x04" + _global("os", "popen") + b")}\x92."
    yield "ext-1", b"\x80\x02\x82\x01" + _text("true") + b"\x85R."
    yield "ext-2", b"\x80\x02\x83\x01\x01" + _text("true") + b"\x85R."
    yield "ext-4", b"\x80\x02\x84\x01\x01\x01\x01" + _text("true") + b"\x85R."
    yield "build", b"\x80\x02" + _global("os", "environ") + b"}b."
    memo = b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x8c\x04jsonh\x00h\x01\x93"
    yield "memo-hides-the-name", memo + b"\x8c\x04true\x85R."
    benign, evil = pickle.dumps({"a": 1}, 2), call("os", "system")
    yield "appended", benign + evil
    yield "prepended-benign-twice", benign * 3 + evil
    yield "nested-in-bytes", pickle.dumps({"inner": evil}, 4)
    yield "frame", b"\x80\x04\x95" + struct.pack("<Q", len(evil) - 2) + evil[2:]
    yield "frame-that-lies", b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f" + evil[2:]
    yield "breaks-after-the-payload", evil[:-1] + b"\xff\xff"
    yield "without-stop", evil[:-1]
    yield "pop-hides-the-result", b"\x80\x02" + evil[2:-1] + b"0N."
    yield "dup", b"\x80\x02" + evil[2:-1] + b"20."
    yield "many-in-a-row", b"\x80\x02N." * 200_000 + evil
    yield "persid", b"\x80\x02Pevil\n."
    yield "long-padding", b"\x80\x02" + b"N0" * 100_000 + evil[2:]
    yield "string-escapes", b"\x80\x02c\x6fs\nsystem\n(S'\\x74rue'\ntR."
    yield "dotted-name", b"\x80\x04\x8c\x02os\x8c\x0bpath.os.sys\x93."
    yield "unicode-module", b"\x80\x02" + "c\u043es\nsystem\n)R.".encode()


NAMES: Final = ("pytorch_model.bin", "model.pkl", "model.safetensors", "config.json")
NAMES_TOO: Final = ("vocab.txt", "tokenizer.model", "model.onnx", "README.md", "model")


def _bare() -> Iterator[tuple[str, str, bytes]]:
    for name, raw in _pickles():
        yield f"pickle-{name}", "model.pkl", raw
    for name in (*NAMES, *NAMES_TOO):
        for protocol in (2, 4):
            raw = call("os", "system", protocol=protocol)
            yield f"disguised-{protocol}-as-{name}", name, raw


# --- torch archives


def weights_pickle() -> bytes:
    """Return the pickle of an empty state dict, as torch.save writes it."""
    return b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01."


def torch_zip(
    content: bytes | None = None,
    *,
    extra: Mapping[str, bytes] | None = None,
    compression: int = zipfile.ZIP_STORED,
) -> bytes:
    """Return an archive as torch.save writes it, around any pickle."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        body = weights_pickle() if content is None else content
        archive.writestr("model/data.pkl", body)
        archive.writestr("model/byteorder", b"little")
        archive.writestr("model/version", b"3\n")
        for name, raw in (extra or {}).items():
            archive.writestr(name, raw)
    return buffer.getvalue()


def _patched(raw: bytes, old: bytes, new: bytes, *, last: bool = False) -> bytes:
    at = raw.rfind(old) if last else raw.find(old)
    assert at >= 0
    return raw[:at] + new + raw[at + len(old) :]


def _flagged(bit: int) -> bytes:
    raw = bytearray(torch_zip())
    local, central = 6, raw.find(b"PK\x01\x02") + 8
    for at in (local, central):
        flags = int.from_bytes(raw[at : at + 2], "little") | bit
        raw[at : at + 2] = flags.to_bytes(2, "little")
    return bytes(raw)


def _twice(first: bytes, second: bytes) -> bytes:
    """Return an archive with two members of one name."""
    raw = torch_zip(first, extra={"model/data.pkx": second})
    return raw.replace(b"model/data.pkx", b"model/data.pkl")


def _torch() -> Iterator[tuple[str, bytes]]:
    evil, good = call("os", "system"), weights_pickle()
    for name, raw in _pickles():
        yield f"holds-{name}", torch_zip(raw)
    yield "duplicate-good-first", _twice(good, evil)
    yield "duplicate-evil-first", _twice(evil, good)
    yield "duplicate-by-case", torch_zip(good, extra={"model/DATA.PKL": evil})
    yield "second-pickle", torch_zip(good, extra={"model/extra.pkl": evil})
    yield "second-folder", torch_zip(good, extra={"other/data.pkl": evil})
    yield "member-at-the-top", torch_zip(good, extra={"data.pkl": evil})
    yield "nested-zip", torch_zip(good, extra={"model/inner.zip": torch_zip(evil)})
    yield "text-member-is-a-pickle", torch_zip(good, extra={"model/notes": evil})
    yield "deflated", torch_zip(good, compression=zipfile.ZIP_DEFLATED)
    yield "encrypted-flag", _flagged(0x1)
    yield "strong-encryption-flag", _flagged(0x40)
    yield "masked-headers-flag", _flagged(0x2000)
    crc = struct.pack("<I", zlib.crc32(good))
    yield "wrong-crc", torch_zip().replace(crc, b"\1\2\3\4")
    yield "wrong-local-crc", _patched(torch_zip(), crc, b"\1\2\3\4")
    yield "local-name-differs", _patched(torch_zip(), b"data.pkl", b"evil.pkl")
    yield (
        "central-name-differs",
        _patched(torch_zip(), b"byteorder", b"bytearder", last=True),
    )
    yield "prefix", b"MZ" + bytes(62) + torch_zip()
    yield "pickle-in-front", evil + torch_zip()
    yield "trailing-bytes", torch_zip() + evil
    yield "comment", _patched(torch_zip(), bytes(2), b"\4\0", last=True) + b"evil"
    yield "two-archives", torch_zip(evil) + torch_zip()
    yield "path-upwards", torch_zip(extra={"model/../../evil": b"x"})
    yield "absolute-path", torch_zip(extra={"/model/evil": b"x"})
    yield "backslashes", torch_zip(extra={"model/..\\evil": b"x"})
    yield "script", torch_zip(extra={"model/code/__torch__.py": b"import os"})
    yield "constants", torch_zip(extra={"model/constants.pkl": evil})
    raw = torch_zip()
    yield "gap-between-members", _gap(raw)
    yield "cut-short", raw[:-10]
    yield "only-the-end", raw[raw.find(b"PK\x05\x06") :]
    count = raw.find(b"PK\x05\x06") + 8
    yield "count-lies", raw[:count] + b"\xff\0\xff\0" + raw[count + 4 :]
    offset = raw.find(b"PK\x05\x06") + 16
    yield "directory-offset-lies", raw[:offset] + bytes(4) + raw[offset + 4 :]
    yield (
        "method-99",
        raw.replace(b"PK\x03\x04\x14\0\0\0\0\0", b"PK\x03\x04\x14\0\0\0c\0"),
    )
    yield "trailing-in-the-pickle", torch_zip(good + evil)
    yield "protocol-3", torch_zip(b"\x80\x03" + good[2:])
    yield "over-the-budget", torch_zip(b"\x80\x02" + b"N0" * (1 << 25) + b"N.")


def _gap(raw: bytes) -> bytes:
    """Put bytes between members, and correct what points behind them."""
    gap, at = b"hidden", raw.find(b"PK\x03\x04", 4)
    moved = bytearray(raw[:at] + gap + raw[at:])
    entry = moved.find(b"PK\x01\x02")
    while entry >= 0:
        place = entry + 42
        header = int.from_bytes(moved[place : place + 4], "little")
        if header >= at:
            moved[place : place + 4] = (header + len(gap)).to_bytes(4, "little")
        entry = moved.find(b"PK\x01\x02", entry + 4)
    place = moved.find(b"PK\x05\x06") + 16
    start = int.from_bytes(moved[place : place + 4], "little") + len(gap)
    moved[place : place + 4] = start.to_bytes(4, "little")
    return bytes(moved)


# --- other formats


def safetensors(header: object, data: bytes = b"") -> bytes:
    """Return a file with any header."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data


def _entry(begin: int, end: int, **other: object) -> Mapping[str, object]:
    count = (end - begin) // 4
    return {"dtype": "F32", "shape": [count], "data_offsets": [begin, end], **other}


def _safetensors() -> Iterator[tuple[str, bytes]]:
    two = {"a": _entry(0, 8), "b": _entry(4, 12)}
    yield "overlap", safetensors(two, bytes(12))
    yield "hole", safetensors({"a": _entry(0, 4), "b": _entry(8, 12)}, bytes(12))
    yield (
        "trailing-pickle",
        safetensors({"a": _entry(0, 4)}, bytes(4)) + call("os", "system"),
    )
    yield "cut-short", safetensors({"a": _entry(0, 8)}, bytes(4))
    yield "header-past-the-end", struct.pack("<Q", 1 << 20) + b'{"a":1}'
    yield "header-of-2-to-63", struct.pack("<Q", 1 << 63) + b"{}"
    twice = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},' * 2
    yield "duplicate-keys", safetensors(twice[:-1] + b"}", bytes(4))
    yield (
        "nan-shape",
        safetensors(
            b'{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,4]}}', bytes(4)
        ),
    )
    for name, value in (
        ("negative", -1),
        ("float", 1.0),
        ("boolean", True),
        ("text", "1"),
        ("huge", 1 << 64),
    ):
        odd = {"a": _entry(0, 4, shape=[value])}
        yield f"{name}-dimension", safetensors(odd, bytes(4))
    yield "unknown-dtype", safetensors({"a": _entry(0, 4, dtype="OBJECT")}, bytes(4))
    yield "unknown-field", safetensors({"a": _entry(0, 4, run="x")}, bytes(4))
    yield "offsets-reversed", safetensors({"a": _entry(4, 0)}, bytes(4))
    yield "metadata-not-text", safetensors({"__metadata__": {"a": [1]}})
    yield "nul-in-a-name", safetensors({"a\0b": _entry(0, 4)}, bytes(4))
    yield "empty-name", safetensors({"": _entry(0, 4)}, bytes(4))
    yield "tab-after-the-header", safetensors(b"{}\t\n<script>")
    yield "deep-nesting", safetensors(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}")
    yield "many-values", safetensors(b'{"a":[' + b"0," * 3_000_000 + b"0]}")
    yield "html-polyglot", b"<html><script>x</script>" + safetensors({})


def _gguf_string(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def gguf_with(template: str) -> bytes:
    """Return a GGUF file with no tensors and one chat template."""
    key = _gguf_string(b"tokenizer.chat_template") + struct.pack("<I", 8)
    return (
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + key + _gguf_string(template.encode())
    )


def _gguf() -> Iterator[tuple[str, bytes]]:
    head = b"GGUF" + struct.pack("<I", 3)
    yield "tensor-count-overflows", head + struct.pack("<QQ", 1 << 63, 0)
    yield "key-count-overflows", head + struct.pack("<QQ", 0, (1 << 64) - 1)
    long = head + struct.pack("<QQ", 0, 1) + struct.pack("<Q", 1 << 63)
    yield "string-of-2-to-63", long + b"abc"
    array = struct.pack("<IIQ", 9, 9, 1 << 62)
    key = _gguf_string(b"a")
    yield "array-of-arrays-without-end", head + struct.pack("<QQ", 0, 1) + key + array
    nested = struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 5000
    yield "nested-arrays", head + struct.pack("<QQ", 0, 1) + key + nested
    yield "unknown-type", head + struct.pack("<QQ", 0, 1) + key + struct.pack("<I", 99)
    yield "version-1", b"GGUF" + struct.pack("<IQQ", 1, 0, 0)
    yield "version-4", b"GGUF" + struct.pack("<IQQ", 4, 0, 0)
    yield "big-endian", b"GGUF" + struct.pack(">IQQ", 3, 0, 0)
    yield "cut-short", head
    twice = (key + struct.pack("<IB", 7, 1)) * 2
    yield "duplicate-keys", head + struct.pack("<QQ", 0, 2) + twice
    yield "trailing-pickle", gguf_with("") + bytes(32) + call("os", "system")


def _archives() -> Iterator[tuple[str, str, bytes]]:
    evil = call("os", "system")
    yield "gzip-joblib", "model.joblib", gzip.compress(evil)
    yield "zlib-joblib", "model.joblib", zlib.compress(evil)
    yield "bzip2-joblib", "model.joblib", bz2.compress(evil)
    yield "xz-joblib", "model.joblib", lzma.compress(evil)
    yield "seven-zip", "model.bin", b"7z\xbc\xaf\x27\x1c\0\4" + bytes(24) + evil
    yield "zstd", "model.bin", b"\x28\xb5\x2f\xfd" + bytes(20)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("../../evil", "weights.pkl"):
            info = tarfile.TarInfo(name)
            info.size = len(evil)
            archive.addfile(info, io.BytesIO(evil))
    yield "tar-upwards", "model.nemo", buffer.getvalue()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("bomb.bin", bytes(50 << 20))
    yield "zip-bomb", "model.zip", buffer.getvalue()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as keras:
        keras.writestr("config.json", '{"class_name": "Lambda"}')
        keras.writestr("metadata.json", "{}")
    yield "keras-lambda", "model.keras", buffer.getvalue()
    yield "hdf5", "model.h5", b"\x89HDF\r\n\x1a\n" + bytes(100)
    yield "hdf5-behind-a-block", "model.h5", bytes(512) + b"\x89HDF\r\n\x1a\n"
    yield "saved-model", "saved_model.pb", b"\x08\x01\x12\xff\x01" + bytes(255)
    for name, raw in (
        ("elf", b"\x7fELF" + bytes(60)),
        ("pe", b"MZ" + bytes(62)),
        ("mach-o", b"\xcf\xfa\xed\xfe" + bytes(60)),
        ("shell", b"#!/bin/sh\ntrue\n"),
        ("python", b"import os\n"),
    ):
        suffix = {"python": "modeling_x.py", "shell": "run.sh"}.get(name, "lib.so")
        yield f"executable-{name}", suffix, raw
    yield "elf-as-safetensors", "model.safetensors", b"\x7fELF" + bytes(60)
    yield "shell-as-json", "config.json", b"#!/bin/sh\ntrue\n"
    header = "{'descr': '|O', 'fortran_order': False, 'shape': ()}"
    npy = b"\x93NUMPY\1\0" + bytes((len(header), 0)) + header.encode()
    yield "objects-in-npy", "a.npy", npy + evil
    yield "npy-with-a-tail", "a.npy", npy.replace(b"|O", b"|u1") + b"\0" + evil
    wasm = b"\0asm\1\0\0\0"
    socket = b"\1\x16wasi_snapshot_preview1\x09sock_send\0\0"
    yield "wasm-socket", "a.wasm", wasm + b"\2" + bytes((len(socket),)) + socket
    native = b"\1\3env\6system\0\0"
    yield "wasm-native", "a.wasm", wasm + b"\2" + bytes((len(native),)) + native
    yield "wasm-with-a-tail", "a.wasm", wasm + evil
    yield "sentencepiece-with-a-tail", "a.model", b"\x0a\3\x0a\1a" + evil
    domain = b"\x0a\7\x22\1x\x3a\2my"
    onnx = b"\x08\x07\x3a" + bytes((len(domain),)) + domain + b"\x42\2\x10\7"
    yield "onnx-custom-operator", "a.onnx", onnx
    yield "onnx-with-a-tail", "a.onnx", onnx.replace(b"my", b"ai") + evil
    yield "noise", "model.bin", bytes(range(1, 255)) * 4


TEMPLATES: Final = (
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''['__class__'] }}",
    "{{ ''|attr('__class__') }}",
    "{{ ''|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ lipsum.__globals__['os'] }}",
    "{{ joiner.__init__ }}",
    "{{ namespace.__init__ }}",
    "{{ messages.__class__ }}",
    "{{ self._TemplateReference__context }}",
    "{% include '/etc/passwd' %}",
    "{% import 'x' as y %}",
    "{% from 'x' import y %}",
    "{% extends 'x' %}",
    "{{ (messages|map(attribute='__class__')|list) }}",
    "{{ (messages|map(x)|list) }}",
    "{{ messages|map('attr', 'role') }}",
    "{{ '%c'|format(95) }}",
    "{{ ''.format_map(x) }}",
    "{{ f.func_globals }}",
    "{{ g.gi_frame.f_builtins }}",
    "{{ x.mro() }}",
    "{{ 2 ** 999999999 }}",
    "{{ 'a' * 999999999 }}",
    "{{ 'a' * n }}",
    "{% for i in range(10**12) %}{% endfor %}",
    "{% for i in range(1000000000000) %}{% endfor %}",
    "{{ config }}",
    "{{ request }}",
    "{{ get_flashed_messages }}",
    "{% if %}",
    "{{ '_' ~ '__x' }}",
    "{% set x = eval('1') %}",
    "{% macro a() %}{{ caller.__closure__ }}{% endmacro %}",
    "{{ (((" * 500,
    # Names that are put together, and calls of what was found by them.
    "{% set u = '_' ~ '_' %}{{ ''[u ~ 'class' ~ u] }}",
    "{{ x['%sclass%s' % ('_', '_')] }}",
    "{{ x['_' + '_class_' + '_'] }}",
    "{{ x[['_', 'x'] | join('')] }}",
    "{% set f = x[k] %}{{ f() }}",
    "{{ x[k]() }}",
    "{{ (x | first)() }}",
    "{{ f()() }}",
    "{% macro m(f) %}{{ f() }}{% endmacro %}{{ m(x[k]) }}",
    "{% macro f() %}{% endmacro %}{% set f = x[k] %}{{ f() }}",
    "{% for range in x %}{{ range() }}{% endfor %}",
    "{{ x.popen('true') }}",
    "{{ x.format(y) }}",
    "{{ m | selectattr(k, 'equalto', 'x') | list }}",
    "{{ m | groupby(k) }}",
    "{{ m | sort(false, false, k) }}",
    "{{ m | sort(attribute='__class__') }}",
    "{{ m | sum(attribute=k) }}",
    "{{ m | join(', ', k) }}",
    "{{ m | map(*k) | list }}",
    "{{ m | sort(**k) }}",
    # The same over variables, loops, macros and namespaces.
    "{% set u = '_' ~ '_' %}{% set k = u ~ 'class' ~ u %}{{ x[k] }}",
    "{% set u = '_' %}{% set v = u + u %}{{ x[v + c + v] }}",
    "{% set u = '_' %}{{ x[u + u + c + u + u] }}",
    "{% for k in [a ~ 'class' ~ a] %}{{ x[k] }}{% endfor %}",
    "{% set k %}__{{ 'class' }}__{% endset %}{{ x[k] }}",
    "{% macro m() %}_{{ '_cla' }}{% endmacro %}{{ x[m()] }}",
    "{% macro m(k) %}{{ x[k] }}{% endmacro %}{{ m(a ~ 'class' ~ a) }}",
    "{% macro m(k=a ~ 'class') %}{{ x[k] }}{% endmacro %}{{ m() }}",
    "{% set ns = namespace(k=a ~ 'class') %}{{ x[ns.k] }}",
    "{% set ns = namespace(k='') %}{% set ns.k = ns.k + 'cl' %}{{ x[ns.k] }}",
    "{% set d = {'k': a ~ 'class'} %}{{ x[d.k] }}",
    "{% with k = a ~ 'class' %}{{ x[k] }}{% endwith %}",
    "{{ x['-'.join(a)] }}",
    "{{ x['-class-'.replace('-', a)] }}",
    "{{ x[strftime_now(a)] }}",
    "{% set a, b = ['_' ~ '_', 1] %}{{ x[a] }}",
    # A method by its name, and something else behind it.
    "{% set ns = namespace() %}{% set ns.get = x[k] %}{{ ns.get('true') }}",
    "{% set ns = namespace(get=x[k]) %}{{ ns.get('true') }}",
    "{% set g = namespace[a ~ 'init' ~ a] %}{{ g['os'].replace('a', 'b') }}",
    "".join(f"{{% set a{n} = a{n + 1} %}}" for n in range(99)) + "{{ x[a0] }}"
    "{% set a99 = a ~ b %}",
)


def _templates() -> Iterator[tuple[str, str, bytes]]:
    for index, template in enumerate(TEMPLATES):
        config = json.dumps({"chat_template": template}).encode()
        yield f"template-{index}-in-json", "tokenizer_config.json", config
        yield f"template-{index}-in-gguf", "model.gguf", gguf_with(template)
        yield f"template-{index}-alone", "chat_template.jinja", template.encode()
    named = [{"name": "tool_use", "template": TEMPLATES[0]}]
    raw = json.dumps({"chat_template": named}).encode()
    yield "template-in-a-list", "tokenizer_config.json", raw
    raw = json.dumps({"processor": {"chat_template": {"x": TEMPLATES[0]}}}).encode()
    yield "template-deep-inside", "processor_config.json", raw


SECRETS: Final = (
    "hf_" + "a" * 34,
    "AKIA" + "A" * 16,
    "ghp_" + "a" * 36,
    "glpat-" + "a" * 20,
    "xoxb-" + "1" * 12,
    "AIza" + "a" * 35,
    "sk-" + "a" * 48,
    "npm_" + "a" * 36,
    "https://user:password1@example.com/x",
    "-----BEGIN " + "RSA PRIVATE KEY-----",
)


def _texts() -> Iterator[tuple[str, str, bytes]]:
    auto = {"auto_map": {"AutoModel": "modeling_x.Model"}}
    yield "auto-map", "config.json", json.dumps(auto).encode()
    yield "auto-map-inside", "config.json", json.dumps({"text_config": auto}).encode()
    trust = json.dumps({"trust_remote_code": True}).encode()
    yield "trust-remote-code", "config.json", trust
    modules = [{"idx": 0, "type": "os.path.Model"}]
    yield "module-of-its-own", "modules.json", json.dumps(modules).encode()
    late = b"N0" * 50_000 + b"cos\nsystem\n(S'true'\ntR."
    for name in ("model", "notes.txt", "README.md", "LICENSE"):
        yield f"pickle-after-long-padding-as-{name}", name, late
    payload = b"cos\nsystem\n(S'true'\ntR."
    comment = (b"x" * 31 + payload).ljust(200, b"x")
    # A number, three values, and a text of 33 bytes, to an unpickler.
    gif = b"GIF89a\0\0\0N(NU!\xfe\xc8" + comment + b"\0;"
    yield "gif-and-pickle", "a.gif", gif
    for name in ("run.sh", "setup.bat", "install.ps1", "app.js", "x.desktop"):
        yield f"script-by-name-{name}", name, b"echo plain text\n"
    yield "svg-script", "a.svg", b"<svg><script>alert(1)</script></svg>"
    yield "svg-handler", "a.svg", b"<svg onload='alert(1)'></svg>"
    yield "html-link", "a.html", b"<a href='javascript:alert(1)'>x</a>"
    yield "xml-entity", "a.xml", b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///'>]>"
    yield "yaml-object", "a.yaml", b"x: !!python/object/apply:os.system ['true']\n"
    for number, document in enumerate(
        (
            {"auto_mapping": {"parent_library": "os", "base_model_class": "x"}},
            {"model": {"_target_": "os.system"}},
            {"class_name": "Lambda", "config": {}},
            {"class_name": "TFSMLayer"},
            {"module": "os.path", "class_name": "x"},
            {"module": "kerasx.y", "class_name": "x"},
            {"module": ["os"], "class_name": "x"},
        )
    ):
        raw = json.dumps(document).encode()
        yield f"imports-{number}", "config.json", raw
    yield "duplicate-keys", "config.json", b'{"a": 1, "a": 2}'
    yield "not-json", "config.json", b"{'a': 1}"
    yield "two-documents", "config.json", b'{"a": 1} {"a": 2}'
    yield "deep-json", "config.json", b"[" * 200_000
    large = b'{"auto_map": {"A": "m.M"}, "a": "' + b"x" * (17 << 20) + b'"}'
    yield "auto-map-in-a-large-file", "config.json", large
    wide = b'{"chat_template": "", "a": [' + b"[]," * 800_000 + b"[]]}"
    yield "too-many-values-beside-a-template", "config.json", wide
    yield "control-character", "notes.txt", b"plain\x1b[2Jtext"
    yield "control-character-later", "notes.txt", b"a" * 100_000 + b"\0pickle"
    yield "no-utf-8-later", "notes.txt", b"a" * 100_000 + b"\xff"
    yield "utf-16", "notes.txt", "text".encode("utf-16")
    for index, secret in enumerate(SECRETS):
        yield f"secret-{index}", ".env", f"TOKEN={secret}\n".encode()
        notebook = json.dumps({"cells": [{"source": [secret]}]}).encode()
        yield f"secret-{index}-in-a-notebook", "train.ipynb", notebook


def gif_that_is(text: bytes) -> bytes:
    """Return a picture of one colour table, which is a text to those who read it so."""
    return b"GIF89a=1#\xc3\xb7##" + text.ljust(768, b"#") + b";"


def _zip_inside(name: str = "__main__.py") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "print()")
    return buffer.getvalue()


def _chunk(name: bytes, data: bytes) -> bytes:
    crc = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + crc


def _png_with(data: bytes) -> bytes:
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    image = _chunk(b"IDAT", zlib.compress(b"\0\0"))
    return b"\x89PNG\r\n\x1a\n" + head + image + _chunk(b"zzZz", data) + _IEND


_IEND: Final = _chunk(b"IEND", b"")


def _second_files() -> Iterator[tuple[str, str, bytes]]:
    """Files that are two things at once."""
    for name, text in (
        ("modeling_x.py", b"\nimport os\n"),
        ("chat_template.jinja", b"{{ ''.__class__ }}"),
        ("index.html", b"<script>alert(1)</script>"),
        ("config.yaml", b"\n- !!python/object/apply:os.system [id]\n"),
        ("LICENSE", b"a picture without its name"),
    ):
        yield f"picture-as-{name}", name, gif_that_is(text)
    inside = _zip_inside()
    header = {"w": _entry(0, len(inside), dtype="U8", shape=[len(inside)])}
    yield "zip-in-a-tensor", "model.safetensors", safetensors(header, inside)
    # The archive's comment is the end of the picture.
    commented = inside[:-2] + struct.pack("<H", 4 + len(_IEND))
    yield "zip-in-a-picture", "a.png", _png_with(commented)
    decoys = inside + b"PK\5\6".ljust(22, b"\0") * 5
    header = {"w": _entry(0, len(decoys), dtype="U8", shape=[len(decoys)])}
    yield "zip-behind-empty-ends", "model.safetensors", safetensors(header, decoys)
    note = {"__metadata__": {"x": "y" * 225 + "ustar" + "z" * 300}}
    yield "tar-in-a-header", "model.safetensors", safetensors(note)


def _readable_pickles() -> Iterator[tuple[str, str, bytes]]:
    """Pickles that only the C unpickler reads, or that break off when all is done."""
    payload = b"cos\nsystem\n(S'true'\ntR"
    for name, raw in {
        "breaks-off": payload + b"# and then no pickle",
        "number-in-hex": b"I0x1\n0" + payload + b".",
        "long-number-in-hex": b"L0x1L\n0" + payload + b".",
        "number-and-junk": b"I1\0junk\n0" + payload + b".",
        "sets-an-item-of-a-module": b"cos\nenviron\nS'A'\nS'B'\ns.",
        "appends-to-a-module": b"csys\npath\nS'/tmp'\na.",
        "behind-a-harmless-one": b"(lp0\nI1\na." + payload + b".",
        "behind-a-long-line": b"V" + b"a" * 600_000 + b"\n0" + payload,
        "behind-long-bytes": b"T"
        + struct.pack("<I", 400_000)
        + b"a" * 400_000
        + b"0"
        + payload,
        "without-an-end": b"(" * 1_500_000,
    }.items():
        for path in ("model_best", "m.tar", "optimizer.params", "notes.txt"):
            yield f"readable-{name}-as-{path}", path, raw


def _imports() -> Iterator[tuple[str, str, object]]:
    """Configurations that have something imported, by file and library."""
    for path, document in (
        ("router_config.json", {"types": {"q": "os.system"}, "structure": {"q": []}}),
        ("2_Dense/config.json", {"activation_function": "evil.module.run"}),
        ("config.json", {"sentence_transformers": {"activation_fn": "evil.run"}}),
        ("config.json", {"activation_function": ["os.system"]}),
        ("modules.json", [{"type": "sentence_transformers_evil.M"}]),
        ("modules.json", [{"name": "no type"}]),
        ("model_index.json", {"_class_name": ["pipeline", "Evil"]}),
        ("model_index.json", {"_class_name": "P", "unet": ["evil_module", "E"]}),
        ("config.json", {"custom_pipeline": "evil"}),
        ("config.json", {"model_file": "evil.py"}),
        ("config.json", {"class_name": "__lambda__", "config": {"value": "x"}}),
        ("config.json", {"class_name": "TorchModuleWrapper"}),
        ("config.json", {"class_name": "Custom>Lambda"}),
        ("config.json", {"class_name": "Dense", "registered_name": "Evil>Dense"}),
        ("config.json", {"class_name": []}),
        ("config.json", {"class_name": {}}),
        ("config.json", {"module": "keras.utils", "class_name": "function"}),
        ("config.json", {"module": "builtins", "class_name": "exec"}),
        ("config.json", {"target": "os.system", "params": {"command": "true"}}),
        ("config.json", {"chat_template": [["{{ ''.__class__ }}"]]}),
    ):
        yield f"{path}-{json.dumps(document)}", path, document


YAML: Final = (
    "%TAG !p! tag:yaml.org,2002:python/object/\n---\n- !p!apply:os.system ['true']\n",
    "- !!pyth%6fn/object/apply:os.system ['true']\n",
    "- !<tag:yaml.org,2002:pyth%6fn/object/apply:os.system> ['true']\n",
    "model:\n  _target_: os.system\n  command: 'true'\n",
    "a: 1\n--- \nauto_map: {AutoModel: m.M}\n",
    "model:\n  target: os.system\n  params: {command: 'true'}\n",
    "a: 1\na: 2\n",
    "<<: {_target_: os.system}\n",
    "[" * 5_000,
    "a: &a [x]\n" + "b: [" + "*a, " * 300_000 + "]\n",
)
MARKUP: Final = (
    '<svg xmlns:x="http://www.w3.org/2000/svg"><x:script>alert(1)</x:script></svg>',
    '<iframe srcdoc="&lt;script&gt;alert(1)&lt;/script&gt;">',
    '<a href="java&#115;cript:alert(1)">x</a>',
    '<a href="java&Tab;script:alert(1)">x</a>',
    '<a href="java\nscript:alert(1)">x</a>',
    '<p oncontentvisibilityautostatechange="alert(1)">',
    '<iframe src="data:text/html;base64,PHNjcmlwdD4=">',
    '<meta http-equiv="refresh" content="0;url=//example.com">',
    '<!DOCTYPE a SYSTEM "http://example.com/x.dtd"><a/>',
    '<!DOCTYPE a PUBLIC "x" "http://example.com/x.dtd"><a/>',
    '<!DOCTYPE a [<!ATTLIST a b CDATA "c">]><a/>',
    '<?xml-stylesheet type="text/xsl" href="http://example.com/x.xsl"?><a/>',
    '<x:stylesheet xmlns:x="http://www.w3.org/1999/XSL/Transform"/>',
    "<!DOCTYPE a>" * 300_000,
)
RUN_BY_NAME: Final = (
    "Makefile",
    ".bashrc",
    "a.R",
    "a.jl",
    "a.jse",
    "a.url",
    "a.xsl",
    "a.shtml",
    "a.service",
    "a.ts",
    "train.ipynb",
)


def _reviewed() -> Iterator[tuple[str, str, bytes]]:
    yield from _second_files()
    yield from _readable_pickles()
    for name, path, document in _imports():
        yield f"imports-in-{name}", path, json.dumps(document).encode()
    for index, text in enumerate(YAML):
        yield f"yaml-{index}", "config.yaml", text.encode()
    for index, text in enumerate(MARKUP):
        for suffix in ("svg", "html"):
            yield f"markup-{index}-{suffix}", f"a.{suffix}", text.encode()
    for name in RUN_BY_NAME:
        raw = b'{"cells": []}' if name.endswith("ipynb") else b"echo plain\n"
        yield f"run-by-name-{name}", name, raw
    escaped = '{"t": "hf\\u005f' + "A" * 36 + '"}'
    yield "escaped-token", "config.json", escaped.encode()
    padding = " " * (33 << 20)
    for name, text in {
        "config.json": '{"auto\\u005fmap": {"AutoModel": "m.M"}}',
        "tokenizer.json": '{"chat\\u005ftemplate": "{{ x.__class__ }}"}',
        "vocab.json": '{"a": 1, "a": 2}',
        "modules.json": "[]",
    }.items():
        yield f"large-{name}", name, (text + padding).encode()
    yield "large-and-then-more", "vocab.json", (padding + '{"a": 1} {}').encode()
    names = "0x" + "f" * 20_000
    header = f"{{'descr': [({names}, '<f4')], 'fortran_order': False, 'shape': (0,)}}\n"
    npy = b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode()
    yield "npy-number-for-a-name", "a.npy", npy
    yield "tiktoken-with-more", "tokenizer.model", b"IQ== 0\nimport os\n"
    yield (
        "many-templates",
        "tokenizer_config.json",
        (json.dumps({"chat_template": [""] * 100_000}).encode()),
    )
    yield (
        "long-templates",
        "tokenizer_config.json",
        (json.dumps({"chat_template": ["{{ a }}" * 50_000] * 3}).encode()),
    )


def _all() -> Iterator[tuple[str, str, bytes]]:
    named = itertools.chain(
        ((f"safetensors-{n}", "model.safetensors", raw) for n, raw in _safetensors()),
        ((f"gguf-{n}", "model.gguf", raw) for n, raw in _gguf()),
    )
    return itertools.chain(
        _bare(),
        named,
        _archives(),
        _templates(),
        _texts(),
        _reviewed(),
        graphs(),
        reviewed_again(),
    )


TORCH: Final = tuple(_torch())
"""Archives that no permission lets through."""

HOSTILE: Final = (
    *_all(),
    *((f"torch-{name}", "pytorch_model.bin", raw) for name, raw in TORCH),
)
