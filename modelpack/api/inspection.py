"""``inspect`` and ``diff``: what a model is, and how two differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape

from modelpack.api.command import Command
from modelpack.api.settings import Settings
from modelpack.api.stores import open_store
from modelpack.attestation.evidence import Unjudgeable
from modelpack.oci.manifest import Manifest
from modelpack.oci.reference import Reference
from modelpack.oci.store import Source
from modelpack.signing.claims import claimed_signer
from modelpack.transfer.progress import nobody
from modelpack.workflows import inspect as look
from modelpack.workflows.beside import Beside, statements_beside
from modelpack.workflows.inspect import Difference, Inspected
from modelpack.workflows.pull import resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a model is. ``reference`` is pinned.

    ``statements`` are what is signed about it, with who claims to have signed: that is
    not verified here. None where there is more than can be read.
    """

    reference: str
    model: Inspected
    statements: tuple[Beside, ...] | None = ()

    @property
    def size(self) -> int:
        """The bytes of all files together."""
        return sum(file.size for file in self.model.files)

    def rows(self) -> list[tuple[str, str]]:
        """Return what is known, as names and values, for people."""
        config, claims = self.model.config, self.model.claims
        rows = [
            ("reference", self.reference),
            ("name", config.name or ""),
            ("title", config.title or ""),
            ("architecture", config.architecture or ""),
            ("family", config.family or ""),
            ("format", config.format or ""),
            ("parameters", config.param_size or ""),
            ("precision", config.precision or ""),
            ("quantization", config.quantization or ""),
            ("license", ", ".join(config.licenses)),
            ("base model", ", ".join(claims.base_models)),
            ("languages", ", ".join(config.languages)),
            ("created", config.created_at or ""),
        ]
        facts = self.model.facts
        if facts is not None:
            counted = (f"{n:,} {d}" for d, n in facts.measured.parameters.items())
            rows.append(("in headers, not verified", ", ".join(counted)))
            rows.append(("tensors, not verified", f"{facts.measured.tensors:,}"))
        return [(name, value) for name, value in rows if value]

    def document(self) -> Mapping[str, object]:
        """Return the JSON form (docs/json.md)."""
        config, facts = self.model.config, self.model.facts
        return {
            "reference": self.reference,
            "digest": str(self.model.manifest.descriptor.digest),
            "size": self.size,
            "name": config.name,
            "architecture": config.architecture,
            "family": config.family,
            "format": config.format,
            "parameters": config.param_size,
            "precision": config.precision,
            "quantization": config.quantization,
            "licenses": list(config.licenses),
            "baseModels": list(self.model.claims.base_models),
            "annotations": dict(self.model.manifest.annotations),
            "files": [
                {
                    "path": file.path,
                    "size": file.size,
                    "digest": str(file.digest),
                    "mediaType": file.media_type,
                    "parts": len(file.pieces),
                }
                for file in self.model.files
            ],
            "documents": None
            if self.statements is None
            else [
                {
                    "predicateType": each.kind,
                    "claimedSigner": each.signer,
                    "referrer": each.name,
                }
                for each in self.statements
            ],
            "unverifiedHeaders": None
            if facts is None
            else {
                "parameters": dict(facts.measured.parameters),
                "tensors": facts.measured.tensors,
                "formats": list(facts.measured.formats),
            },
        }

    def _repr_html_(self) -> str:
        """Show the model in a notebook."""
        facts = "".join(
            f"<tr><th style='text-align:left'>{escape(name)}</th>"
            f"<td>{escape(value)}</td></tr>"
            for name, value in self.rows()
        )
        files = "".join(
            f"<tr><td>{escape(file.path)}</td>"
            f"<td style='text-align:right'>{file.size:,}</td>"
            f"<td><code>{escape(str(file.digest))}</code></td></tr>"
            for file in self.model.files
        )
        return f"<table>{facts}</table><table>{files}</table>"


def inspect(
    reference: str, *, headers: bool = False, settings: Settings | None = None
) -> Inspection:
    """Say what a model is, without fetching weights.

    ``headers`` also reads the headers of its weight files by ranged requests;
    what they say is not verified, and marked so.
    """
    with _found(reference, settings) as (parsed, source, manifest):
        return Inspection(
            reference=str(parsed.at(manifest.descriptor.digest)),
            model=look.inspect(source, manifest, headers=headers),
            statements=_statements(source, manifest),
        )


def _statements(source: Source, manifest: Manifest) -> tuple[Beside, ...] | None:
    try:
        return statements_beside(source, manifest.descriptor.digest, claimed_signer)
    except Unjudgeable:
        return None


def diff(before: str, after: str, *, settings: Settings | None = None) -> Difference:
    """Say which files, and which tensors in them, differ between two models."""
    with _found(before, settings) as old, _found(after, settings) as new:
        return look.diff(old[1:], new[1:])


@contextmanager
def _found(
    reference: str, settings: Settings | None
) -> Iterator[tuple[Reference, Source, Manifest]]:
    command = Command(settings, nobody)
    parsed = Reference.parse(reference)
    place = parsed.place
    with open_store(place, command.settings, command.patience) as source:
        yield parsed, source, resolve(source, parsed.selector)
