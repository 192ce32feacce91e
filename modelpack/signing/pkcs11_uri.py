"""Names of keys on tokens: RFC 7512, "The PKCS #11 URI Scheme"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import unquote_to_bytes

from modelpack.errors import InvalidInput

__all__ = ["PKCS11", "TokenUri"]

PKCS11: Final = "pkcs11:"
# ``slot-id`` is in the RFC; cosign writes all four.
_PATH: Final = ("token", "serial", "slot-id", "object", "id", "type")
_QUERY: Final = ("module-path", "pin-value")
_TYPES: Final = ("private", "public")
_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_MOST_DIGITS: Final = 19


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUri:
    """Which key on which token; what is None was not said.

    ``shown`` is the URI without its query, where the PIN may stand.
    """

    shown: str
    token: str | None = None
    serial: str | None = None
    slot: int | None = None
    object: str | None = None
    id: bytes | None = None
    module: str | None = None
    pin: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a URI; ``InvalidInput`` names what is wrong, and shows no PIN."""
        shown, _, query = text.partition("?")
        path = _attributes(shown.removeprefix(PKCS11).split(";"), _PATH, shown)
        more = _attributes(query.split("&"), _QUERY, shown)
        if "object" not in path and "id" not in path:
            raise InvalidInput(
                "names no key", where=shown, hint="object=LABEL or id=%01 names one"
            )
        if path.get("type", b"private") not in [kind.encode() for kind in _TYPES]:
            raise InvalidInput("its type is not a key's", where=shown)
        slot = _text(path, "slot-id", shown)
        if slot is not None and not (
            slot.isascii() and slot.isdigit() and len(slot) <= _MOST_DIGITS
        ):
            raise InvalidInput("its slot-id is not a number", where=shown)
        return cls(
            shown=shown,
            token=_text(path, "token", shown),
            serial=_text(path, "serial", shown),
            slot=None if slot is None else int(slot),
            object=_text(path, "object", shown),
            id=path.get("id"),
            module=_text(more, "module-path", shown),
            pin=_text(more, "pin-value", shown),
        )


def _attributes(
    parts: Iterable[str], known: tuple[str, ...], shown: str
) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for part in filter(None, parts):
        name, equals, value = part.partition("=")
        if name not in known:
            raise InvalidInput(
                f"{name[:40]!r} is not supported",
                where=shown,
                hint=f"what is: {', '.join((*_PATH, *_QUERY))}",
            )
        # RFC 7512, 2.3: an attribute MUST NOT be there more than once.
        if not equals or name in found:
            raise InvalidInput(f"{name!r} is there twice or empty", where=shown)
        if _PERCENT.search(value):
            raise InvalidInput(f"{name!r} is not percent-encoded", where=shown)
        found[name] = unquote_to_bytes(value)
    return found


def _text(found: dict[str, bytes], name: str, shown: str) -> str | None:
    if name not in found:
        return None
    try:
        return found[name].decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name!r} is not UTF-8", where=shown) from error
