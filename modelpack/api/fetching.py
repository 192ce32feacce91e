"""``pull``: fetch a model, if a policy admits it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelpack.api.carriage import Carriage
from modelpack.api.command import Command
from modelpack.api.gates import admission
from modelpack.api.settings import Settings
from modelpack.api.stores import open_store
from modelpack.disk.source.choice import Choice
from modelpack.disk.target.delivery import DirectoryDestination
from modelpack.oci.digest import Digest
from modelpack.oci.reference import Place, Reference, Repository
from modelpack.policy.admission import UnsafeAdmitAll
from modelpack.transfer.progress import Listener, nobody
from modelpack.workflows.pull import Delivery
from modelpack.workflows.pull import pull as fetch

if TYPE_CHECKING:
    from modelpack.policy.evaluation.house import Policies


@dataclass(frozen=True, slots=True, kw_only=True)
class PullResult:
    """What was delivered. ``moved`` and ``kept`` are bytes."""

    reference: str
    digest: Digest
    directory: Path
    policy: str
    files: tuple[str, ...]
    moved: int
    kept: int

    def document(self) -> Mapping[str, object]:
        """Return the JSON form (docs/json.md)."""
        return {
            "reference": self.reference,
            "digest": str(self.digest),
            "directory": str(self.directory),
            "policy": self.policy,
            "files": list(self.files),
            "moved": self.moved,
            "kept": self.kept,
        }


def pull(  # noqa: PLR0913 - one keyword for each choice of the caller
    reference: str,
    into: str | Path | None = None,
    *,
    policy: Policies | UnsafeAdmitAll | None = None,
    carriage: Carriage | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    overwrite: bool = False,
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> PullResult:
    """Fetch a model into a directory (default: the repository's last name).

    Nothing shows in the directory before all that was chosen is here and its
    digests hold. With a ``policy`` it is judged as the ``carriage`` that a cluster
    would see; and by the policies of configuration files (``Settings.admission``).
    Without either everything is admitted, with a warning.
    Raises ``PolicyDenied`` before any layer is read, ``ContentError`` when bytes
    are not those promised, ``InvalidInput`` when the directory holds something
    else; a second call goes on where a first one ended.
    """
    wanted = Reference.parse(reference)
    command = Command(settings, notify)
    directory = Path(into) if into is not None else _default(wanted.place)
    choice = Choice.of((), include=include, exclude=exclude)
    with (
        open_store(wanted.place, command.settings, command.patience) as source,
        command.open_cache() as cache,
        admission(wanted, source, policy, command, carriage or Carriage()) as judge,
    ):
        delivery = Delivery(
            source=source,
            destination=DirectoryDestination(
                directory,
                overwrite=overwrite,
                cache=cache,
                check=command.stop.check,
                pause=command.stop.wait,
            ),
            choose=lambda path: not choice.leaves_out(path) and choice.takes(path),
            crew=command.crew,
            patience=command.patience,
            notify=command.notify,
        )
        pulled = fetch(source, wanted.selector, judge, delivery)
    return PullResult(
        reference=str(wanted.at(pulled.digest)),
        digest=pulled.digest,
        directory=directory,
        policy=pulled.policy,
        files=tuple(file.path for file in pulled.files),
        moved=pulled.moved,
        kept=pulled.kept,
    )


def _default(place: Place) -> Path:
    if isinstance(place, Repository):
        return Path(place.name.rpartition("/")[2])
    return Path(place.path.stem + "-model")
