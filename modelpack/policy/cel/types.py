"""The types of CEL, as values of ours (cel-spec, langdef.md, "Values")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = [
    "ANY_KIND",
    "BOOL",
    "BYTES",
    "DOUBLE",
    "DURATION",
    "DYN",
    "INT",
    "NULL",
    "STRING",
    "TIMESTAMP",
    "TYPE",
    "UINT",
    "CelType",
    "list_of",
    "map_of",
    "opaque",
    "optional_of",
    "type_parameter",
]


@dataclass(frozen=True, slots=True)
class CelType:
    """A type that an expression, a variable or a parameter has before it is run."""

    name: str
    parameters: tuple[CelType, ...] = ()

    def __str__(self) -> str:
        if not self.parameters:
            return self.name
        return f"{self.name}({', '.join(map(str, self.parameters))})"

    @property
    def is_optional(self) -> bool:
        """Whether it holds one value or none."""
        return self.name == _OPTIONAL

    @property
    def is_opaque(self) -> bool:
        """Whether only functions made for it can look inside."""
        return self.name not in _OWN and not self.name.startswith("~")


DYN: Final = CelType("dyn")
BOOL: Final = CelType("bool")
INT: Final = CelType("int")
UINT: Final = CelType("uint")
DOUBLE: Final = CelType("double")
STRING: Final = CelType("string")
BYTES: Final = CelType("bytes")
NULL: Final = CelType("null")
TIMESTAMP: Final = CelType("timestamp")
DURATION: Final = CelType("duration")
TYPE: Final = CelType("type", (DYN,))

_LIST, _MAP, _OPTIONAL = "list", "map", "optional_type"


def list_of(element: CelType) -> CelType:
    """Return `list(element)`."""
    return CelType(_LIST, (element,))


def map_of(key: CelType, value: CelType) -> CelType:
    """Return `map(key, value)`."""
    return CelType(_MAP, (key, value))


def optional_of(value: CelType) -> CelType:
    """Return `optional_type(value)`: what `.?field` gives."""
    return CelType(_OPTIONAL, (value,))


def opaque(name: str) -> CelType:
    """Return a type of a library, such as `kubernetes.Quantity`."""
    return CelType(name)


def type_parameter(name: str) -> CelType:
    """Return what stands for one type throughout the signature of a function."""
    return CelType(f"~{name}")


# What a value of the type `dyn` can be when the expression runs: the library looks at
# no more of a map than that it is one.
ANY_KIND: Final = (
    map_of(STRING, DYN),
    list_of(DYN),
    STRING,
    INT,
    UINT,
    DOUBLE,
    BOOL,
    NULL,
    BYTES,
    TIMESTAMP,
    DURATION,
)
_OWN: Final = frozenset(
    {kind.name for kind in ANY_KIND} | {DYN.name, TYPE.name, _OPTIONAL}
)
