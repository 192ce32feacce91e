"""A user's machine: a home of its own, and the programs that are run there."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from tests.interop.peers import program

_PATIENCE = 120.0  # seconds, on a machine that is busy with other tests


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a program ended, and what it printed."""

    code: int
    out: bytes
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.decode().splitlines()


@dataclass(frozen=True, slots=True)
class Desk:
    """Nothing of the real user's settings reaches what runs here."""

    home: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def told(self, **variables: str) -> Self:
        """Return the same desk with more in its environment."""
        return replace(self, variables={**self.variables, **variables})

    @property
    def docker_config(self) -> Path:
        """Where `DOCKER_CONFIG` says, which is not where docker looks without it."""
        return self.home / "docker" / "config.json"

    @property
    def programs(self) -> Path:
        """A folder that comes first in the search path."""
        return self.home / "bin"

    def peer(self, name: str, *arguments: str | Path) -> Ran:
        """Run a peer, which has to succeed."""
        ran = self.try_peer(name, *arguments)
        assert ran.code == 0, f"{name} {arguments}: {ran.err}"
        return ran

    def try_peer(self, name: str, *arguments: str | Path) -> Ran:
        """Run a peer that may fail."""
        return self._run([program(name), *arguments])

    def modelpack(self, *arguments: str | Path, typed: str = "") -> Ran:
        """Run modelpack, which has to succeed; `typed` is its standard input."""
        ran = self.try_modelpack(*arguments, typed=typed)
        assert ran.code == 0, f"modelpack {arguments}: {ran.err}"
        return ran

    def try_modelpack(self, *arguments: str | Path, typed: str = "") -> Ran:
        """Run modelpack, which may fail, but not by a fault of its own."""
        ran = self._run([sys.executable, "-m", "modelpack", *arguments], typed)
        assert ran.code != 1, ran.err
        assert "Traceback" not in ran.err
        return ran

    def _run(self, command: list[str | Path], typed: str = "") -> Ran:
        done = subprocess.run(
            command,
            cwd=self.home,
            env={
                "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(self.home),
                "DOCKER_CONFIG": str(self.docker_config.parent),
                "LC_ALL": "C.UTF-8",
                **self.variables,
            },
            input=typed.encode(),
            check=False,
            capture_output=True,
            timeout=_PATIENCE,
        )
        return Ran(code=done.returncode, out=done.stdout, err=done.stderr.decode())
