"""What a Keras archive (``.keras``, version 3) says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.strict_zip import parse_zip, read_member
from modelpack.formats.window import Window
from modelpack.oci.strict_json import parse_object

__all__ = ["MEMBERS", "KerasArchive", "parse_keras"]

MAX_CONFIG: Final = 16 << 20
MEMBERS: Final = frozenset({"metadata.json", "config.json"})


@dataclass(frozen=True, slots=True, kw_only=True)
class KerasArchive:
    """``config`` says which classes are made, and is what loading acts on."""

    producer: str
    config: object


def parse_keras(window: Window) -> KerasArchive:
    """Read the archive strictly; the weights inside, which are HDF5, are not read."""
    members = {member.name: member for member in parse_zip(window)}
    missing = MEMBERS - members.keys()
    if missing:
        raise InvalidInput(f"holds no {min(missing)}", where=window.name)
    found = {}
    for name in sorted(MEMBERS):
        raw = read_member(window, members[name], limit=MAX_CONFIG)
        found[name] = parse_object(raw, f"{window.name}: {name}", infinities=True)
    version = found["metadata.json"].get("keras_version")
    return KerasArchive(
        producer=f"keras {version}" if isinstance(version, str) else "keras",
        config=found["config.json"],
    )
