"""Who builds here, and from which commit: as the CI system says, and git."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from modelpack.api.build_systems import builder_of_job
from modelpack.attestation.provenance import Builder, Dependency
from modelpack.errors import InvalidInput
from modelpack.oci.public_url import public_url

LOCAL: Final = "urn:modelpack:provenance:builder:local:v1"
_GIT_SECONDS: Final = 20


def builder(environment: Mapping[str, str], folder: Path) -> Builder:
    """Return what a CI system's variables say, or else what git says.

    ``folder`` is where the source is. Raises ``InvalidInput`` where there is a
    repository whose files differ from its commit, or whose commit is not the one that
    the CI system names: what was built is not it.
    """
    found = _git(folder)
    job = builder_of_job(environment)
    if job is None:
        return Builder(id=LOCAL, source=found)
    if job.source is None:
        return replace(job, source=found)
    if found is not None and found.digest != job.source.digest:
        raise InvalidInput(
            f"is at commit {found.digest['gitCommit'][:12]}, and the CI system says "
            f"{job.source.digest['gitCommit'][:12]}",
            where=str(folder),
            hint="--source DIR is where the source is that it was made from",
        )
    return job


def _git(folder: Path) -> Dependency | None:
    """Return the commit that ``folder`` is at; None where there is no repository."""
    if _run(folder, "rev-parse", "--is-inside-work-tree") is None:
        return None
    commit = _run(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    changes = _run(
        folder,
        *("status", "--porcelain", "--untracked-files=no"),
        "--ignore-submodules=dirty",  # whose configuration is another one
        settings=_without_own_filters(folder),
    )
    if changes is None:
        raise InvalidInput("git cannot tell whether it is changed", where=str(folder))
    if changes:
        raise InvalidInput(
            f"its files differ from its commit {commit[:12]}",
            where=str(folder),
            hint="commit them first: provenance has to name what it was made from",
        )
    origin = _run(folder, "config", "--get", "remote.origin.url")
    return Dependency.source(public_url(origin or "local", "remote.origin.url"), commit)


# A repository's own configuration can name programs to run. Those are taken out, and
# what git runs for its user all the same gets no password and no token of ours.
_HARMLESS: Final = {"core.fsmonitor": "false", "core.hooksPath": "/dev/null"}
_OWN_SCOPES: Final = frozenset({"local", "worktree"})
_PASSED: Final = ("PATH", "HOME", "LANG", "TMPDIR", "XDG_CONFIG_HOME")


def _without_own_filters(folder: Path) -> Mapping[str, str]:
    """Return settings that empty each filter which the repository itself defines.

    The user's own, such as Git LFS, stay as they are.
    """
    asked = ("--show-scope", "--name-only", "--null", "--get-regexp", r"^filter\.")
    words = (_run(folder, "config", *asked) or "").split("\0")
    return {
        name: ""
        for scope, name in zip(words[::2], words[1::2], strict=False)
        if scope in _OWN_SCOPES and name.endswith((".clean", ".smudge", ".process"))
    }


def _run(
    folder: Path, *arguments: str, settings: Mapping[str, str] | None = None
) -> str | None:
    configured = {**_HARMLESS, **(settings or {})}
    # In the environment, where a name may hold an equals sign.
    given = {"GIT_CONFIG_COUNT": str(len(configured))}
    for index, (name, value) in enumerate(configured.items()):
        given |= {f"GIT_CONFIG_KEY_{index}": name, f"GIT_CONFIG_VALUE_{index}": value}
    try:
        done = subprocess.run(  # noqa: S603 - arguments of ours
            ["git", "-C", str(folder), *arguments],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
            timeout=_GIT_SECONDS,
            stdin=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _PASSED if name in os.environ}
            | given,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
