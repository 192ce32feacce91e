"""``release``: all that a publisher does, in the order in which it is safe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelpack.api.carriage import Carriage
from modelpack.api.command import Command
from modelpack.api.documents import attach_documents, published_target
from modelpack.api.material import Scan, scan_of
from modelpack.api.publishing import Choices, Sources, Untagged, parse_target, publish
from modelpack.api.settings import Settings
from modelpack.api.signing import SignWith, seal, signing_at
from modelpack.attestation.predicates import PROVENANCE
from modelpack.errors import PolicyDenied
from modelpack.oci.digest import Digest
from modelpack.scanning.rules import Allowance
from modelpack.scanning.verdict import Outcome
from modelpack.transfer.progress import Listener, nobody
from modelpack.workflows.sign import Attached

if TYPE_CHECKING:
    from modelpack.policy.evaluation.house import Policies


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseResult:
    """What was released. ``reference`` and ``car`` are pinned; sizes are in bytes.

    ``policy`` names what admitted it, and is empty where nothing was asked.
    """

    reference: str
    tag: str
    digest: Digest
    car: str
    size: int
    files: int
    predicates: tuple[str, ...]
    policy: str

    def document(self) -> Mapping[str, object]:
        """Return the JSON form (docs/json.md)."""
        return {
            "reference": self.reference,
            "tag": self.tag,
            "digest": str(self.digest),
            "car": self.car or None,
            "size": self.size,
            "files": self.files,
            "predicates": list(self.predicates),
            "policy": self.policy or None,
        }


def release(  # noqa: PLR0913 - one keyword for each choice of the caller
    source: str | Path,
    reference: str,
    signer: SignWith,
    *,
    provenance: Mapping[str, object],
    policy: Policies | None = None,
    carriage: Carriage | None = None,
    allow: Iterable[Allowance] = (),
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    annotations: Mapping[str, str] | None = None,
    split: int = 0,
    modelcar: bool = False,
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> ReleaseResult:
    """Scan, publish, describe and sign a model; let it be judged; then move the tag.

    1. Every file is scanned; nothing is sent if one does not pass: ``PolicyDenied``.
    2. Files, and the image of them, are sent; each is hashed anew.
    3. The documents that ``describe`` makes, and ``provenance``, are attested, of both;
       then both are signed.
    4. ``policy`` judges both, in the ``carriage`` that a cluster would see.
    5. Only now the tags move: whatever fails before leaves them where they were.
    """
    command = Command(settings, notify)
    target = parse_target(reference)
    files = Sources.listed(source, include=include, exclude=exclude)
    scan = scan_of(files.files, command, allow=allow)
    _require_pass(scan, source)
    attached: list[Attached] = []
    judged: list[str] = []

    def finish(untagged: Untagged) -> None:
        signing = signing_at(untagged.store, target, signer, command)
        # The image holds the same files: all that is said of them is said of it, too.
        for artifact in untagged.artifacts:
            digest = artifact.descriptor.digest
            found = published_target(target, digest, files.files)
            more = {PROVENANCE: provenance}
            attached.extend(
                attach_documents(artifact, found, scan, signing, command, more=more)
            )
            attached.extend(seal(untagged.store, target, artifact, signer, command))
        if policy is not None:
            judged.append(_judged(untagged, policy, carriage or Carriage()))

    published, car = publish(
        files,
        target,
        Choices(
            annotations=annotations or {}, split=split, modelcar=modelcar, rehash=True
        ),
        command,
        finish=finish,
    )
    digest = published.manifest.descriptor.digest
    return ReleaseResult(
        reference=str(target.at(digest)),
        tag=target.tag,
        digest=digest,
        car=str(target.at(car.descriptor.digest)) if car is not None else "",
        size=sum(file.size for file in published.files),
        files=len(published.files),
        predicates=tuple(
            dict.fromkeys(each.statement.predicate_type for each in attached)
        ),
        policy="".join(judged),
    )


def _judged(untagged: Untagged, policy: Policies, carriage: Carriage) -> str:
    """Return which policies admitted it, or raise ``PolicyDenied``."""
    from modelpack.api.policies import guard

    with guard(
        untagged.reference, untagged.store, policy, untagged.command, carriage
    ) as judge:
        if untagged.car is not None:
            judge.admit(untagged.car)
        return judge.admit(untagged.model).policy


def _require_pass(scan: Scan, source: str | Path) -> None:
    if scan.passes:
        return
    bad = [each for each in scan.report.files if each.outcome is not Outcome.PASS]
    reasons = "; ".join(
        f"{each.path}: {finding.message}" for each in bad for finding in each.findings
    )
    raise PolicyDenied(
        f"{len(bad)} of {len(scan.report.files)} files do not pass the scan: {reasons}",
        where=str(source),
    )
