"""How commands run, as one value: nothing below this reads the environment."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self
from urllib.request import getproxies

from modelpack.errors import InvalidInput
from modelpack.transfer.upload import CHUNK
from modelpack.version import __version__

_LAST_SECOND: Final = 253402300799  # of the year 9999


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Sizes are in bytes. ``jobs`` is how many streams; None adapts to the link.

    ``docker_configs`` hold the logins used where no ``username`` is given.
    ``cache`` holds digests, ``state`` what is needed to resume a push; without
    one the command does without. ``epoch`` is a creation time in seconds since
    1970, or None for none (then the same input gives the same digest).
    ``admission`` is a file that says which policies guard which references, and
    ``local_admission`` one that can only add to it (docs/policies.md).
    ``environment`` holds variables in which a CI system says what it builds.
    What fails in passing is tried ``tries`` times, ``first_wait`` seconds after
    the first failure and twice as long after each further one.
    """

    jobs: int | None = None
    chunk_size: int = CHUNK
    plain_http: bool = False
    ca_file: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    username: str = ""
    password: str = field(default="", repr=False)
    docker_configs: tuple[Path, ...] = ()
    proxies: Mapping[str, str] = field(default_factory=dict)
    cache: Path | None = None
    state: Path | None = None
    epoch: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    admission: Path | None = None
    local_admission: Path | None = None
    tries: int = 5
    first_wait: float = 0.25

    @classmethod
    def from_environment(cls) -> Self:
        """Return what this user's environment asks for.

        Read are the proxy variables (``HTTPS_PROXY``, ``NO_PROXY``, …),
        ``SSL_CERT_FILE``, ``SOURCE_DATE_EPOCH``, and the variables that move the
        cache and state folders (``XDG_CACHE_HOME``, ``XDG_STATE_HOME``) and
        docker's configuration (``DOCKER_CONFIG``), and ``MODELPACK_ADMISSION``.
        """
        import platformdirs

        named = os.environ.get("MODELPACK_ADMISSION")
        own = platformdirs.user_config_path("modelpack") / "admission.toml"
        return cls(
            proxies=getproxies(),
            cache=platformdirs.user_cache_path("modelpack"),
            state=platformdirs.user_state_path("modelpack"),
            docker_configs=(docker_config(),),
            environment=dict(os.environ),
            # One that is named has to be there.
            admission=Path(named) if named else _if_there(own),
            local_admission=_if_there(Path(".modelpack-admission.toml")),
            epoch=_epoch(os.environ.get("SOURCE_DATE_EPOCH", "")),
        )

    @property
    def guarded(self) -> bool:
        """Whether a configuration says which policies guard what."""
        return self.admission is not None or self.local_admission is not None

    @property
    def created(self) -> str:
        """The creation time that documents carry, in RFC 3339; empty for none."""
        return "" if self.epoch is None else _rfc3339(self.epoch)

    def now(self) -> str:
        """Return the time to sign with, in RFC 3339: this moment, unless set."""
        return self.created or _rfc3339(time.time())


def _if_there(path: Path) -> Path | None:
    """Return a file that is there, or of which nobody may know whether it is."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return path  # whoever reads it says what is the matter
    return path


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def docker_config() -> Path:
    """Return docker's configuration file, as docker itself looks for it."""
    folder = os.environ.get("DOCKER_CONFIG")
    return (Path(folder) if folder else Path.home() / ".docker") / "config.json"


def _epoch(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) <= _LAST_SECOND):
        raise InvalidInput(
            f"{text[:40]!r} is not a number of seconds since 1970",
            where="SOURCE_DATE_EPOCH",
        )
    return int(text)


def user_agent() -> str:
    """Name the program and its version, and nothing of this machine."""
    return f"modelpack/{__version__}"
