"""No login, no token and no key of an address reaches what others can read."""

import pytest

from modelpack.errors import InvalidInput
from modelpack.oci.public_url import public_url


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://example.com/a.git", "https://example.com/a.git"),
        ("https://u:SECRET@example.com:8443/a", "https://example.com:8443/a"),
        ("https://SECRET@example.com/a", "https://example.com/a"),
        ("https://example.com/a?private_token=SECRET", "https://example.com/a"),
        ("https://example.com/a#SECRET", "https://example.com/a"),
        ("ssh://git:SECRET@example.com/a", "ssh://example.com/a"),
        ("git@example.com:org/a.git", "git@example.com:org/a.git"),
        ("bob:SECRET@example.com:a.git", "example.com:a.git"),
        ("https:/u:SECRET@example.com/a", "example.com/a"),
        ("//u:SECRET@example.com/a", "example.com/a"),
        ("/srv/git/a", "/srv/git/a"),
        ("local", "local"),
    ],
)
def test_what_could_be_a_secret_is_left_out(given: str, shown: str) -> None:
    assert public_url(given, "x") == shown


@pytest.mark.parametrize(
    "given",
    [
        "https://SECRET@[bad/x",
        "https://u:SEC/RET@example.com/x",
        "https://u:12/SECRET@example.com/x",
        "ext::sh -c SECRET",
    ],
)
def test_where_it_cannot_be_told_nothing_is_shown(given: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        public_url(given, "x")
    assert "SECRET" not in str(caught.value)
