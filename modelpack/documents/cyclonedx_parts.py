"""Things that several parts of a CycloneDX document are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from modelpack.documents.checking import SPEC_VERSIONS, Json, said_only
from modelpack.documents.cyclonedx_card import data_ref, properties
from modelpack.documents.described import Ancestor
from modelpack.formats.declaration.declaration import (
    BaseModel,
    Dataset,
    Links,
    Party,
    Security,
)
from modelpack.formats.environment.packages import Environment, Package
from modelpack.model.licences import expression
from modelpack.oci.digest import Digest

__all__ = [
    "ancestor",
    "data_set",
    "file_hash",
    "libraries",
    "library_ref",
    "licences",
    "links",
    "party",
    "person",
]

_ALGORITHMS: Final = {"sha256": "SHA-256", "sha512": "SHA-512"}
# CycloneDX, "externalReference.type".
_LINKS: Final[Mapping[str, str]] = {
    "homepage": "website",
    "documentation": "documentation",
    "repository": "vcs",
    "paper": "documentation",
    "demo": "other",
    "download": "distribution",
    "license": "license",
    "usage_policy": "documentation",
}
_COMMENTS: Final[Mapping[str, str]] = {
    "paper": "paper",
    "demo": "demo",
    "usage_policy": "usage policy",
}


def licences(names: Sequence[str], *, spec_version: str) -> Sequence[Json]:
    """Return a ``licenseChoice``: identifiers, names, or one expression."""
    from cyclonedx.spdx import is_expression, is_supported_id

    says_how = spec_version != SPEC_VERSIONS[0]
    how: Json = {"acknowledgement": "declared"} if says_how else {}
    if len(names) == 1 and not is_supported_id(names[0]) and is_expression(names[0]):
        return [{"expression": names[0], **how}]
    return [
        {"license": {"id" if is_supported_id(name) else "name": name, **how}}
        for name in names
    ]


def party(said: Party | None) -> Json:
    """Return an ``organizationalEntity``."""
    if said is None:
        return {}
    contact = [{"email": said.email}] if said.email else []
    urls = [said.url] if said.url else []
    return said_only({"name": said.name, "url": urls, "contact": contact})


def person(said: Party) -> Json:
    """Return an ``organizationalContact``."""
    return said_only({"name": said.name, "email": said.email})


def links(said: Links, security: Security, contact: str | None) -> Sequence[Json]:
    """Return the ``externalReferences`` of a model."""
    found = [
        said_only(
            {
                "type": kind,
                "url": getattr(said, name),
                "comment": _COMMENTS.get(name),
            }
        )
        for name, kind in _LINKS.items()
        if getattr(said, name)
    ]
    if security.policy:
        found.append({"type": "security-contact", "url": security.policy})
    if security.advisories:
        found.append({"type": "advisories", "url": security.advisories})
    if contact:
        mail = "@" in contact and ":" not in contact
        address = f"{'mailto:' if mail else ''}{contact}".replace(" ", "%20")
        found.append({"type": "support", "url": address})
    return found


def file_hash(digest: Digest) -> Json:
    """Return a ``hash``."""
    return {"alg": _ALGORITHMS[digest.algorithm], "content": digest.hex}


def ancestor(found: Ancestor, said: BaseModel | None, *, spec_version: str) -> Json:
    """Return a base model as a component of a pedigree."""
    said = said or BaseModel(name=found.name)
    named = expression(said.license) if said.license else None
    return said_only(
        {
            "type": "machine-learning-model",
            "name": found.name,
            "version": said.commit,
            "purl": found.purl,
            "hashes": [file_hash(said.digest)] if said.digest else [],
            "licenses": licences([named], spec_version=spec_version) if named else [],
            "externalReferences": [{"type": "website", "url": said.url}]
            if said.url
            else [],
            "properties": properties([("relation", found.relation)]),
        }
    )


def data_set(name: str, said: Dataset | None, *, spec_version: str) -> Json:
    """Return a data set as a component; without a declaration it is a name."""
    if said is None:
        # No address: where a set lies, its name alone does not say.
        said = Dataset(name=name)
    named = expression(said.license) if said.license else None
    url = said.url
    return said_only(
        {
            "type": "data",
            "bom-ref": data_ref(name),
            "name": name,
            "version": said.version,
            "description": said.description,
            "supplier": party(said.owner),
            "hashes": [file_hash(said.digest)] if said.digest else [],
            "licenses": licences([named], spec_version=spec_version) if named else [],
            "externalReferences": [{"type": "distribution", "url": url}] if url else [],
            "data": [_content(said)],
            "properties": properties(_told(said)),
        }
    )


def _content(said: Dataset) -> Json:
    owners = [{"organization": party(said.owner)}] if said.owner else []
    return said_only(
        {
            "type": "dataset",
            "name": said.name,
            "description": said.description,
            "contents": {"url": said.url} if said.url else {},
            "classification": said.classification and str(said.classification),
            "sensitiveData": list(said.sensitive_data),
            "governance": {"owners": owners} if owners else {},
        }
    )


def _told(said: Dataset) -> Sequence[tuple[str, object]]:
    return [
        *(("data:role", role) for role in said.role),
        ("data:collection", said.collection),
        *(("data:preprocessing", text) for text in said.preprocessing),
        *(("data:type", text) for text in said.types),
        ("data:records", said.records),
        ("data:size", said.size),
        ("data:personal_data", said.personal_data),
        *(("data:anonymization", text) for text in said.anonymization),
        *(("data:bias", text) for text in said.biases),
    ]


def library_ref(found: Package) -> str:
    """Return the ``bom-ref`` of a package of the training environment."""
    return f"library:{found.name}@{found.version}"


def libraries(environment: Environment, *, spec_version: str) -> Sequence[Json]:
    """Return what was installed where it was trained: there, and not in the model."""
    from packageurl import PackageURL

    return [
        said_only(
            {
                "type": "library",
                "bom-ref": library_ref(item),
                "name": item.name,
                "version": item.version,
                # CycloneDX, "scope": not reachable at runtime.
                "scope": "excluded",
                "purl": PackageURL("pypi", None, item.name, item.version).to_string(),
                # One archive of several was installed; which, a lock does not say.
                "hashes": [file_hash(item.digests[0])]
                if len(item.digests) == 1
                else [],
                "licenses": licences([item.license], spec_version=spec_version)
                if item.license
                else [],
            }
        )
        for item in environment.packages
    ]
