"""``copy``: from one place to another, with signatures and all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelpack.api.carriage import Carriage
from modelpack.api.command import Command
from modelpack.api.gates import admission
from modelpack.api.settings import Settings
from modelpack.api.stores import habits_at, open_store
from modelpack.errors import InvalidInput
from modelpack.oci.digest import Digest
from modelpack.oci.reference import Reference, Repository
from modelpack.transfer.copy import Copy
from modelpack.transfer.progress import Listener, nobody
from modelpack.transfer.send import Sender
from modelpack.transfer.upload import NoSessions, Sending
from modelpack.workflows.copy import Copied
from modelpack.workflows.copy import copy as carry
from modelpack.workflows.pull import resolve

if TYPE_CHECKING:
    from modelpack.policy.evaluation.house import Policies


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyResult:
    """Where the copy is, pinned, and what came along."""

    reference: str
    digest: Digest
    copied: Copied

    def document(self) -> Mapping[str, object]:
        """Return the JSON form (docs/json.md)."""
        return {
            "reference": self.reference,
            "digest": str(self.digest),
            "referrers": [
                {"digest": str(each.digest), "artifactType": each.artifact_type}
                for each in self.copied.referrers
            ],
            "tags": list(self.copied.tags),
        }


def copy(
    reference: str,
    target: str,
    *,
    referrers: bool = True,
    policy: Policies | None = None,
    carriage: Carriage | None = None,
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> CopyResult:
    """Copy an artifact to another place; the digest stays the same.

    With ``referrers`` all that refers to it comes along: signatures, attestations,
    and cosign 2's tags. Without a tag in ``target`` it gets the one it had. What a
    ``policy`` or a configuration refuses is not copied; where there is neither, a copy
    hands out nothing that was not there, and is not warned about.
    """
    origin, goal = Reference.parse(reference), Reference.parse(target)
    if goal.digest is not None:
        raise InvalidInput(f"{target!r}: a copy has the digest of what is copied")
    tag = goal.tag or origin.tag or ("" if origin.digest else "latest")
    command = Command(settings, notify)
    habits = habits_at(goal.place)
    with (
        open_store(origin.place, command.settings, command.patience) as source,
        open_store(goal.place, command.settings, command.patience) as store,
    ):
        sender = Sender(
            store=store,
            sending=Sending(
                patience=command.patience,
                check=command.stop.check,
                sessions=NoSessions(),
                chunk=min(
                    command.settings.chunk_size,
                    habits.largest_chunk or command.settings.chunk_size,
                ),
            ),
            notify=command.notify,
            width_moved=command.crew.width.moved,
            chunked=habits.chunked,
            mount_from=_neighbour(origin, goal),
        )
        selector = origin.selector
        if policy or command.settings.guarded:
            manifest = resolve(source, selector)
            with admission(
                origin, source, policy, command, carriage or Carriage()
            ) as judge:
                selector = judge.admit(manifest).digest
        copied = carry(
            selector,
            Copy(source, sender, command.crew),
            tag=tag,
            referrers=referrers,
        )
    digest = copied.descriptor.digest
    return CopyResult(
        reference=str(goal.at(digest)),
        digest=digest,
        copied=copied,
    )


def _neighbour(origin: Reference, goal: Reference) -> tuple[str, ...]:
    """Return the repository to mount from, where both are in one registry."""
    here, there = origin.place, goal.place
    if isinstance(here, Repository) and isinstance(there, Repository):
        return (here.name,) if here.host == there.host and here != there else ()
    return ()
