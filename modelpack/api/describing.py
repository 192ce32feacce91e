"""``sbom``, ``card`` and ``describe``: what a model is, and what it is made of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from modelpack.api.beside import NOTHING, Beside
from modelpack.api.command import Command
from modelpack.api.files import content_of
from modelpack.api.material import Scan, gathered, look, scan_of, signed_beside
from modelpack.api.settings import Settings
from modelpack.api.targets import Target, opened
from modelpack.attestation.evidence import Verifier
from modelpack.attestation.predicates import BOM, CARD, FACTS, SCAN
from modelpack.documents.card.form import CardType
from modelpack.documents.card.material import Material
from modelpack.errors import InvalidInput
from modelpack.oci.digest import Digest
from modelpack.scanning.rules import Allowance
from modelpack.transfer.progress import Listener, nobody
from modelpack.version import __version__

if TYPE_CHECKING:
    from modelpack.documents.profiles.profile import ProfileReport

NAMES: Final = {
    BOM: "bom.json",
    CARD: "card.json",
    FACTS: "facts.json",
    SCAN: "scan.json",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """All that is said of a model: a document for each predicate type.

    ``digest`` is that of the artifact; None for a folder. ``passes`` says whether
    every file passes the scan. ``pages`` are the card for people, by file name.
    """

    target: str
    digest: Digest | None
    passes: bool
    predicates: Mapping[str, Mapping[str, object]]
    pages: Mapping[str, bytes]

    def files(self) -> Mapping[str, bytes]:
        """Return the documents under the names that ``describe`` gives them."""
        written = {
            NAMES[kind]: _json(predicate) for kind, predicate in self.predicates.items()
        }
        return {**written, **self.pages}


def sbom(
    target: str | Path,
    *,
    spec_version: str = "1.6",
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    beside: Beside | None = None,
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> bytes:
    """Return a CycloneDX ML-BOM of a folder or file that exists, or of an artifact.

    The same files give the same bytes; a time is in it only where
    ``SOURCE_DATE_EPOCH`` says one.
    """
    from modelpack.documents.cyclonedx import ml_bom

    command = Command(settings, notify)
    with opened(target, command, include=include, exclude=exclude) as found:
        model, _ = look(found, command, beside=beside or NOTHING)
    return ml_bom(model, spec_version=spec_version, tool_version=__version__)


def spdx(
    target: str | Path,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    beside: Beside | None = None,
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> bytes:
    """Return an SPDX 3.0.1 document (JSON-LD) of what `sbom` describes.

    SPDX wants a time: without ``SOURCE_DATE_EPOCH`` it is the first second of 1970.
    """
    from modelpack.documents.spdx import spdx_document

    command = Command(settings, notify)
    with opened(target, command, include=include, exclude=exclude) as found:
        model, _ = look(found, command, beside=beside or NOTHING)
    return spdx_document(model, tool_version=__version__)


def check_sbom(
    file: str | Path, profile: str, *, require: Sequence[str] = ()
) -> ProfileReport:
    """Hold a CycloneDX or SPDX 3 document against a profile.

    ``profile`` is ``ntia``, ``cisa``, ``g7``, ``owasp`` or ``eu-ai-act``; with
    ``require`` only the elements of those names are required of it.
    """
    from modelpack.documents.profiles.holding import hold
    from modelpack.documents.profiles.profile import ProfileName

    if profile not in set(ProfileName):
        raise InvalidInput(f"{profile!r} is none of {', '.join(ProfileName)}")
    return hold(content_of(file), ProfileName(profile), require=require)


def card(  # noqa: PLR0913 - one keyword for each choice of the caller
    target: str | Path,
    kind: CardType | str = CardType.MARKDOWN,
    *,
    evaluations: Sequence[str | Path] = (),
    energy: Sequence[str | Path] = (),
    believe: Verifier | None = None,
    allow: Iterable[Allowance] = (),
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> bytes:
    """Return a model card: what its README says, and what the files say.

    ``evaluations`` are files with results that do not lie in the model, ``energy``
    files or texts that say what it cost. With ``believe`` the signatures beside an
    artifact are verified; without, the card says who claims to have signed. The same
    input gives the same bytes.
    """
    command = Command(settings, notify)
    with opened(target, command, include=include, exclude=exclude) as found:
        material = gathered(
            found,
            command,
            scan_of(found.files, command, allow=allow),
            evaluations=evaluations,
            beside=Beside(energy=energy),
            signed=tuple(signed_beside(found, command, believe)),
        )
    return _page(material, CardType(kind))


def describe(
    target: str | Path,
    *,
    allow: Iterable[Allowance] = (),
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    beside: Beside | None = None,
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> Description:
    """Read and scan a folder, a file or an artifact, and write all documents about it.

    Whether it passes the scan stands in the documents, and in ``passes``.
    """
    command = Command(settings, notify)
    with opened(target, command, include=include, exclude=exclude) as found:
        scan = scan_of(found.files, command, allow=allow)
        signed = tuple(signed_beside(found, command))
        material = gathered(
            found, command, scan, beside=beside or NOTHING, signed=signed
        )
    from modelpack.documents.spdx import spdx_document

    return Description(
        target=found.reference,
        digest=found.digest,
        passes=scan.passes,
        predicates=_predicates(material, scan),
        pages={
            "card.md": _page(material, CardType.MARKDOWN),
            "card.html": _page(material, CardType.HTML),
            "spdx.json": spdx_document(material.model, tool_version=__version__),
        },
    )


def predicates_about(
    found: Target, command: Command, scan: Scan
) -> Mapping[str, Mapping[str, object]]:
    """Return what is signed about files that were scanned, by predicate type."""
    return _predicates(gathered(found, command, scan), scan)


def _predicates(material: Material, scan: Scan) -> Mapping[str, Mapping[str, object]]:
    from modelpack.documents.card.predicate import card_predicate
    from modelpack.documents.cyclonedx import ml_bom
    from modelpack.documents.facts import facts_predicate

    bom = ml_bom(material.model, spec_version="1.6", tool_version=__version__)
    return {
        BOM: json.loads(bom),
        CARD: card_predicate(material),
        FACTS: facts_predicate(material.model, scan.told()),
        SCAN: scan.predicate(),
    }


def _page(material: Material, kind: CardType) -> bytes:
    if kind is CardType.JSON:
        from modelpack.documents.card.predicate import card_predicate

        return _json(card_predicate(material))
    if kind is CardType.HTML:
        from modelpack.documents.card.page import html_card

        return html_card(material)
    from modelpack.documents.card.markdown import markdown_card

    return markdown_card(material)


def _json(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"
