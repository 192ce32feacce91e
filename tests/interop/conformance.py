"""The conformance tests of the CEL specification, as values."""

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from modelpack.errors import InvalidInput
from modelpack.policy.cel import types
from modelpack.policy.cel.engine import CelError, Environment
from modelpack.policy.cel.kubernetes import kubernetes_functions
from modelpack.policy.cel.types import CelType, list_of, map_of
from modelpack.policy.cel.values import OptionalValue
from tests.interop.textproto import Fields, parse

_PRIMITIVES = {
    "BOOL": types.BOOL,
    "INT64": types.INT,
    "UINT64": types.UINT,
    "DOUBLE": types.DOUBLE,
    "STRING": types.STRING,
    "BYTES": types.BYTES,
}
_WELL_KNOWN = {"TIMESTAMP": types.TIMESTAMP, "DURATION": types.DURATION}
_PLAIN = Environment(variables={}, functions=kubernetes_functions())


class Outside(Exception):
    """The test is about something that no policy has: messages, enumerations, names."""


@dataclass(frozen=True, slots=True)
class Case:
    """One test of a file."""

    name: str
    fields: Fields

    @property
    def source(self) -> str:
        return self.fields.text("expr")

    def run(self) -> str:
        """Say what is wrong; nothing where the result is the expected one."""
        environment = self._environment()
        bindings = self._bindings()
        wants_error = self.fields.has("eval_error") or self.fields.has(
            "any_eval_errors"
        )
        try:
            program = environment.compile(self.source, where="expr")
            found = (
                None
                if self.fields.text("check_only") == "true"
                else program.evaluate(bindings)
            )
        except (CelError, InvalidInput) as error:
            return "" if wants_error else f"error: {error}"
        if wants_error:
            return f"gives {found!r}, and should fail"
        return self._compared(found, program.type)

    def check_inside(self) -> None:
        """Raise ``Outside`` for what policies have no use for."""
        fields = self.fields
        for name in ("disable_macros", "disable_check"):
            if fields.text(name) == "true":
                raise Outside(name)
        for name in ("container", "unknown", "any_unknowns"):
            if fields.has(name):
                raise Outside(name)
        if "TestAllTypes" in self.source or self.name.startswith("block_ext/"):
            raise Outside("messages, and what only optimizers write")
        self._environment()
        self._bindings()
        self._expected()

    def _environment(self) -> Environment:
        declared = self.fields.messages("type_env")
        if not declared and not self.fields.has("bindings"):
            return _PLAIN
        variables = {
            entry.text("key"): types.DYN for entry in self.fields.messages("bindings")
        }
        for each in declared:
            if each.has("function"):
                raise Outside("declares a function")
            variables[each.text("name")] = _type(each.message("ident").message("type"))
        return Environment(variables=variables, functions=kubernetes_functions())

    def _bindings(self) -> dict[str, object]:
        return {
            entry.text("key"): _value(entry.message("value").message("value"))
            for entry in self.fields.messages("bindings")
        }

    def _expected(self) -> tuple[object, CelType | None]:
        typed = self.fields.message("typed_result")
        value = (
            typed.message("result") if typed.values else self.fields.message("value")
        )
        kind = typed.message("deduced_type")
        return (
            _value(value) if value.values else True,
            _type(kind) if kind.values else None,
        )

    def _compared(self, found: object, kind: CelType) -> str:
        value, expected = self._expected()
        if expected is not None and kind != expected:
            return f"is of the type {kind}, not {expected}"
        if self.fields.text("check_only") == "true":
            return ""
        if isinstance(found, OptionalValue):
            return "" if found == value else f"gives {found!r}, not {value!r}"
        return "" if _same(found, value) else f"gives {found!r}, not {value!r}"


def cases(folder: Path) -> Iterator[Case]:
    """Yield the tests of every file."""
    for path in sorted(folder.glob("*.textproto")):
        for section in parse(path.read_text("utf-8")).messages("section"):
            for test in section.messages("test"):
                name = f"{path.stem}/{section.text('name')}/{test.text('name')}"
                yield Case(name, test)


def _value(fields: Fields) -> object:
    for name, values in fields.values.items():
        value = values[-1]
        if isinstance(value, Fields):
            return _composite(name, value)
        return _scalar(name, value)
    raise Outside("no value")


def _scalar(name: str, value: str | bytes) -> object:
    if isinstance(value, bytes):
        return value if name == "bytes_value" else value.decode()
    match name:
        case "int64_value" | "uint64_value":
            return int(value, 0)
        case "double_value":
            return float(value.lower().replace("infinity", "inf"))
        case "bool_value":
            return value == "true"
        case "null_value":
            return None
    raise Outside(name)


def _composite(name: str, value: Fields) -> object:
    if name == "list_value":
        return [_value(item) for item in value.messages("values")]
    if name == "map_value":
        return {
            _value(entry.message("key")): _value(entry.message("value"))
            for entry in value.messages("entries")
        }
    if name == "object_value":
        return _object(value)
    raise Outside(name)


def _object(value: Fields) -> object:
    for name, values in value.values.items():
        inner = values[-1]
        assert isinstance(inner, Fields)
        seconds, nanos = int(inner.text("seconds") or 0), int(inner.text("nanos") or 0)
        span = dt.timedelta(seconds=seconds, microseconds=nanos // 1000)
        if name.endswith("google.protobuf.Duration]"):
            return span
        if name.endswith("google.protobuf.Timestamp]"):
            return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + span
        raise Outside(name)
    raise Outside("an empty message")


def _type(fields: Fields) -> CelType:
    for name, values in fields.values.items():
        value = values[-1]
        match name:
            case "primitive":
                return _PRIMITIVES[str(value)]
            case "well_known" if value in _WELL_KNOWN:
                return _WELL_KNOWN[str(value)]
            case "dyn":
                return types.DYN
            case "null":
                return types.NULL
        if isinstance(value, Fields):
            return _composite_type(name, value)
        raise Outside(name)
    raise Outside("no type")


def _composite_type(name: str, value: Fields) -> CelType:
    match name:
        case "list_type":
            return list_of(_type(value.message("elem_type")))
        case "map_type":
            return map_of(
                _type(value.message("key_type")), _type(value.message("value_type"))
            )
        case "type":
            return CelType("type", (_type(value),) if value.values else ())
        case "abstract_type":
            inner = tuple(_type(t) for t in value.messages("parameter_types"))
            return CelType(value.text("name"), inner)
    raise Outside(name)


def _same(found: object, expected: object) -> bool:
    if isinstance(expected, float) and isinstance(found, float):
        return found == expected or (math.isnan(found) and math.isnan(expected))
    if isinstance(expected, list) and isinstance(found, list):
        return len(found) == len(expected) and all(map(_same, found, expected))
    if isinstance(expected, dict) and isinstance(found, dict):
        return found.keys() == expected.keys() and all(
            _same(found[key], value) for key, value in expected.items()
        )
    return type(found) is type(expected) and found == expected
