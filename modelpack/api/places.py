"""``tags``, ``tree``, ``tag``, ``remove``: what a place holds, and its names."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from modelpack.api.command import Command
from modelpack.api.settings import Settings
from modelpack.api.stores import open_store
from modelpack.errors import InvalidInput
from modelpack.oci.reference import Reference, Repository
from modelpack.oci.store import Store
from modelpack.signing.claims import claimed_signer
from modelpack.transfer.progress import nobody
from modelpack.workflows import listing
from modelpack.workflows.listing import Branch


def tags(place: str, *, settings: Settings | None = None) -> Sequence[str]:
    """Return every tag of a repository or layout, sorted."""
    reference = Reference.parse(place)
    if reference.tag or reference.digest:
        raise InvalidInput(f"{place!r}: name a place, without tag or digest")
    with _opened(reference, settings) as store:
        return store.tags()


def tree(reference: str, *, settings: Settings | None = None) -> Branch:
    """Return an artifact and all that refers to it."""
    parsed = Reference.parse(reference)
    with _opened(parsed, settings) as store:
        return listing.Tree(store, claimed_signer).grow(parsed.selector)


def tag(reference: str, *names: str, settings: Settings | None = None) -> str:
    """Give an artifact more tags; return its pinned reference."""
    parsed = Reference.parse(reference)
    with _opened(parsed, settings) as store:
        document = listing.tag(store, parsed.selector, *names)
    return str(parsed.at(document.descriptor.digest))


def remove(reference: str, *, settings: Settings | None = None) -> None:
    """Remove a tag, or the artifact that a digest names."""
    parsed = Reference.parse(reference)
    if not parsed.tag and not parsed.digest:
        raise InvalidInput(f"{reference!r}: name a tag or a digest to remove")
    with _opened(parsed, settings) as store:
        store.delete(parsed.selector)


def _opened(
    reference: Reference, settings: Settings | None
) -> AbstractContextManager[Store]:
    command = Command(settings, nobody)
    place = reference.place
    if not isinstance(place, Repository) and not place.path.exists():
        raise InvalidInput("there is no such layout", where=str(place))
    return open_store(place, command.settings, command.patience)
