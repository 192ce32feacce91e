"""Archives of the real library are read; what two readers read in two ways is not."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.formats.strict_zip import parse_zip, read_member
from modelpack.formats.window import Window

NAMES = st.lists(
    st.from_regex(r"[a-z0-9_]{1,8}(/[a-z0-9_.]{0,3}[a-z])?", fullmatch=True),
    max_size=5,
    unique=True,
)


WAYS = {"deflated", "zip64", "piped"}


class _Unseekable(io.RawIOBase):
    """A pipe: zipfile then writes data descriptors behind the members."""

    def __init__(self) -> None:
        self.raw = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self.raw += memoryview(data)  # type: ignore[arg-type]
        return len(memoryview(data))  # type: ignore[arg-type]


@given(NAMES, st.binary(max_size=2000), st.sets(st.sampled_from(sorted(WAYS))))
def test_what_zipfile_writes_is_read_back(
    names: list[str], content: bytes, ways: set[str]
) -> None:
    pipe, buffer = _Unseekable(), io.BytesIO()
    output = io.BufferedWriter(pipe) if "piped" in ways else buffer
    method = zipfile.ZIP_DEFLATED if "deflated" in ways else zipfile.ZIP_STORED
    with zipfile.ZipFile(output, "w", method) as archive:
        for name in names:
            with archive.open(name, "w", force_zip64="zip64" in ways) as member:
                member.write(content)
    output.flush()
    raw = bytes(pipe.raw) if "piped" in ways else buffer.getvalue()
    window = Window.of(raw)
    members = parse_zip(window)
    assert [member.name for member in members] == names
    assert all(read_member(window, m, limit=4096) == content for m in members)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        parse_zip(Window.of(raw + b"PK\5\6" + bytes(18)))
    except InvalidInput:
        return
    assert raw == b""


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_changed_byte_never_changes_what_is_read(at: int, value: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", b"first")
        archive.writestr("b", b"second")
    raw = bytearray(buffer.getvalue())
    raw[at % len(raw)] = value
    window = Window.of(bytes(raw))
    try:
        read = [read_member(window, m, limit=64) for m in parse_zip(window)]
    except InvalidInput:
        return
    assert read == [b"first", b"second"]


def test_a_member_that_unpacks_to_more_than_it_says_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(10_000_000))
    raw = buffer.getvalue().replace(
        (10_000_000).to_bytes(4, "little"), bytes((9, 0, 0, 0))
    )
    window = Window.of(raw)
    (member,) = parse_zip(window)
    with pytest.raises(InvalidInput, match="its size"):
        read_member(window, member, limit=1 << 20)
