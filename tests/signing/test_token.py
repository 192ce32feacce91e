"""Tokens without a token: what is missing is named. SoftHSM's are in tests/interop."""

import sys

import pytest

from modelpack.api.key_names import named_key, named_public_key
from modelpack.errors import InvalidInput, LocalError

NAME = "pkcs11:object=release?module-path=/nowhere.so&pin-value=SECRET"


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    for read in (named_public_key, lambda name: named_key(name, str)):
        with pytest.raises(InvalidInput, match="python-pkcs11") as caught:
            read(NAME)
        assert caught.value.hint == "pip install 'modelpack[kms]'"


def test_a_missing_module_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COSIGN_PKCS11_MODULE_PATH", raising=False)
    with pytest.raises(InvalidInput, match="by which module") as caught:
        named_public_key("pkcs11:object=release")
    assert "COSIGN_PKCS11_MODULE_PATH" in caught.value.hint


def test_a_module_that_is_not_there_is_this_machines_fault() -> None:
    with pytest.raises(LocalError, match=r"/nowhere\.so") as caught:
        named_key(NAME, str)
    assert "SECRET" not in f"{caught.value} {caught.value.__cause__}"


def test_the_pin_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def ask() -> str:
        asked.append("PIN")
        return "1234"

    monkeypatch.delenv("COSIGN_PKCS11_PIN", raising=False)
    with pytest.raises(LocalError):
        named_key("pkcs11:object=release?module-path=/nowhere.so", ask)
    assert asked == ["PIN"]
