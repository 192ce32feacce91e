from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.oci.digest import Digest
from modelpack.oci.reference import (
    Archive,
    Layout,
    Reference,
    Repository,
    parse_repository,
    parse_tag,
)
from tests.oci.strategies import digests, hosts, names, paths, tags

_DIGEST = "sha256:" + "a" * 64
_ENDS = st.tuples(st.just("") | tags, st.none() | digests)


@given(hosts, names, _ENDS)
def test_a_reference_is_parsed_as_it_is_written(
    host: str, name: str, end: tuple[str, Digest | None]
) -> None:
    reference = Reference(Repository(host, name), *end)
    assert Reference.parse(str(reference)) == reference


@given(st.sampled_from([Layout, Archive]), paths, _ENDS)
def test_a_place_on_the_disk_is_parsed_as_it_is_written(
    kind: type[Layout | Archive], path: str, end: tuple[str, Digest | None]
) -> None:
    reference = Reference(kind(Path(path)), *end)
    assert Reference.parse(str(reference)) == reference


@given(st.text())
def test_any_text_is_a_reference_or_invalid_input(text: str) -> None:
    for written in (text, f"localhost/{text}", f"oci:{text}", f"oci-archive:{text}"):
        with contextlib.suppress(InvalidInput):
            Reference.parse(written)


@given(st.text(alphabet="aA0._-/:@[]", max_size=40))
def test_what_is_parsed_is_written_so_that_it_parses_again(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        reference = Reference.parse(text)
        assert Reference.parse(str(reference)) == reference


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("model", id="a bare name"),
        pytest.param("model:v1", id="a bare name with a tag"),
        pytest.param("team/model:v1", id="without a host"),
        pytest.param("library/ubuntu", id="a name of a default registry"),
        pytest.param("/team/model", id="an empty host"),
        pytest.param("https://registry.example.com/team/model", id="a URL"),
        pytest.param("user:password@registry.example.com/model", id="credentials"),
        pytest.param("registry.example.com:port/model", id="a port of letters"),
        pytest.param("registry.example.com:123456/model", id="a port too long"),
        pytest.param("-registry.example.com/model", id="a host like a flag"),
        pytest.param("registry.example.com\n/model", id="a line break in the host"),
        pytest.param("r\N{LATIN SMALL LETTER E WITH ACUTE}g.com/model", id="not ASCII"),
    ],
)
def test_a_reference_without_a_host_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="names no registry host") as caught:
        Reference.parse(text)
    assert "HOST/NAME:TAG" in caught.value.hint


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("Team/model", id="upper case"),
        pytest.param("team//model", id="an empty part"),
        pytest.param("team/", id="slash at the end"),
        pytest.param("../../etc/passwd", id="up and out"),
        pytest.param("team/../model", id="up within"),
        pytest.param("team/.hidden", id="a dot first"),
        pytest.param("team/model_", id="a line at the end"),
        pytest.param("team/a..b", id="two dots"),
        pytest.param("team/a___b", id="three lines"),
        pytest.param("team/model\n", id="a line break"),
        pytest.param("team/model\0", id="NUL"),
        pytest.param("team%2fmodel", id="an escape"),
        pytest.param("a" * 256, id="too long"),
    ],
)
def test_what_is_no_repository_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="is not a repository name"):
        parse_repository(name)
    with pytest.raises(InvalidInput):
        Reference.parse(f"registry.example.com/{name}")


@pytest.mark.parametrize(
    "tag",
    [
        "",
        ".x",
        "-x",
        "a/b",
        "a:b",
        "a b",
        "a\n",
        "x" * 129,
        "\N{LATIN SMALL LETTER SHARP S}",
    ],
)
def test_what_is_no_tag_is_refused(tag: str) -> None:
    with pytest.raises(InvalidInput, match="is not a tag"):
        parse_tag(tag)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("localhost/model@sha256:zz", id="no digest"),
        pytest.param(f"localhost/model@{_DIGEST}@{_DIGEST}", id="two digests"),
        pytest.param("localhost/model:", id="no tag after the colon"),
        pytest.param("oci:", id="no directory"),
        pytest.param("oci::tag", id="a tag of no directory"),
        pytest.param("oci-archive:", id="no file"),
        pytest.param("oci:a\0b", id="NUL in a path"),
    ],
)
def test_a_faulty_end_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Reference.parse(text)


def test_the_three_forms() -> None:
    registry = Reference.parse(f"localhost:5000/team/model:v1@{_DIGEST}")
    assert registry.place == Repository("localhost:5000", "team/model")
    assert (registry.tag, str(registry.digest)) == ("v1", _DIGEST)
    assert registry.selector == Digest.parse(_DIGEST)
    layout = Reference.parse("oci:/tmp/a:b/layout:v1")
    assert (layout.place, layout.tag) == (Layout(Path("/tmp/a:b/layout")), "v1")  # noqa: S108 - a name only
    archive = Reference.parse("oci-archive:model.tar")
    assert (archive.place, archive.selector) == (Archive(Path("model.tar")), "latest")


def test_a_pinned_reference_has_no_tag() -> None:
    pinned = Reference.parse("localhost/model:v1").at(Digest.parse(_DIGEST))
    assert str(pinned) == f"localhost/model@{_DIGEST}"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("127.0.0.1:5000", True),
        ("127.1.2.3", True),
        ("[::1]:5000", True),
        ("[::2]:5000", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("registry.example.com", False),
        ("128.0.0.1", False),
    ],
)
def test_only_loopback_needs_no_flag_for_plain_http(
    host: str, *, loopback: bool
) -> None:
    assert Repository(host, "model").is_loopback is loopback
