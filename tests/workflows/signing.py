"""A model in memory, and keys to sign it with."""

from collections.abc import Mapping
from dataclasses import dataclass

from modelpack.attestation.evidence import About, Evidence, judge
from modelpack.model.build import build_config, build_manifest
from modelpack.model.facts import combine
from modelpack.model.files import pack
from modelpack.model.layer_types import Category
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Document, Manifest
from modelpack.oci.memory import MemoryStore
from modelpack.oci.store import blocks_of
from modelpack.signing.managed import KeySigning, KeyVerifier
from modelpack.signing.private_key import PrivateKey
from modelpack.workflows.gather import candidates
from modelpack.workflows.sign import Signing

CREATED = "2026-11-24T00:00:00Z"


def put(store: MemoryStore, content: bytes, media_type: str) -> Descriptor:
    blob = Descriptor.of(content, media_type)
    store.put_blob(blob, blocks_of(content))
    return blob


def put_model(store: MemoryStore, *, tag: str = "1", **files: bytes) -> Document:
    """Store a model with these files, one layer each."""
    return put_files(store, files, tag)


def put_files(
    store: MemoryStore, files: Mapping[str, bytes], tag: str = "1"
) -> Document:
    """Store a model with files of any name."""
    contents = dict(sorted(files.items()))
    packed = tuple(
        pack(
            name,
            size=len(content),
            digest=Digest.of(content),
            executable=False,
            category=Category.WEIGHT,
        )
        for name, content in contents.items()
    )
    for content in contents.values():
        put(store, content, "application/octet-stream")
    config = build_config(combine([]), packed, created="")
    manifest = build_manifest(packed, config, annotations={})
    put(store, config, manifest.config.media_type)
    store.put_manifest(manifest.document, tag)
    return manifest.document


def refer(
    store: MemoryStore,
    subject: Descriptor,
    artifact_type: str,
    *layers: tuple[bytes, str],
) -> Manifest:
    """Attach an artifact of any kind."""
    config = put(store, b"{}", "application/vnd.oci.empty.v1+json")
    manifest = Manifest.build(
        artifact_type=artifact_type,
        config=config,
        layers=tuple(put(store, *layer) for layer in layers),
        subject=subject,
    )
    store.put_manifest(manifest.document)
    return manifest


@dataclass(frozen=True)
class Person:
    """Somebody with a key."""

    key: PrivateKey

    @classmethod
    def new(cls) -> "Person":
        return cls(PrivateKey.generate())

    @property
    def signer(self) -> KeySigning:
        return KeySigning(key=self.key)

    @property
    def verifier(self) -> KeyVerifier:
        return KeyVerifier(key=self.key.public)

    def signing(self, store: MemoryStore, *, older: bool = False) -> Signing:
        return Signing(
            store=store,
            signer=self.signer,
            created=CREATED,
            own=self.verifier,
            older=self.signer if older else None,
            repository="registry.test/team/model",
        )

    def evidence(self, store: MemoryStore, artifact: Document) -> Evidence:
        digest = artifact.descriptor.digest
        return judge(candidates(store, digest), About(digest), self.verifier)
