"""A shelf of models in one registry, each signed and described in its own way.

`${signed}` in a case is the model's reference with its digest, `${signed.tag}` with a
tag; `${dev.pub}` is a public key; `${registry}` is `host:port`.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from modelpack.api import Settings, attest, push, remove, sign, sign_with_key, tree
from modelpack.api.command import Command
from modelpack.api.stores import open_store
from modelpack.attestation.bundle import Bundle
from modelpack.oci.descriptor import Descriptor
from modelpack.oci.manifest import Manifest
from modelpack.oci.reference import Reference
from modelpack.oci.store import Store, read_whole
from modelpack.transfer.progress import nobody
from modelpack.workflows.attach import attach

_CREATED = "2026-11-24T00:00:00Z"
BOM_TYPE = "https://cyclonedx.org/bom"
SIGN_TYPE = "https://sigstore.dev/cosign/sign/v1"

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
PEOPLE: Mapping[str, Callable[[], Key]] = {
    "dev": lambda: ec.generate_private_key(ec.SECP256R1()),
    "stranger": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "rsa": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}
"""Each has a key of a kind of its own; `stranger` is one whom no policy names."""


def bom(*kinds: str) -> dict[str, object]:
    components = [{"type": kind, "name": "a part"} for kind in kinds]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "components": components,
    }


ML_BOM = bom("machine-learning-model")
OTHER_BOM = bom("library")


Step = Callable[["Shelf", str], None]
Forms = Mapping[str, Step]
"""How each model is made, by its name."""


class Names(dict[str, str]):
    """What stands for each name. A model is made when it is first asked for."""

    def __init__(self, make: Callable[[str], None]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, name: str) -> str:
        self._make(name.partition(".")[0])
        return dict.__getitem__(self, name)


@dataclass
class Shelf:
    """Puts models into the registry at `address`, and remembers them by name."""

    address: str
    folder: Path
    forms: Forms = field(default_factory=dict)
    names: Names = field(init=False)
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        self.names = Names(lambda name: self.forms[name](self, name))
        self.names["registry"] = self.address
        self.names["absent"] = f"{self.address}/models/absent@sha256:{'0' * 64}"
        for who, make in PEOPLE.items():
            self._write_key(who, make())

    def model(self, name: str, *, repository: str = "models") -> str:
        """Push a small model of its own, and return its pinned reference."""
        source = self.folder / name
        source.mkdir()  # a second one of this name would be a mistake
        (source / "config.json").write_text(json.dumps({"model_type": name}))
        tagged = f"{self.address}/{repository}/{name}:1"
        pushed = push(source, tagged, settings=self.settings)
        self.names[name] = pushed.reference
        self.names[f"{name}.tag"] = tagged
        self.names[f"{name}.digest"] = str(pushed.digest)
        return pushed.reference

    def sign(self, name: str, who: str, *, older: bool = False) -> None:
        sign(
            self.names[name],
            sign_with_key(
                self._private(who), _no_password, older=older, model_signature=False
            ),
            settings=self.settings,
        )

    def attest(
        self,
        name: str,
        who: str,
        kind: str,
        predicate: Mapping[str, object],
        *,
        append: bool = False,
        older: bool = False,
    ) -> None:
        attest(
            self.names[name],
            sign_with_key(self._private(who), _no_password, older=older),
            kind,
            predicate,
            append=append,
            settings=self.settings,
        )

    def drop_referrers(self, name: str) -> None:
        """Take away all bundles, so that only cosign's older tags are left."""
        for found in tree(self.names[name], settings=self.settings).referrers:
            repository = self.names[name].partition("@")[0]
            remove(f"{repository}@{found.descriptor.digest}", settings=self.settings)

    def borrow(self, name: str, other: str) -> None:
        """Attach to one model the signature that is about another."""
        self._attach(name, self._signature(other))

    def corrupt(self, name: str, who: str) -> None:
        """Sign a model, and change one bit of the signature."""
        self.sign(name, who)
        bundle = json.loads(self._signature(name))
        self.drop_referrers(name)
        [signature] = bundle["dsseEnvelope"]["signatures"]
        octets = bytearray(base64.b64decode(signature["sig"]))
        octets[-1] ^= 1
        signature["sig"] = base64.b64encode(octets).decode()
        self._attach(name, json.dumps(bundle).encode())

    def _signature(self, name: str) -> bytes:
        """Return the first bundle of a model, as it lies in the registry."""
        with self._store(name) as (store, subject):
            [first, *_] = store.referrers(subject.digest)
            layer = Manifest.parse(store.get_manifest(first.digest).raw).layers[0]
            return read_whole(store, layer, limit=1 << 20)

    def _attach(self, name: str, bundle: bytes) -> None:
        with self._store(name) as (store, subject):
            attach(store, subject, Bundle.parse(bundle), SIGN_TYPE, _CREATED)

    @contextmanager
    def _store(self, name: str) -> Iterator[tuple[Store, Descriptor]]:
        reference = Reference.parse(self.names[name])
        command = Command(self.settings, nobody)
        with open_store(reference.place, self.settings, command.patience) as store:
            yield store, store.get_manifest(reference.selector).descriptor

    def _private(self, who: str) -> Path:
        return self.folder / f"{who}.key"

    def _write_key(self, who: str, key: Key) -> None:
        self._private(who).write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.names[f"{who}.pub"] = public.decode()


def _no_password() -> str:
    raise AssertionError("the keys of the shelf have none")
