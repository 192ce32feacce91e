"""Nothing is handed out without ``Admitted``, and only a policy makes one."""

from dataclasses import replace

import pytest

from modelpack.errors import PolicyDenied
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import MANIFEST, Manifest
from modelpack.oci.memory import MemoryBody, MemoryStore
from modelpack.oci.store import blocks_of
from modelpack.policy.admission import Admitted, UnsafeAdmitAll
from modelpack.workflows.pull import Pulled, pull

CONFIG = b"{}"


class Watched(MemoryStore):
    """Remembers which blobs were opened."""

    opened: list[Digest]

    def open(
        self, blob: Descriptor, start: int = 0, end: int | None = None
    ) -> MemoryBody:
        self.opened.append(blob.digest)
        return super().open(blob, start, end)


class DenyAll:
    """A policy that refuses."""

    def admit(self, manifest: Manifest) -> Admitted:
        raise PolicyDenied(f"{manifest.descriptor.digest}: no")


def published() -> tuple[Watched, Manifest]:
    store = Watched()
    store.opened = []
    config = Descriptor.of(CONFIG, "application/vnd.cncf.model.config.v1+json")
    store.put_blob(config, blocks_of(CONFIG))
    manifest = Manifest.build(artifact_type="x/y", config=config, layers=(config,))
    store.put_manifest(manifest.document, "v1")
    return store, manifest


def never(admitted: Admitted) -> Pulled:
    pytest.fail(f"delivered {admitted.digest}")


def test_admitted_cannot_be_made_outside() -> None:
    _, manifest = published()
    with pytest.raises(TypeError, match="only a policy"):
        Admitted(manifest, "mine")
    with pytest.raises(TypeError, match="only a policy"):
        Admitted(manifest, "mine", object())
    admitted = UnsafeAdmitAll(lambda _: None).admit(manifest)
    with pytest.raises(TypeError, match="only a policy"):
        replace(admitted, policy="mine")


def test_what_a_policy_refuses_is_not_delivered_and_no_blob_is_opened() -> None:
    store, _ = published()
    with pytest.raises(PolicyDenied):
        pull(store, "v1", DenyAll(), never)
    assert store.opened == []


def test_admitting_all_warns_each_time_and_names_the_digest() -> None:
    _, manifest = published()
    said: list[str] = []
    UnsafeAdmitAll(said.append).admit(manifest)
    admitted = UnsafeAdmitAll(said.append).admit(manifest)
    assert admitted.digest == manifest.descriptor.digest
    assert admitted.policy == "unsafe-admit-all"
    assert len(said) == 2
    assert all(str(admitted.digest) in line for line in said)


def test_the_policy_judges_the_manifest_that_is_delivered() -> None:
    """A tag that moves after it was resolved changes nothing."""
    store, first = published()
    other = Manifest.build(artifact_type="z", config=first.config, layers=())

    def moved(admitted: Admitted) -> Pulled:
        assert admitted.manifest == first
        return Pulled(digest=admitted.digest, policy="", files=(), moved=0, kept=0)

    class Moving:
        def admit(self, manifest: Manifest) -> Admitted:
            store.put_manifest(other.document, "v1")
            return UnsafeAdmitAll(lambda _: None).admit(manifest)

    assert other.media_type == MANIFEST
    assert pull(store, "v1", Moving(), moved).digest == first.descriptor.digest
