"""Keep credentials where docker keeps them, so that every tool finds them."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Final

from modelpack.errors import InvalidInput, LocalError
from modelpack.oci.fields import Fields
from modelpack.registry.helper import Helper

_MAX_CONFIG: Final = 1 << 20


def store(config: Path, host: str, username: str, password: str) -> str:
    """Keep a login for ``host``; return where it went.

    A credential helper that the config names gets it; else it goes into the
    config itself, readable by this user alone.
    """
    document = read(config)
    helper = Helper.of(document, host)
    if helper is not None:
        helper.store(host, username, password)
        return helper.program
    auth = base64.b64encode(f"{username}:{password}".encode()).decode()
    auths = document.setdefault("auths", {})
    if not isinstance(auths, dict):
        raise InvalidInput("expected an object", where=f"{config}: auths")
    auths[host] = {"auth": auth}
    _write(config, document)
    return str(config)


def erase(config: Path, host: str) -> bool:
    """Forget the login for ``host``; False if there was none."""
    document = read(config)
    helper = Helper.of(document, host)
    if helper is not None:
        helper.erase(host)
        return True
    auths = document.get("auths")
    if not isinstance(auths, dict) or host not in auths:
        return False
    del auths[host]
    _write(config, document)
    return True


def read(config: Path) -> dict[str, object]:
    """Read docker's configuration; empty where there is none."""
    try:
        raw = config.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise LocalError(error.strerror or str(error), where=str(config)) from error
    fields = Fields.of_json(raw[:_MAX_CONFIG], where=str(config))
    return {key: fields.get(key) for key in fields}


def _write(config: Path, document: dict[str, object]) -> None:
    new = config.with_name(f"{config.name}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        config.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(new, flags, 0o600), "w", encoding="utf-8") as file:
            json.dump(document, file, indent="\t")
        new.replace(config.resolve())
    except OSError as error:
        raise LocalError(error.strerror or str(error), where=str(config)) from error
