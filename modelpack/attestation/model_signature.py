"""OpenSSF Model Signing: a statement about the files of a model, one by one.

model-signing-spec v1.0. The subject is SHA-256 over the files' own digests, in the
order in which they are listed; so it follows from a manifest, and no weight is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from modelpack.attestation.predicates import MODEL_SIGNATURE
from modelpack.attestation.statement import STATEMENT, Statement
from modelpack.errors import VerificationError
from modelpack.oci.fields import Fields
from modelpack.oci.manifest import compact

IGNORED: Final = (".git", ".gitattributes", ".github", ".gitignore")
# Those of them that configure what runs elsewhere: nobody adds these unsigned.
_RUN: Final = (".git", ".github")
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The files of a model: SHA-256, in hexadecimal, by path.

    ``unsigned`` is a file that no model signature lists, though it could make
    something run; "" where there is none.
    """

    by_path: Mapping[str, str]
    unsigned: str = ""

    @classmethod
    def of(cls, files: Mapping[str, str]) -> Self:
        """Leave out what ``model_signing`` never looks at: git's own files on top."""
        tops = {path: path.partition("/")[0] for path in sorted(files)}
        return cls(
            {path: files[path] for path, top in tops.items() if top not in IGNORED},
            next((path for path, top in tops.items() if top in _RUN), ""),
        )

    @property
    def root(self) -> str:
        """The digest over all of them: what a statement is about."""
        return _root(self.by_path.values())

    def statement(self, name: str) -> Statement:
        """Return what has to be signed; ``name`` is for people only."""
        resources = [
            {"name": path, "algorithm": "sha256", "digest": digest}
            for path, digest in self.by_path.items()
        ]
        serialization = {
            "method": "files",
            "hash_type": "sha256",
            "allow_symlinks": False,
            "ignore_paths": list(IGNORED),
        }
        return Statement.parse(
            compact(
                {
                    "_type": STATEMENT,
                    "subject": [{"name": name, "digest": {"sha256": self.root}}],
                    "predicateType": MODEL_SIGNATURE,
                    "predicate": {
                        "resources": resources,
                        "serialization": serialization,
                    },
                }
            )
        )

    def check(self, statement: Statement) -> None:
        """Raise ``VerificationError`` unless the statement is about these files."""
        if self.unsigned:
            raise VerificationError(
                f"leaves out {self.unsigned[:80]!r}, which the artifact has"
            )
        signed = signed_files(statement)
        wrong = [
            path
            for path in sorted(signed.keys() | self.by_path.keys())
            if signed.get(path) != self.by_path.get(path)
        ]
        if wrong:
            shown = ", ".join(repr(path[:80]) for path in wrong[:_SHOWN])
            more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
            raise VerificationError(f"is about other files: {shown}{more} differ")


def signed_files(statement: Statement) -> Mapping[str, str]:
    """Return what a model signature lists, its root recomputed."""
    predicate = Fields(dict(statement.predicate), "predicate")
    form = Fields(predicate.get("serialization"), "predicate.serialization")
    if (form.text("method"), form.text("hash_type")) != ("files", "sha256"):
        raise VerificationError(
            "hashes files in a way that is not read here",
            where="predicate.serialization",
        )
    signed: dict[str, str] = {}
    for index, value in enumerate(predicate.array("resources")):
        resource = Fields(value, f"predicate.resources[{index}]")
        path = resource.text("name")
        if path in signed or resource.text("algorithm") != "sha256":
            raise VerificationError("cannot be told apart", where=resource.path("name"))
        signed[path] = resource.text("digest")
    if not signed:
        raise VerificationError("lists no file", where="predicate.resources")
    try:
        root = _root(signed.values())
    except ValueError as error:
        raise VerificationError(
            "a digest is not hexadecimal", where="predicate.resources"
        ) from error
    if len(statement.subjects) != 1 or statement.subjects[0].digests != {
        "sha256": root
    }:
        raise VerificationError("its subject does not follow from its files")
    return signed


def _root(digests: Iterable[str]) -> str:
    return hashlib.sha256(b"".join(map(bytes.fromhex, digests))).hexdigest()
