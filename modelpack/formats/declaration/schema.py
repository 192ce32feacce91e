"""The JSON schema of `modelpack.yaml`, by which editors complete it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from modelpack.formats.declaration.declaration import Declaration
from modelpack.formats.declaration.fields import Each, Form, Names, Record, fields_of
from modelpack.formats.declaration.reading import FORMAT, MAX_ITEMS
from modelpack.formats.scalars import Scalar

__all__ = ["SCHEMA_NAME", "declaration_schema"]

SCHEMA_NAME: Final = ".modelpack-schema.json"
"""Beside a `modelpack.yaml`, whose first line names it; never part of a model."""


def declaration_schema() -> bytes:
    """Return the schema (2020-12) of what `parse_declaration` reads."""
    records: dict[str, Mapping[str, object]] = {}
    top = _record(Declaration, records)
    version = {"description": "Version of this format.", "enum": [int(FORMAT), FORMAT]}
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "modelpack.yaml",
        "description": "What its publisher declares of a model.",
        **top,
        "required": ["modelpack"],
        "properties": {"modelpack": version, **_mapping(top["properties"])},
        "$defs": dict(sorted(records.items())),
    }
    return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"


def _record(
    made: type, records: dict[str, Mapping[str, object]]
) -> Mapping[str, object]:
    properties = {
        field.name: {"description": field.about, **_form(field.form, records)}
        for field in fields_of(made)
    }
    required = [field.name for field in fields_of(made) if field.required]
    return {
        "type": "object",
        "additionalProperties": False,
        **({"required": required} if required else {}),
        "properties": properties,
    }


def _form(form: Form, records: dict[str, Mapping[str, object]]) -> Mapping[str, object]:
    match form:
        case Scalar():
            return form.schema
        case Each():
            items = _form(form.item, records)
            return {"type": "array", "maxItems": MAX_ITEMS, "items": items}
        case Names():
            values = _form(form.item, records)
            return {"type": "object", "additionalProperties": values}
        case Record():
            name = form.made.__name__
            if name not in records:
                records[name] = {}
                records[name] = _record(form.made, records)
            return {"$ref": f"#/$defs/{name}"}
    return _choices(form)


def _choices(form: type[StrEnum]) -> Mapping[str, object]:
    return {"enum": list(form)}


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
