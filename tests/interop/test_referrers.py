"""What refers to a model is found, with the referrers API and without it."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3

from modelpack.api import tree
from modelpack.api.settings import Settings
from modelpack.errors import RegistryError
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import EMPTY_JSON, INDEX, Manifest
from modelpack.oci.patience import Patience
from modelpack.oci.reference import Repository
from modelpack.oci.store import Store
from modelpack.registry.connections import Connecting
from modelpack.registry.credentials import Login
from modelpack.registry.http import Http
from modelpack.registry.store import RegistryStore
from tests.interop.desk import Desk
from tests.interop.registries import Running
from tests.interop.stores import store_at
from tests.stores.contract import KIND, push, push_blob

pytestmark = pytest.mark.interop

WRITERS = 20


def test_a_referrer_is_found_by_us_and_by_oras(
    modern_registry: Running, desk: Desk
) -> None:
    store = store_at(modern_registry)
    subject = push(store, b"weights", "v1").descriptor
    referrer = push(store, b"signature", kind="application/a", subject=subject)
    second = push(store, b"on it", kind="application/b", subject=referrer.descriptor)
    grown = tree(f"{modern_registry.host}/team/model:v1", settings=Settings())
    assert grown.descriptor == subject
    (branch,) = grown.referrers
    (leaf,) = branch.referrers
    assert branch.descriptor.digest == referrer.descriptor.digest
    assert branch.descriptor.artifact_type == "application/a"
    assert leaf.descriptor.digest == second.descriptor.digest
    assert leaf.referrers == ()
    told = desk.peer(
        "oras",
        *("discover", "--plain-http", "--format", "json"),
        f"{modern_registry.host}/team/model:v1",
    )
    (found,) = json.loads(told.out)["referrers"]
    assert found["digest"] == str(referrer.descriptor.digest)
    (deeper,) = found["referrers"]
    assert deeper["digest"] == str(second.descriptor.digest)


def test_without_the_api_the_list_is_under_the_fallback_tag(
    distribution: Running,
) -> None:
    store = store_at(distribution)
    subject = push(store, b"weights", "v1").descriptor
    push(store, b"signature", subject=subject)
    assert store.get_manifest(f"sha256-{subject.digest.hex}").media_type == INDEX
    assert list(store.tags()) == ["v1"]


def test_with_the_api_no_tag_is_made(olareg: Running) -> None:
    store = store_at(olareg)
    subject = push(store, b"weights", "v1").descriptor
    push(store, b"signature", subject=subject)
    assert list(store.tags()) == ["v1"]


def test_an_empty_list_may_be_null(olareg: Running) -> None:
    """Olareg says null where the image-spec wants an array."""
    store = store_at(olareg)
    subject = push(store, b"weights", "v1").descriptor
    url = f"{olareg.url}/v2/team/model/referrers/{subject.digest}"
    with urllib3.PoolManager(retries=False, timeout=10.0) as http:
        assert http.request("GET", url).json()["manifests"] is None
    assert list(store.referrers(subject.digest)) == []


def test_what_oras_attached_joins_what_we_attached(
    modern_registry: Running, desk: Desk
) -> None:
    store = store_at(modern_registry)
    subject = push(store, b"weights", "v1").descriptor
    reference = f"{modern_registry.host}/team/model:v1"
    (desk.home / "note.txt").write_text("seen")
    attach = ("attach", "--plain-http", "--no-tty", "--artifact-type")
    push(store, b"first", kind="application/a", subject=subject)
    desk.peer("oras", *attach, "application/b", reference, "note.txt")
    push(store, b"third", kind="application/c", subject=subject)
    kinds = [found.artifact_type for found in store.referrers(subject.digest)]
    assert sorted(kinds) == ["application/a", "application/b", "application/c"]


def test_writers_at_once_lose_none_of_the_referrers(
    distribution: Running, desk: Desk
) -> None:
    """Nothing locks the fallback tag: whoever writes it has to look again."""
    subject = push(store_at(distribution), b"weights", "v1").descriptor
    at_once = threading.Barrier(WRITERS)

    def one(number: int) -> Digest:
        store = _patient(distribution)
        manifest = _referrer(store, f"signature {number}".encode(), subject)
        at_once.wait(timeout=60)
        store.put_manifest(manifest.document)
        return manifest.descriptor.digest

    with ThreadPoolExecutor(WRITERS) as threads:
        pushed = set(threads.map(one, range(WRITERS)))
    listed = store_at(distribution).referrers(subject.digest)
    assert {found.digest for found in listed} == pushed
    assert len(pushed) == len(listed) == WRITERS
    reference = f"{distribution.host}/team/model:v1"
    discover = ("discover", "--plain-http", "--format", "json")
    told = json.loads(desk.peer("oras", *discover, reference).out)
    assert {found["digest"] for found in told["referrers"]} == set(map(str, pushed))


def _referrer(store: Store, content: bytes, subject: Descriptor) -> Manifest:
    return Manifest.build(
        artifact_type=KIND,
        config=push_blob(store, b"{}", EMPTY_JSON),
        layers=(push_blob(store, content),),
        subject=subject,
    )


def _patient(registry: Running) -> RegistryStore:
    """Open a repository as a command does: what fails is tried again, later."""
    repository = Repository(registry.host, "team/model")
    later = threading.Event()  # never set: waiting for it takes as long as asked

    def wait(seconds: float, _error: RegistryError) -> None:
        later.wait(seconds)

    http = Http(repository, Connecting(), Login())
    return RegistryStore(repository, http, Patience(wait=wait))
