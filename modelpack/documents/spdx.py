"""An SPDX 3.0.1 document with the AI and Dataset profiles, the same bytes each time.

The binding (`spdx-python-model`) checks types, enumerations and what a class needs.
What only the profiles ask for it does not check, nor does SPDX's own SHACL: a document
claims to conform to a profile only where its own rules hold (`_conforms`).
"""

from __future__ import annotations

import hashlib
import io
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar

from modelpack.documents.described import (
    Ancestor,
    Described,
    DescribedFile,
    ancestors,
    oci_purl,
)
from modelpack.documents.spdx_words import ai_fields, dataset_fields
from modelpack.errors import InvalidInput
from modelpack.formats.declaration.declaration import BaseModel, Dataset, Party, Role
from modelpack.formats.environment.packages import Package
from modelpack.model.licences import expression
from modelpack.oci.digest import Digest

if TYPE_CHECKING:
    from spdx_python_model import v3_0_1 as spdx

__all__ = ["UNDATED", "spdx_document"]

UNDATED: Final = "1970-01-01T00:00:00Z"
"""The time of a document that should not depend on one: SPDX asks for a time."""
_PLACE: Final = "urn:modelpack:this-document"
T = TypeVar("T", bound="spdx.Element")


def spdx_document(model: Described, *, tool_version: str) -> bytes:
    """Return JSON-LD; raise ``InvalidInput`` for what SPDX has no form for."""
    from spdx_python_model import v3_0_1 as binding

    try:
        objects = _Writer(model, tool_version).objects()
        out = io.BytesIO()
        binding.JSONLDSerializer().write(
            binding.SHACLObjectSet(objects), out, indent=2, sort_keys=True
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidInput(f"SPDX has no form for this: {error}") from error
    raw = out.getvalue()
    # The name of the document is of its content, so that the same has the same.
    name = uuid.uuid5(uuid.NAMESPACE_URL, hashlib.sha256(raw).hexdigest())
    return raw.replace(_PLACE.encode(), f"urn:uuid:{name}".encode()) + b"\n"


class _Writer:
    """One model, as elements of SPDX and relationships between them."""

    def __init__(self, model: Described, tool_version: str) -> None:
        from spdx_python_model import v3_0_1 as binding

        self._spdx = binding
        self._model = model
        self._said = model.declaration
        self._elements: list[spdx.Element] = []
        self._relationships = 0
        self._licences: dict[str, spdx.Element] = {}
        self._parties: dict[str, spdx.Organization] = {}
        self._info = binding.CreationInfo()
        self._info.set_id("_:creation")
        self._info.specVersion = "3.0.1"
        self._info.created = _time(model.created or UNDATED)
        tool = self._new(binding.Tool, "tool", f"modelpack {tool_version}")
        self._info.createdUsing = [tool]
        if model.author:
            self._info.createdBy = [self._party(Party(name=model.author))]
        else:
            agent = self._new(binding.SoftwareAgent, "agent", "modelpack")
            self._info.createdBy = [agent]

    def objects(self) -> list[spdx.SHACLObject]:
        """Return all elements, and the document that holds them."""
        root = self._ai_package()
        files = [
            self._file(index, each) for index, each in enumerate(self._model.files)
        ]
        self._relate("contains", root, files)
        for index, name in enumerate(self._model.facts.claims.datasets):
            self._dataset(root, name, index)
        for index, base in enumerate(ancestors(self._model)):
            self._relate("descendantOf", root, [self._ancestor(base, index)])
        if self._model.environment is not None:
            libraries = [
                self._library(each) for each in self._model.environment.packages
            ]
            self._relate("usesTool", root, libraries)
        self._note_sources(root)
        sbom = self._new(self._spdx.software_Sbom, "sbom", f"BOM of {root.name}")
        sbom.software_sbomType = [self._spdx.software_SbomType.analyzed]
        sbom.rootElement = [root]
        sbom.element = [each for each in self._elements if each is not sbom]
        document = self._new(self._spdx.SpdxDocument, "document", f"{root.name}")
        document.rootElement = [sbom]
        document.element = [each for each in self._elements if each is not document]
        document.profileConformance = self._conforms(root)
        return [self._info, *self._elements]

    def _new(self, made: Callable[[], T], key: str, name: str) -> T:
        element = made()
        element.set_id(f"{_PLACE}#{key}")
        element.creationInfo = self._info
        element.name = name
        self._elements.append(element)
        return element

    def _relate(
        self, kind: str, source: spdx.Element, targets: Sequence[spdx.Element]
    ) -> None:
        if not targets:
            return
        self._relationships += 1
        relationship = self._spdx.Relationship()
        relationship.set_id(f"{_PLACE}#relationship-{self._relationships}")
        relationship.creationInfo = self._info
        relationship.from_ = source
        relationship.to = list(targets)
        relationship.relationshipType = getattr(self._spdx.RelationshipType, kind)
        self._elements.append(relationship)

    def _ai_package(self) -> spdx.ai_AIPackage:
        model, said, binding = self._model, self._said, self._spdx
        found = self._new(
            binding.ai_AIPackage, "model", model.facts.claims.name or model.name
        )
        found.software_primaryPurpose = binding.software_SoftwarePurpose.model
        version = said.version or (str(model.digest) if model.digest else "")
        if version:
            found.software_packageVersion = version
        if said.description:
            found.description = said.description
        if said.supplier is not None:
            found.suppliedBy = self._party(said.supplier)
        found.originatedBy = [self._party(each) for each in said.authors]
        if said.released:
            found.releaseTime = _time(f"{said.released}T00:00:00Z")
        if model.digest is not None:
            found.verifiedUsing = [self._hash(model.digest)]
        if model.repository is not None:
            found.software_packageUrl = oci_purl(model.repository, str(model.digest))
        place = self._download()
        if place:
            found.software_downloadLocation = place
        if said.links.homepage:
            found.software_homePage = said.links.homepage
        for name, value in ai_fields(model, binding).items():
            setattr(found, name, value)
        self._relate_licences(found, model.facts.claims.licenses)
        package: spdx.ai_AIPackage = found
        return package

    def _download(self) -> str:
        model = self._model
        if self._said.links.download:
            return self._said.links.download
        if model.repository is None:
            return ""
        return f"oci://{model.repository}@{model.digest}"

    def _file(self, index: int, found: DescribedFile) -> spdx.software_File:
        file = self._new(self._spdx.software_File, f"file-{index}", found.path)
        file.verifiedUsing = [self._hash(found.digest)]
        return file

    def _dataset(self, root: spdx.Element, name: str, index: int) -> None:
        declared = {data.name: data for data in self._said.datasets}
        said = declared.get(name) or Dataset(name=name)
        found = self._new(self._spdx.dataset_DatasetPackage, f"data-{index}", name)
        found.software_primaryPurpose = self._spdx.software_SoftwarePurpose.data
        for field, value in dataset_fields(said, self._spdx).items():
            setattr(found, field, value)
        if said.owner is not None:
            found.originatedBy = [self._party(said.owner)]
        if said.digest is not None:
            found.verifiedUsing = [self._hash(said.digest)]
        if said.license:
            self._relate_licences(found, [expression(said.license) or ""])
        # What a set that only has a name was used for, nobody says.
        for kind, roles in _ROLES.items():
            if roles & {*said.role}:
                self._relate(kind, root, [found])

    def _ancestor(self, base: Ancestor, index: int) -> spdx.Element:
        declared = {each.name: each for each in self._said.base_models}
        said = declared.get(base.name) or BaseModel(name=base.name)
        found = self._new(self._spdx.ai_AIPackage, f"base-{index}", base.name)
        found.software_primaryPurpose = self._spdx.software_SoftwarePurpose.model
        if base.relation:
            found.comment = f"relation: {base.relation}"
        if said.commit:
            found.software_packageVersion = said.commit
        if base.purl:
            found.software_packageUrl = base.purl
        if said.digest is not None:
            found.verifiedUsing = [self._hash(said.digest)]
        if said.license:
            self._relate_licences(found, [expression(said.license) or ""])
        return found

    def _library(self, item: Package) -> spdx.Element:
        from packageurl import PackageURL

        found = self._new(
            self._spdx.software_Package, f"library-{item.name}", item.name
        )
        found.software_packageVersion = item.version
        found.software_primaryPurpose = self._spdx.software_SoftwarePurpose.library
        found.software_packageUrl = PackageURL(
            "pypi", None, item.name, item.version
        ).to_string()
        if item.license:
            self._relate_licences(found, [item.license])
        return found

    def _relate_licences(self, source: spdx.Element, names: Sequence[str]) -> None:
        for name in filter(None, names):
            if name not in self._licences:
                key = f"licence-{len(self._licences)}"
                licence = self._new(
                    self._spdx.simplelicensing_LicenseExpression, key, name
                )
                licence.simplelicensing_licenseExpression = name
                self._licences[name] = licence
            self._relate("hasDeclaredLicense", source, [self._licences[name]])

    def _party(self, said: Party) -> spdx.Organization:
        if said.name not in self._parties:
            key = f"party-{len(self._parties)}"
            found = self._new(self._spdx.Organization, key, said.name)
            if said.email:
                contact = self._spdx.ExternalIdentifier()
                contact.externalIdentifierType = self._spdx.ExternalIdentifierType.email
                contact.identifier = said.email
                found.externalIdentifier = [contact]
            self._parties[said.name] = found
        return self._parties[said.name]

    def _hash(self, digest: Digest) -> spdx.Hash:
        # One object for each use: a shared one would get a name, and no schema.
        found = self._spdx.Hash()
        found.algorithm = getattr(self._spdx.HashAlgorithm, digest.algorithm)
        found.hashValue = digest.hex
        return found

    def _note_sources(self, root: spdx.Element) -> None:
        sources = self._model.sources()
        text = "\n".join(
            f"{field}: {origin}" for field, origin in sorted(sources.items())
        )
        note = self._new(self._spdx.Annotation, "sources", "field sources")
        note.annotationType = self._spdx.AnnotationType.other
        note.contentType = "text/plain"
        note.subject = root
        note.statement = text

    def _conforms(self, root: spdx.ai_AIPackage) -> Sequence[str]:
        """Return the profiles whose rules all hold."""
        kinds = self._spdx.ProfileIdentifierType
        found = [kinds.core, kinds.software, kinds.simpleLicensing]
        # AI profile, AIPackage, "External properties restrictions".
        needed = (
            root.releaseTime,
            root.suppliedBy,
            root.software_downloadLocation,
            root.software_packageVersion,
            root.software_primaryPurpose,
        )
        if all(needed):
            found.append(kinds.ai)
        data = [
            each
            for each in self._elements
            if isinstance(each, self._spdx.dataset_DatasetPackage)
        ]
        # Dataset profile, DatasetPackage, likewise.
        if data and all(
            each.releaseTime
            and each.builtTime
            and each.originatedBy
            and each.software_downloadLocation
            for each in data
        ):
            found.append(kinds.dataset)
        return found


_ROLES: Final = {
    "trainedOn": {Role.TRAINING, Role.CALIBRATION},
    "testedOn": {Role.VALIDATION, Role.TESTING},
}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
