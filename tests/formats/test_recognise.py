"""What unpickles and acts is recognised, whatever form it has."""

import io
import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelpack.formats.pickled.recognise import MAX_READ, looks_like_bare_pickle
from modelpack.formats.window import Window

# What unpicklers take and what they do not, to be put together at random.
_LINES = st.sampled_from(
    ["1", "0x1", "-3", " 7 ", "1_0", "01", "1L", "0x1L", "1\0x", "x", "", "2.5", "nan"]
)
_TEXTS = st.sampled_from(["'a'", '"b"', "'", "a"])
_PARTS = st.one_of(
    st.sampled_from(
        list(b"().0123[]adelostu}NRb\x85\x86\x87\x88\x89\x8f\x90\x91\x93\x94")
    ).map(lambda code: bytes([code])),
    st.tuples(st.sampled_from("FILSVPgp"), _LINES | _TEXTS).map(
        lambda part: f"{part[0]}{part[1]}\n".encode()
    ),
    st.just(b"cspy\nf\n"),
    st.just(b"(ispy\nf\n"),
    st.just(b"cspy\nf\n)R"),
    st.just(b"\x81"),
    st.just(b"\x92"),
    st.sampled_from(
        [b"h\0", b"q\0", b"K\1", b"M\1\1", b"J\1\1\1\1", b"U\1a", b"\x82\1"]
    ),
    st.sampled_from(
        [b"X\1\0\0\0a", b"T\2\0\0\0ab", b"G" + b"\0" * 8, b"\x95" + b"\0" * 8]
    ),
    st.binary(min_size=1, max_size=2),
)


class _Spy(list[object]):
    """Stands for whatever a pickle imports, and notes that something was done to it."""

    acted = False

    def __call__(self, *_: object, **__: object) -> "_Spy":
        type(self).acted = True
        return self

    def append(self, _: object) -> None:
        type(self).acted = True

    def extend(self, _: object) -> None:
        type(self).acted = True

    def __setitem__(self, *_: object) -> None:
        type(self).acted = True

    def __setstate__(self, _: object) -> None:
        type(self).acted = True


class _Unpickler(pickle.Unpickler):  # the one in C
    def find_class(self, module: str, name: str) -> _Spy:
        if (module, name) != ("spy", "f"):
            raise ImportError(module)
        return _Spy()

    def persistent_load(self, pid: object) -> object:
        return pid


def _acts(raw: bytes) -> bool:
    """Whether the real unpickler does something with what it imports."""
    _Spy.acted = False
    stream = io.BytesIO(raw)
    try:
        while stream.tell() < len(raw):
            _Unpickler(stream).load()
    except Exception:  # noqa: BLE001, S110 - whatever stops it, it may have acted before
        pass
    return _Spy.acted


@settings(max_examples=1000)
@given(st.lists(_PARTS, max_size=12).map(b"".join))
def test_whatever_the_real_unpickler_acts_on_is_recognised(raw: bytes) -> None:
    if _acts(raw):
        assert looks_like_bare_pickle(Window.of(raw))


@pytest.mark.parametrize("protocol", [0, 1])
@pytest.mark.parametrize("value", [[1, 2], {"a": (1, 2.5)}, "text", Path("x")])
def test_a_whole_pickle_is_recognised(value: object, protocol: int) -> None:
    assert looks_like_bare_pickle(Window.of(pickle.dumps(value, protocol)))


@pytest.mark.parametrize(
    "text",
    ["", ".", "cat\ndog\neel\n", "config.json\nmodel.bin\nvocab\n", "I am a text."],
)
def test_honest_text_is_none(text: str) -> None:
    assert not looks_like_bare_pickle(Window.of(text.encode()))


def test_no_more_of_a_file_is_read_than_it_takes() -> None:
    """The file may be one of gigabytes in a registry, and its line without an end."""
    read = 0

    def read_at(offset: int, count: int) -> bytes:
        nonlocal read
        read += count
        return (b"V" if offset == 0 else b"a") + b"a" * (count - 1)

    assert looks_like_bare_pickle(Window("x", 1 << 40, read_at))
    assert read < MAX_READ + (1 << 20)
    read = 0
    head = b"text"
    assert not looks_like_bare_pickle(Window("x", 1 << 40, read_at), head)
    assert read == 0
