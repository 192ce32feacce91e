"""What clients are told of a Sigstore: whom to trust, and where to sign."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.interop.sigstore.authority import ORGANIZATION
from tests.interop.sigstore.keys import HasPublic, spki

_MEDIA_TYPE = "application/vnd.dev.sigstore."
_SINCE = {"start": "2024-01-01T00:00:00Z"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Files: for cosign and the likes the first two, for sigstore-python the third.

    `signing_config_of_keys` names a log and no more; `signing_config_without_log`
    nothing at all, which is what one signs with a key and tells no one.
    """

    trusted_root: Path
    signing_config: Path
    client_trust_config: Path
    signing_config_of_keys: Path
    signing_config_without_log: Path

    @classmethod
    def write(
        cls, folder: Path, *, root: dict[str, object], config: dict[str, object]
    ) -> Self:
        both = {
            "mediaType": f"{_MEDIA_TYPE}clienttrustconfig.v0.1+json",
            "trustedRoot": root,
            "signingConfig": config,
        }
        names = ("rekorTlogUrls", "rekorTlogConfig", "tsaUrls", "tsaConfig")
        kind = {"mediaType": config["mediaType"]}
        of_keys = kind | {name: config[name] for name in names}
        empty = kind | {"rekorTlogConfig": {}, "tsaConfig": {}}
        return cls(
            trusted_root=_written(folder / "trusted_root.json", root),
            signing_config=_written(folder / "signing_config.json", config),
            client_trust_config=_written(folder / "client_trust_config.json", both),
            signing_config_of_keys=_written(folder / "of_keys.json", of_keys),
            signing_config_without_log=_written(folder / "without_log.json", empty),
        )


def trusted_root(
    *,
    logs: list[object],
    ct_logs: list[object],
    authorities: list[object],
    timestamps: list[object],
) -> dict[str, object]:
    return {
        "mediaType": f"{_MEDIA_TYPE}trustedroot+json;version=0.1",
        "tlogs": logs,
        "ctlogs": ct_logs,
        "certificateAuthorities": authorities,
        "timestampAuthorities": timestamps,
    }


def signing_config(
    *, fulcio: str, issuer: str, rekor: str, timestamps: str
) -> dict[str, object]:
    return {
        "mediaType": f"{_MEDIA_TYPE}signingconfig.v0.2+json",
        "caUrls": [_service(fulcio, 1)],
        "oidcUrls": [_service(issuer, 1)],
        "rekorTlogUrls": [_service(rekor, 2)],
        "rekorTlogConfig": {"selector": "ANY"},
        "tsaUrls": [_service(timestamps, 1)],
        "tsaConfig": {"selector": "ANY"},
    }


def log(url: str, key: HasPublic, *, details: str, log_id: bytes) -> dict[str, object]:
    return {
        "baseUrl": url,
        "hashAlgorithm": "SHA2_256",
        "logId": {"keyId": _base64(log_id)},
        "publicKey": {
            "rawBytes": _base64(spki(key)),
            "keyDetails": details,
            "validFor": _SINCE,
        },
    }


def authority(name: str, url: str, chain: list[x509.Certificate]) -> dict[str, object]:
    certificates = [
        {"rawBytes": _base64(each.public_bytes(serialization.Encoding.DER))}
        for each in chain
    ]
    return {
        "subject": {"organization": ORGANIZATION, "commonName": name},
        "uri": url,
        "validFor": _SINCE,
        "certChain": {"certificates": certificates},
    }


def note_log_id(origin: str, key: ed25519.Ed25519PrivateKey) -> bytes:
    """Return the id of a log that signs its checkpoints with Ed25519.

    C2SP signed-note: it depends on the log's name, not on the key alone.
    """
    raw = key.public_key().public_bytes_raw()
    return hashlib.sha256(origin.encode() + b"\n\x01" + raw).digest()


def _service(url: str, version: int) -> dict[str, object]:
    return {
        "url": url,
        "majorApiVersion": version,
        "validFor": _SINCE,
        "operator": ORGANIZATION,
    }


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _written(path: Path, document: Mapping[str, object]) -> Path:
    path.write_text(json.dumps(document, indent=1))
    return path
