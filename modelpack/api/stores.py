"""From a reference to the store that holds it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from modelpack.api.settings import Settings, user_agent
from modelpack.oci.patience import Patience
from modelpack.oci.reference import Layout, Place, Repository
from modelpack.oci.store import Store
from modelpack.transfer.crew import MOST

if TYPE_CHECKING:
    from modelpack.registry.habits import Habits
    from modelpack.registry.http import Http


@contextmanager
def open_store(place: Place, settings: Settings, patience: Patience) -> Iterator[Store]:
    """Open the store at ``place``; what was written to an archive is there after."""
    if isinstance(place, Repository):
        from modelpack.registry.store import RegistryStore

        with closing(open_http(place, settings)) as http:
            yield RegistryStore(place, http, patience)
    elif isinstance(place, Layout):
        from modelpack.disk.layout.directory import LayoutStore

        yield LayoutStore(place.path)
    else:
        from modelpack.disk.layout.archive import ArchiveStore

        with ArchiveStore(place.path) as archive:
            yield archive


def habits_at(place: Place) -> Habits:
    """Return what is known of how a store takes blobs; a layout takes them all."""
    from modelpack.registry.habits import SELF_HOSTED, habits_of

    return habits_of(place.host) if isinstance(place, Repository) else SELF_HOSTED


def open_http(place: Repository, settings: Settings) -> Http:
    """Return the way to one registry; nothing is sent yet."""
    from modelpack.registry.connections import Connecting
    from modelpack.registry.credentials import Login
    from modelpack.registry.http import Http

    connecting = Connecting(
        plain_http=settings.plain_http,
        ca=settings.ca_file,
        client_certificate=settings.client_certificate,
        client_key=settings.client_key,
        proxies=settings.proxies,
        user_agent=user_agent(),
        connections=max(settings.jobs or 0, MOST),
    )
    login = Login(
        username=settings.username,
        password=settings.password,
        configs=settings.docker_configs,
        ca=settings.ca_file,
        proxies=settings.proxies,
    )
    return Http(place, connecting, login)
