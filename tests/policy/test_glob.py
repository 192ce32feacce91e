"""Patterns of references, as gobwas/glob matches them without separators."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.policy.glob import Glob


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("ghcr.io/*", "ghcr.io/a/b:1", True),
        ("ghcr.io/**", "ghcr.io/a/b:1", True),
        ("ghcr.io/*/foo", "ghcr.io/kyverno/kyverno", False),
        ("ghcr.io/*", "ghcr.io", False),
        ("ghcr.io/?", "ghcr.io/a", True),
        ("ghcr.io/?", "ghcr.io/ab", False),
        ("{a,b}.io/*", "b.io/x", True),
        ("{a,b}.io/*", "c.io/x", False),
        ("*{a,ab}*b", "ab", True),
        ("*[!0-9]", "abc", True),
        ("*[!0-9]", "ab1", False),
        ("[abc]x", "bx", True),
        ("[a-c]x", "dx", False),
        (r"a\*", "a*", True),
        (r"a\*", "ab", False),
        ("*a*b", "xxaxxb", True),
        ("*a*b", "xxaxxbc", False),
        ("", "", True),
        ("*", "", True),
        ("a", "A", False),
        ("registry.example.com/*", "registry.example.com.evil.test/x", False),
        ("registry.example.com*", "registry.example.com.evil.test/x", True),
    ],
)
def test_a_pattern_matches(pattern: str, text: str, matches: bool) -> None:  # noqa: FBT001
    assert Glob.parse(pattern).matches(text) is matches


@pytest.mark.parametrize("pattern", ["[", "[]", "{a", "a\\", "[z-a]", "{a,{b,c}}", "}"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    if pattern == "}":
        assert Glob.parse(pattern).matches("}")
        return
    with pytest.raises(InvalidInput):
        Glob.parse(pattern)


def test_many_stars_take_no_time_that_anybody_notices() -> None:
    assert not Glob.parse("*a" * 100 + "b").matches("a" * 1000)


def test_braces_that_multiply_are_refused() -> None:
    with pytest.raises(InvalidInput, match="more than 256"):
        Glob.parse("{a,b}" * 9)


@given(st.text("ab*", max_size=8), st.text("ab", max_size=10))
def test_stars_mean_anything(pattern: str, text: str) -> None:
    """A slow and simple definition says the same."""

    def slow(rest: str, left: str) -> bool:
        if not rest:
            return not left
        if rest[0] == "*":
            return any(slow(rest[1:], left[i:]) for i in range(len(left) + 1))
        return bool(left) and left[0] == rest[0] and slow(rest[1:], left[1:])

    assert Glob.parse(pattern).matches(text) is slow(pattern, text)
