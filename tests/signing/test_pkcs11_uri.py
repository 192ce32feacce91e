"""RFC 7512: names of keys on tokens."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import InvalidInput
from modelpack.signing.pkcs11_uri import TokenUri


def test_as_cosign_lists_it() -> None:
    found = TokenUri.parse(
        "pkcs11:token=My%20token;slot-id=1770501927;id=%57%B3;object=release%3B1"
        "?module-path=/usr/lib/libsofthsm2.so&pin-value=12%2634"
    )
    assert (found.token, found.slot, found.id, found.object) == (
        "My token",
        1770501927,
        b"W\xb3",
        "release;1",
    )
    assert (found.module, found.pin) == ("/usr/lib/libsofthsm2.so", "12&34")
    assert found.shown == (
        "pkcs11:token=My%20token;slot-id=1770501927;id=%57%B3;object=release%3B1"
    )
    assert "12" not in repr(found).replace("1770501927", "")


BAD = {
    "no key": ("pkcs11:token=t", "names no key"),
    "nothing": ("pkcs11:", "names no key"),
    "an attribute that is not compared": ("pkcs11:object=k;manufacturer=m", "manufac"),
    "a certificate": ("pkcs11:object=k;type=cert", "not a key's"),
    "twice the same": ("pkcs11:object=k;object=l", "twice"),
    "without a value": ("pkcs11:object", "twice or empty"),
    "a slot by name": ("pkcs11:object=k;slot-id=one", "not a number"),
    "a slot beyond numbers": (f"pkcs11:object=k;slot-id={'9' * 5000}", "not a number"),
    "half an escape": ("pkcs11:object=k%2", "not percent-encoded"),
    "no UTF-8": ("pkcs11:object=%ff", "not UTF-8"),
    "a module by name": ("pkcs11:object=k?module-name=softhsm", "module-name"),
    "a PIN in a file": ("pkcs11:object=k?pin-source=file:/pin", "pin-source"),
}


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_honoured_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        TokenUri.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "pkcs11:token=t?pin-value=SECRET",
        "pkcs11:object=k?pin-value=SECRET&pin-value=SECRET",
        "pkcs11:object=k?pin-value=SECRET%",
        "pkcs11:object=k?module-path=%ff&pin-value=SECRET",
    ],
)
def test_no_error_shows_the_pin(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        TokenUri.parse(text)
    assert "SECRET" not in f"{caught.value} {caught.value.hint}"


@given(st.text())
def test_parse_raises_only_invalid_input(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        TokenUri.parse(f"pkcs11:{text}")
