"""A model, a registry, a faulty way between them, and a client to be tried."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, TypeVar

from modelpack.api import push
from modelpack.api.settings import Settings
from modelpack.disk.target.directory import PREFIX
from modelpack.oci.digest import Digest
from modelpack.serve.registry import RegistryServer
from modelpack.transfer.progress import Event
from tests.faults.faults import PATIENCE
from tests.faults.proxy import FaultProxy, Rule

E = TypeVar("E", bound=Event)

KIB = 1 << 10
MIB = 1 << 20
CHUNK = 256 * KIB
JOBS = 2
BIG = "weights/big.bin"
FILES: Mapping[str, int] = {BIG: 3 * MIB + 7, "other.bin": 2 * MIB + 1, "notes.txt": 99}

_DROP_CAPABILITIES = """
import ctypes, os, sys
for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP
os.execv(sys.executable, [sys.executable, "-m", "modelpack", *sys.argv[1:]])
"""


def make_model(folder: Path, sizes: Mapping[str, int] = FILES) -> Path:
    """Write files of random bytes, the same in each run."""
    for name, size in sizes.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(random.Random(name).randbytes(size))  # noqa: S311
    return folder


def content(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, by its path there."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if not path.is_dir()
    }


class Registry(Protocol):
    """What a scene knows of its registry."""

    @property
    def address(self) -> str: ...


@dataclass(slots=True)
class Finished:
    """How a program ended."""

    code: int
    out: str
    err: str

    @property
    def errors(self) -> list[str]:
        """Return the lines that say what failed: there has to be exactly one."""
        assert "Traceback" not in self.err, self.err
        return [line for line in self.err.splitlines() if line.startswith("error:")]


@dataclass(slots=True, kw_only=True)
class Scene:
    """One client before one registry, with a proxy in between."""

    folder: Path
    model: Path
    registry: Registry
    proxy: FaultProxy
    events: list[Event] = field(default_factory=list)

    @property
    def target(self) -> Path:
        return self.folder / "pulled" / "model"

    @property
    def reference(self) -> str:
        """Where the client finds the model: behind the proxy."""
        return f"{self.proxy.address}/team/model:1"

    @property
    def settings(self) -> Settings:
        """Return settings under which waiting takes no time."""
        return Settings(
            jobs=JOBS,
            chunk_size=CHUNK,
            cache=self.folder / "cache",
            state=self.folder / "state",
            first_wait=0.001,
        )

    def publish(self) -> None:
        """Bring the model into the registry, past the proxy."""
        settings = replace(self.settings, cache=None, state=None)
        push(self.model, f"{self.registry.address}/team/model:1", settings=settings)

    def hear(self, event: Event) -> None:
        """Take an event in: the listener of this scene's commands."""
        self.events.append(event)

    def heard(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def blob(self, name: str) -> str:
        """Return what the path of requests for a file's blob ends in."""
        return f"/blobs/{Digest.of((self.model / name).read_bytes())}"

    def rule(self, *rules: Rule) -> None:
        self.proxy.rule(*rules)

    def nothing_shows(self) -> bool:
        """Whether nothing stands beside the model's private folder of partial files."""
        parent = self.target.parent
        places = parent.iterdir() if parent.is_dir() else ()
        return all(place.name.startswith(PREFIX) for place in places)

    def delivered(self) -> bool:
        """Whether the model, and nothing else, stands under the target's name."""
        alone = list(self.target.parent.iterdir()) == [self.target]
        return alone and content(self.target) == content(self.model)

    def arrived(self) -> bool:
        """Whether the registry gives out the model as it is here."""
        from modelpack.api import pull

        copy = self.folder / "copy"
        plain = replace(self.settings, cache=None, state=None)
        pull(f"{self.registry.address}/team/model:1", copy, settings=plain)
        return content(copy) == content(self.model)

    def start(
        self, *arguments: str, limited: bool = False, **environment: str
    ) -> subprocess.Popen[str]:
        """Start the program; ``limited`` takes root's right to write anywhere."""
        program = ["-c", _DROP_CAPABILITIES] if limited else ["-m", "modelpack"]
        return subprocess.Popen(
            [sys.executable, *program, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment() | environment,
            cwd=Path(__file__).parents[2],
        )

    def run(
        self, *arguments: str, limited: bool = False, **environment: str
    ) -> Finished:
        """Run the program to its end."""
        return finish(self.start(*arguments, limited=limited, **environment))

    def _environment(self) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in ("PATH",)}
        return inherited | {
            "HOME": str(self.folder),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "XDG_STATE_HOME": str(self.folder / "state"),
        }


def finish(process: subprocess.Popen[str], within: float = PATIENCE) -> Finished:
    """Wait for a program's end; kill it if it does not come."""
    try:
        out, err = process.communicate(timeout=within)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"did not end within {within} s:\n{out}\n{err}") from None
    return Finished(process.returncode, out, err)


def end(process: subprocess.Popen[str], how: signal.Signals) -> Finished:
    """Send a signal, and wait for the end: 3 s are enough for Ctrl-C, too."""
    process.send_signal(how)
    return finish(process, within=3)


@contextmanager
def scene_in(
    folder: Path, sizes: Mapping[str, int] = FILES, *, host: str = "127.0.0.1"
) -> Iterator[Scene]:
    """Set up a scene, the registry still empty; it ends what it started."""
    model = make_model(folder / "model", sizes)
    with (
        RegistryServer() as registry,
        FaultProxy(registry.address, host=host) as proxy,
    ):
        yield Scene(folder=folder, model=model, registry=registry, proxy=proxy)
