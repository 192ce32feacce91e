"""Which Sigstore is trusted, and which signs: the public one, or that of some files.

Files are read as Go's programs write them: zero values and empty lists left out, which
sigstore-python's models do not take.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from modelpack.errors import InvalidInput, RegistryError
from modelpack.oci.strict_json import strict_json

if TYPE_CHECKING:
    from sigstore.models import ClientTrustConfig

_CONFIG: Final = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
_NOBODY: Final = {
    "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
    "caUrls": [],
    "oidcUrls": [],
    "rekorTlogUrls": [],
    "rekorTlogConfig": {"selector": "ANY"},
    "tsaUrls": [],
    "tsaConfig": {"selector": "ANY"},
}


def private_instance(
    *,
    config: bytes | None = None,
    trusted_root: bytes | None = None,
    signing_config: bytes | None = None,
) -> ClientTrustConfig:
    """Return the trust that files describe: one for both, or one for each.

    A trusted root alone is enough to verify, and no network is asked then.
    """
    if config is not None:
        if trusted_root is not None or signing_config is not None:
            raise InvalidInput(
                "--trust-config holds both a trusted root and a signing config"
            )
        document = _object(config, "trust config")
        root = _member(document, "trustedRoot")
        services = _member(document, "signingConfig")
    else:
        if trusted_root is None:
            raise InvalidInput("a signing config needs its --trusted-root")
        root = _object(trusted_root, "trusted root")
        services = _NOBODY
        if signing_config is not None:
            services = _object(signing_config, "signing config")
    return _parsed({"trustedRoot": _complete(root), "signingConfig": services})


def public_instance() -> ClientTrustConfig:
    """Return the public Sigstore's trust; its keys are fetched by TUF."""
    from sigstore.models import ClientTrustConfig

    try:
        return ClientTrustConfig.production()
    except Exception as error:
        raise RegistryError(
            f"its trusted root cannot be fetched: {error}",
            where="the public Sigstore",
            hint="--trusted-root FILE needs no network",
        ) from error


def _parsed(document: Mapping[str, object]) -> ClientTrustConfig:
    from sigstore.models import ClientTrustConfig

    try:
        trust = ClientTrustConfig.from_json(
            json.dumps({"mediaType": _CONFIG, **document})
        )
        # Looked at now, so that what is wrong with it is said before anything else.
        trust.trusted_root.get_fulcio_certs()
    except Exception as error:
        said = " ".join(str(error).split())[:500]
        raise InvalidInput(said, where="the Sigstore that is to be trusted") from error
    return trust


def _object(raw: bytes, what: str) -> Mapping[str, object]:
    value = strict_json(raw, where=what)
    if not isinstance(value, dict):
        raise InvalidInput("is not an object", where=what)
    return value


def _member(document: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = document.get(key)
    if not isinstance(value, dict):
        raise InvalidInput("is missing", where=f"trust config.{key}")
    return value


def _complete(root: Mapping[str, object]) -> Mapping[str, object]:
    """Put in what protocol buffers leave out when it is empty."""
    whole = dict(root)
    for key in ("tlogs", "ctlogs", "certificateAuthorities", "timestampAuthorities"):
        whole[key] = [
            _named(entry, key) for entry in _list(whole.get(key)) if entry is not None
        ]
    return whole


def _named(entry: object, key: str) -> object:
    if not isinstance(entry, dict):
        return entry
    if key in ("tlogs", "ctlogs"):
        return {"baseUrl": "", **entry}
    subject = entry.get("subject")
    if not isinstance(subject, dict):
        subject = {}
    return {**entry, "subject": {"organization": "", "commonName": "", **subject}}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
