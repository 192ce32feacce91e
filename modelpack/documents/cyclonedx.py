"""A CycloneDX ML-BOM, the same bytes each time for the same model.

The library that is used here knows no ``modelCard`` and no ``data``, and writes
``mime-type`` wrongly (cyclonedx-python-lib 11.12), so that the document is built as
the specification has it, and then held against its schema (`checking.py`).
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from modelpack.documents.checking import SPEC_VERSIONS, Json, check_bom
from modelpack.documents.cyclonedx_card import data_ref, model_card
from modelpack.documents.described import (
    Ancestor,
    Described,
    DescribedFile,
    Origin,
    ancestors,
    oci_purl,
)
from modelpack.errors import InvalidInput
from modelpack.oci.digest import Digest

__all__ = ["ml_bom"]

_ALGORITHMS: Final = {"sha256": "SHA-256", "sha512": "SHA-512"}
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
        self._says_how = spec_version != SPEC_VERSIONS[0]

    def metadata(self, tool_version: str) -> Json:
        stamp = {"timestamp": self._model.created} if self._model.created else {}
        tool = {"type": "application", "name": "modelpack", "version": tool_version}
        system = {"type": "application", "bom-ref": _ROOT, "name": self._model.name}
        return {
            **stamp,
            "lifecycles": [{"phase": "post-build"}],
            "tools": {"components": [tool]},
            "component": system,
        }

    def model_component(self) -> Json:
        model = self._model
        component: Json = {
            "type": "machine-learning-model",
            "bom-ref": _MODEL,
            "name": self._claims.name or model.name,
            "modelCard": model_card(model, spec_version=self._version),
            "properties": self._properties(),
        }
        if model.digest is not None:
            component["version"] = str(model.digest)
            component["hashes"] = [_hash(model.digest)]
        elif len(model.files) == 1:
            component["hashes"] = [_hash(model.files[0].digest)]
        if model.repository is not None:
            component["purl"] = oci_purl(model.repository, str(model.digest))
        if self._claims.licenses:
            component["licenses"] = self._licenses()
        if self._claims.base_models:
            component["pedigree"] = {
                "ancestors": [_ancestor(each) for each in ancestors(model)]
            }
        return component

    def parts(self) -> Iterator[Json]:
        for file in self._model.files:
            yield _file(file)
        for name in self._claims.datasets:
            # No address: where a set lies, its name alone does not say.
            yield {
                "type": "data",
                "bom-ref": data_ref(name),
                "name": name,
                "data": [{"type": "dataset", "name": name}],
            }

    def dependencies(self) -> Sequence[Json]:
        parts = [_file_ref(file) for file in self._model.files]
        parts += [data_ref(name) for name in self._claims.datasets]
        return [
            {"ref": _ROOT, "dependsOn": [_MODEL]},
            {"ref": _MODEL, "dependsOn": sorted(parts)},
        ]

    def _licenses(self) -> Sequence[Json]:
        from cyclonedx.spdx import is_expression, is_supported_id

        how: Json = {"acknowledgement": "declared"} if self._says_how else {}
        licences = self._claims.licenses
        if len(licences) == 1 and not is_supported_id(licences[0]):
            only = licences[0]
            if is_expression(only):
                return [{"expression": only, **how}]
        return [
            {"license": {"id" if is_supported_id(name) else "name": name, **how}}
            for name in licences
        ]

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
            for field, origin in self._sources().items()
        ]
        return [{"name": name, "value": value} for name, value in sorted(pairs)]

    def _sources(self) -> Mapping[str, Origin]:
        how = Origin(how="measured", file="")
        found = self._model.facts.measured
        facts = {
            "files": True,
            "format": found.formats,
            "parameters": found.parameters,
            "parameter_size": found.param_size,
            "precision": found.precision,
            "tensors": found.tensors,
        }
        return {**self._model.origins(), **{name: how for name in facts if facts[name]}}


def _file(file: DescribedFile) -> Json:
    return {
        "type": "file",
        "bom-ref": _file_ref(file),
        "name": file.path,
        "hashes": [_hash(file.digest)],
        "properties": [
            {"name": "modelpack:format", "value": file.kind},
            {"name": "modelpack:size", "value": str(file.size)},
        ],
    }


def _ancestor(found: Ancestor) -> Json:
    ancestor: Json = {"type": "machine-learning-model", "name": found.name}
    if found.purl:
        ancestor["purl"] = found.purl
    return ancestor


def _hash(digest: Digest) -> Json:
    return {"alg": _ALGORITHMS[digest.algorithm], "content": digest.hex}


def _file_ref(file: DescribedFile) -> str:
    return f"file:{file.path}"


def _compact(document: Json) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"))
