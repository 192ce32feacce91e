"""What ``torch.save`` writes since version 1.6: a zip with one pickle in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.names import shown
from modelpack.formats.pickled.walk import Pickle, parse_pickle
from modelpack.formats.strict_zip import STORED, Member, parse_zip, read_member
from modelpack.formats.window import Window

__all__ = ["TorchArchive", "parse_torch_zip"]

MAX_PICKLE: Final = 64 << 20

_PICKLE: Final = "data.pkl"
_DATA: Final = "data/"
_SCRIPTED: Final = ("code/", "constants.pkl", "bytecode.pkl", "extra/")
_EXPECTED: Final = frozenset(
    {
        _PICKLE,
        "version",
        "byteorder",
        ".format_version",
        ".storage_alignment",
        ".data/serialization_id",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchArchive:
    """One pickle, its bytes, and the storages it names, by their keys.

    ``script`` is true for TorchScript, which brings a program; ``strangers`` are
    members that torch.save does not write.
    """

    pickle: Pickle
    raw: bytes
    storages: Mapping[str, Member]
    script: bool
    strangers: tuple[str, ...]


def parse_torch_zip(window: Window) -> TorchArchive:
    """Read the archive strictly, and walk its pickle."""
    members = parse_zip(window)
    top = {member.name.partition("/")[0] for member in members}
    if len(top) != 1 or any("/" not in member.name for member in members):
        raise InvalidInput("holds more than one folder", where=window.name)
    inside = {member.name.partition("/")[2]: member for member in members}
    if _PICKLE not in inside:
        raise InvalidInput(f"holds no {_PICKLE}", where=window.name)
    where = f"{window.name}: {shown(inside[_PICKLE].name)}"
    script = any(name.startswith(_SCRIPTED) for name in inside)
    if not script:
        _refuse_packed(members, window.name)
    raw = read_member(window, inside[_PICKLE], limit=MAX_PICKLE)
    pickle = parse_pickle(raw, where)
    if pickle.size != len(raw):
        raise InvalidInput(
            f"{len(raw) - pickle.size} bytes follow the pickle", where=where
        )
    strangers = [
        name for name in inside if name not in _EXPECTED and not _is_storage(name)
    ]
    return TorchArchive(
        pickle=pickle,
        raw=raw,
        storages={
            name.removeprefix(_DATA): member
            for name, member in inside.items()
            if _is_storage(name)
        },
        script=script,
        strangers=tuple(sorted(strangers)),
    )


def _refuse_packed(members: Sequence[Member], where: str) -> None:
    """Refuse what torch never writes: what is deflated can be of any size unpacked."""
    packed = next((each.name for each in members if each.method != STORED), "")
    if packed:
        raise InvalidInput(
            "is compressed, which torch never does", where=f"{where}: {shown(packed)}"
        )


def _is_storage(name: str) -> bool:
    number = name.removeprefix(_DATA)
    return number != name and number.isascii() and number.isdigit()
