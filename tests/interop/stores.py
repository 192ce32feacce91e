"""Repositories of real registries, as stores."""

from modelpack.errors import RegistryError
from modelpack.oci.patience import Patience
from modelpack.oci.reference import Repository
from modelpack.registry.connections import Connecting
from modelpack.registry.credentials import Login
from modelpack.registry.http import Http
from modelpack.registry.store import RegistryStore
from tests.interop.registries import Running


def store_at(registry: Running, name: str = "team/model") -> RegistryStore:
    """Open a repository anew; what fails is not tried again."""
    repository = Repository(registry.host, name)
    http = Http(repository, Connecting(), Login())
    return RegistryStore(repository, http, Patience(wait=_give_up))


def _give_up(_seconds: float, error: RegistryError) -> None:
    raise error
