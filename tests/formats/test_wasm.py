"""What a WASM binary asks for is found without compiling it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.formats.wasm import parse_wasm
from modelpack.formats.window import Window

MODULE = b"\0asm\1\0\0\0"
COMPONENT = b"\0asm\x0d\0\1\0"


def text(value: str) -> bytes:
    return bytes((len(value),)) + value.encode()


def section(number: int, body: bytes) -> bytes:
    return bytes((number,)) + leb(len(body)) + body


def leb(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def importing(*names: tuple[str, str]) -> bytes:
    body = leb(len(names))
    for module, name in names:
        body += text(module) + text(name) + b"\0\0"
    return MODULE + section(1, b"\1\x60\0\0") + section(2, body)


def component_importing(*names: str) -> bytes:
    body = leb(len(names)) + b"".join(b"\0" + text(n) + b"\5\0" for n in names)
    return COMPONENT + section(10, body)


def test_what_a_module_imports_and_exports() -> None:
    raw = importing(("wasi_snapshot_preview1", "fd_write"), ("env", "f"))
    raw += section(5, b"\1\1\2\x10") + section(7, b"\1" + text("_start") + b"\0\0")
    raw += section(8, b"\0") + section(0, text("producers") + b"x" * 300)
    found = parse_wasm(Window.of(raw))
    assert found.imports == (("wasi_snapshot_preview1", "fd_write"), ("env", "f"))
    assert (found.exports, found.memory_pages) == (("_start",), 2)
    assert (found.starts, found.custom, found.component) == (
        True,
        ("producers",),
        False,
    )


def test_imports_of_every_kind() -> None:
    kinds = (b"\0\1", b"\1\x70\0\1", b"\2\1\1\2", b"\3\x7f\0", b"\3\x63\0\1", b"\4\0\0")
    body = leb(len(kinds)) + b"".join(text("e") + text("x") + k for k in kinds)
    assert len(parse_wasm(Window.of(MODULE + section(2, body))).imports) == len(kinds)


def test_what_a_component_imports_and_what_is_nested() -> None:
    inner = MODULE + section(5, b"\1\0\7")
    raw = component_importing("wasi:cli/run@0.2.0", "wasi:sockets/tcp@0.2.0")
    found = parse_wasm(Window.of(raw + section(1, inner) + section(4, COMPONENT)))
    assert found.component
    assert [module for module, _ in found.imports] == [
        "wasi:cli/run@0.2.0",
        "wasi:sockets/tcp@0.2.0",
    ]
    assert found.memory_pages == 7


@pytest.mark.parametrize(
    "raw",
    [
        b"\0asm\2\0\0\0",
        MODULE + b"\1\xff\xff\xff\xff\x0f",
        MODULE + section(5, b"\1\0\1") + section(2, b"\0"),
        MODULE + section(2, b"\0") * 2,
        MODULE + section(99, b""),
        MODULE + section(2, b"\xff\xff\xff\xff\x0f"),
        MODULE + section(2, b"\1\x7fabc"),
        MODULE + section(2, b"\1\1a\1b\x09"),
        MODULE + section(2, b"\1\2\xff\xff\1b\0\0"),
        MODULE + b"\2\x80\x80\x80\x80\x80\0",
        MODULE + section(2, b"\0abc"),
        MODULE + section(5, b"\0\0"),
        COMPONENT + section(10, b"\0x"),
        MODULE + b"PK\3\4",
        COMPONENT + section(20, b""),
        COMPONENT + section(10, b"\1\7\1a\5\0"),
        COMPONENT + section(10, b"\1\0\1a\x44\0"),
        COMPONENT + section(1, b"\x7fELF"),
    ],
)
def test_what_no_binary_has_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse_wasm(Window.of(raw))


def test_components_in_components_without_end() -> None:
    raw = COMPONENT
    for _ in range(20):
        raw = COMPONENT + section(4, raw)
    with pytest.raises(InvalidInput, match="nested too deeply"):
        parse_wasm(Window.of(raw))


@given(st.binary(max_size=100), st.sampled_from([MODULE, COMPONENT]))
def test_any_bytes_are_read_or_refused(raw: bytes, head: bytes) -> None:
    try:
        found = parse_wasm(Window.of(head + raw))
    except InvalidInput:
        return
    assert found.component == (head is COMPONENT)
