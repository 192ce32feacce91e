"""A CycloneDX ML-BOM, the same bytes each time for the same model.

The library that is used here knows no ``modelCard`` and no ``data``, and writes
``mime-type`` wrongly (cyclonedx-python-lib 11.12), so that the document is built as
the specification has it, and then held against its schema (`checking.py`).
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Sequence
from typing import Final

from modelpack.documents.checking import SPEC_VERSIONS, Json, check_bom, said_only
from modelpack.documents.cyclonedx_card import data_ref, model_card
from modelpack.documents.cyclonedx_formulation import formulation
from modelpack.documents.cyclonedx_parts import (
    ancestor,
    data_set,
    file_hash,
    libraries,
    licences,
    links,
    party,
    person,
)
from modelpack.documents.described import (
    Described,
    DescribedFile,
    ancestors,
    oci_purl,
)
from modelpack.errors import InvalidInput

__all__ = ["ml_bom"]

_ROOT: Final = "system"
_MODEL: Final = "model"


def ml_bom(model: Described, *, spec_version: str, tool_version: str) -> bytes:
    """Return the document; raise ``InvalidInput`` if the specification refuses it."""
    if spec_version not in SPEC_VERSIONS:
        raise InvalidInput(f"{spec_version!r} is none of {', '.join(SPEC_VERSIONS)}")
    writer = _Writer(model, spec_version)
    document: Json = {
        "$schema": f"http://cyclonedx.org/schema/bom-{spec_version}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": spec_version,
        "version": 1,
        "metadata": writer.metadata(tool_version),
        "components": [writer.model_component(), *writer.parts()],
        "dependencies": writer.dependencies(),
    }
    steps = formulation(model, _MODEL)
    if steps:
        document["formulation"] = steps
    content = _compact(document).encode()
    # The serial number names the content, so that the same model has the same.
    serial = uuid.uuid5(uuid.NAMESPACE_URL, hashlib.sha256(content).hexdigest())
    document["serialNumber"] = f"urn:uuid:{serial}"
    raw = json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True).encode()
    check_bom(raw)
    return raw + b"\n"


class _Writer:
    """One model, in the words of one version of the specification."""

    def __init__(self, model: Described, spec_version: str) -> None:
        self._model = model
        self._claims = model.facts.claims
        self._version = spec_version
        self._data = {data.name: data for data in model.declaration.datasets}

    def metadata(self, tool_version: str) -> Json:
        said = self._model.declaration
        tool = {"type": "application", "name": "modelpack", "version": tool_version}
        system = {
            "type": "application",
            "bom-ref": _ROOT,
            "name": self._model.name,
            "version": said.version,
            "supplier": party(said.supplier),
        }
        author = self._model.author
        return said_only(
            {
                "timestamp": self._model.created,
                "lifecycles": [{"phase": "post-build"}],
                "tools": {"components": [tool]},
                "authors": [{"name": author}] if author else [],
                "component": said_only(system),
                "supplier": party(said.supplier),
            }
        )

    def model_component(self) -> Json:
        model, said = self._model, self._model.declaration
        digest = model.digest
        if digest is None and len(model.files) == 1:
            digest = model.files[0].digest
        found = {
            "type": "machine-learning-model",
            "bom-ref": _MODEL,
            "name": self._claims.name or model.name,
            "version": said.version or (str(model.digest) if model.digest else ""),
            "description": said.description,
            "supplier": party(said.supplier),
            "hashes": [file_hash(digest)] if digest else [],
            "licenses": licences(self._claims.licenses, spec_version=self._version),
            "externalReferences": links(said.links, said.security, said.contact),
            "pedigree": self._pedigree(),
            "purl": oci_purl(model.repository, str(model.digest))
            if model.repository
            else "",
            "properties": self._properties(),
        }
        if self._version == SPEC_VERSIONS[0]:
            found["author"] = ", ".join(each.name for each in said.authors)
        else:
            found["authors"] = [person(each) for each in said.authors]
        card = model_card(model, spec_version=self._version)
        return {**said_only(found), "modelCard": card}

    def parts(self) -> Iterator[Json]:
        for file in self._model.files:
            yield _file(file)
        for name in self._claims.datasets:
            yield data_set(name, self._data.get(name), spec_version=self._version)
        if self._model.environment is not None:
            yield from libraries(self._model.environment, spec_version=self._version)

    def dependencies(self) -> Sequence[Json]:
        parts = [_file_ref(file) for file in self._model.files]
        parts += [data_ref(name) for name in self._claims.datasets]
        return [
            {"ref": _ROOT, "dependsOn": [_MODEL]},
            {"ref": _MODEL, "dependsOn": sorted(parts)},
        ]

    def _pedigree(self) -> Json:
        found = ancestors(self._model)
        said = {base.name: base for base in self._model.declaration.base_models}
        told = [f"{each.relation} of {each.name}" for each in found if each.relation]
        return said_only(
            {
                "ancestors": [
                    ancestor(each, said.get(each.name), spec_version=self._version)
                    for each in found
                ],
                "notes": "; ".join(told),
            }
        )

    def _properties(self) -> Sequence[Json]:
        measured = self._model.facts.measured
        pairs: list[tuple[str, str]] = [
            (f"modelpack:parameters:{dtype}", str(count))
            for dtype, count in measured.parameters.items()
        ]
        if measured.tensors:
            pairs.append(("modelpack:tensors", str(measured.tensors)))
        pairs += [("modelpack:format", name) for name in measured.formats]
        for name, value in (
            ("parameter_size", measured.param_size),
            ("precision", measured.precision),
            ("quantization", self._claims.quantization),
            ("library", self._claims.library),
            ("relation", self._claims.relation),
            ("chat_template", self._claims.template),
            ("context_length", self._claims.context_length),
            ("released", self._model.declaration.released),
        ):
            if value:
                pairs.append((f"modelpack:{name}", str(value)))
        # What a file would have said, had it been read, is not known to be nothing.
        pairs += [
            ("modelpack:unread", file.path)
            for file in self._model.facts.files
            if file.fault
        ]
        pairs += [("modelpack:language", name) for name in self._claims.languages]
        if self._claims.remote_code:
            pairs.append(("modelpack:remote_code", "true"))
        pairs += [
            (f"modelpack:field_source:{field}", str(origin))
            for field, origin in self._model.sources().items()
        ]
        return [{"name": name, "value": value} for name, value in sorted(pairs)]


def _file(file: DescribedFile) -> Json:
    return {
        "type": "file",
        "bom-ref": _file_ref(file),
        "name": file.path,
        "hashes": [file_hash(file.digest)],
        "properties": [
            {"name": "modelpack:format", "value": file.kind},
            {"name": "modelpack:size", "value": str(file.size)},
        ],
    }


def _file_ref(file: DescribedFile) -> str:
    return f"file:{file.path}"


def _compact(document: Json) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"))
