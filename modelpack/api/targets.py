"""What a command looks at: a folder that is here, or an artifact's, for a while."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from modelpack.api.command import Command
from modelpack.api.fetching import pull
from modelpack.disk.file import LocalFile
from modelpack.disk.source.tree import list_model
from modelpack.errors import InvalidInput
from modelpack.oci.digest import Digest
from modelpack.oci.reference import Reference, Repository
from modelpack.policy.admission import UnsafeAdmitAll


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Files of a model. Of an artifact, ``reference`` is pinned; else it is a path."""

    reference: str
    name: str
    files: tuple[LocalFile, ...]
    digest: Digest | None = None
    repository: Repository | None = None


@contextmanager
def opened(
    target: str | Path,
    command: Command,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> Iterator[Target]:
    """Find a folder or file that exists, or else fetch an artifact.

    An artifact goes to a temporary folder, where its digests are checked first:
    what is looked at is what the digest names. No policy is asked: it may want to
    know what this look finds, and nothing of the model is handed out.
    """
    path = Path(target)
    if path.exists():
        yield Target(
            reference=str(target),
            # A link is named by its own name, and `..` by what it means.
            name=path.name if path.name.strip(".") else path.resolve().name,
            files=list_model(path, include=include, exclude=exclude),
        )
        return
    parsed = Reference.parse(str(target))
    if include or exclude:
        raise InvalidInput(
            "an artifact is looked at as a whole, for its digest names the whole",
            where=str(target),
            hint="leave out --include and --exclude",
        )
    with TemporaryDirectory(prefix="modelpack-") as folder:
        place = Path(folder, "model")
        pulled = pull(
            str(target),
            place,
            policy=UnsafeAdmitAll(_without_a_word),
            settings=command.settings,
            notify=command.notify,
        )
        repository = parsed.place if isinstance(parsed.place, Repository) else None
        yield Target(
            reference=pulled.reference,
            name=repository.name.rpartition("/")[2] if repository else "model",
            files=list_model(place),
            digest=pulled.digest,
            repository=repository,
        )


def _without_a_word(warning: str) -> None:
    del warning
