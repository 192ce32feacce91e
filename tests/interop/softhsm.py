"""Keys on a token of SoftHSM, which is a PKCS#11 module in software."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pkcs11
import pytest
from pkcs11 import Attribute, KeyType
from pkcs11.util.ec import encode_named_curve_parameters

from tests.interop.desk import Desk
from tests.interop.peers import program

PIN: Final = "1234"
LABEL: Final = "signing token"
CURVES: Final = {"p256": "secp256r1", "p384": "secp384r1", "p521": "secp521r1"}
KEYS: Final = (*CURVES, "rsa")
"""Labels of the keys; the ids are 00 01, 00 02, …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token that holds one key of each kind, made there."""

    module: Path
    settings: Path
    slot: int

    def key(self, path: str, query: str = f"&pin-value={PIN}") -> str:
        return f"pkcs11:token=signing%20token;{path}?module-path={self.module}{query}"


@contextmanager
def token(desk: Desk) -> Iterator[Token]:
    """Make a token; `desk` has to be told of `settings` as SOFTHSM2_CONF."""
    folder = program("softhsm2").parent
    module = next((folder / "root/usr/lib").glob("*/softhsm/libsofthsm2.so"))
    (desk.home / "tokens").mkdir()
    settings = desk.home / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {desk.home / 'tokens'}\n")
    desk.told(SOFTHSM2_CONF=str(settings)).peer(
        *("softhsm2", "--module", module, "--init-token", "--free"),
        *("--label", LABEL, "--pin", PIN, "--so-pin", "5678"),
    )
    with pytest.MonkeyPatch.context() as patch:
        # The module reads it in this process, too, once for each time it is loaded.
        patch.setenv("SOFTHSM2_CONF", str(settings))
        library = pkcs11.lib(str(module))
        try:
            found = library.get_token(token_label=LABEL)
            _fill(found)
            yield Token(module=module, settings=settings, slot=found.slot.slot_id)
        finally:
            del found, library
            pkcs11.unload(str(module))


def _fill(empty: pkcs11.Token) -> None:
    with empty.open(rw=True, user_pin=PIN) as session:
        for number, (label, curve) in enumerate(CURVES.items(), 1):
            of_curve = {Attribute.EC_PARAMS: encode_named_curve_parameters(curve)}
            parameters = session.create_domain_parameters(
                KeyType.EC, of_curve, local=True
            )
            parameters.generate_keypair(store=True, label=label, id=bytes([0, number]))
        session.generate_keypair(
            KeyType.RSA, 2048, store=True, label="rsa", id=bytes([0, 4])
        )
