"""Who builds here, and from which commit: as the environment tells it.

GitHub Actions, GitLab CI, Jenkins and Tekton; elsewhere git, and this user's word.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from modelpack.attestation.provenance import Builder, Dependency
from modelpack.errors import InvalidInput
from modelpack.oci.public_url import public_url

LOCAL: Final = "urn:modelpack:provenance:builder:local:v1"
_GIT_SECONDS: Final = 20


def builder(environment: Mapping[str, str], folder: Path) -> Builder:
    """Return what a CI system's variables say, or else what git says.

    ``folder`` is where the source is. Raises ``InvalidInput`` where there is a
    repository whose files differ from its commit: what was built is not it.
    """
    known = {
        "GITHUB_ACTIONS": _github,
        "GITLAB_CI": _gitlab,
        "JENKINS_URL": _jenkins,
        "TEKTON_PIPELINE_RUN": _tekton,
    }
    for variable, read in known.items():
        if environment.get(variable):
            return read(environment)
    return Builder(id=LOCAL, source=_git(folder))


def _github(environment: Mapping[str, str]) -> Builder:
    # The names are GitHub's: "Variables reference", default environment variables.
    server = _address(environment, "GITHUB_SERVER_URL")
    repository = f"{server}/{_wanted(environment, 'GITHUB_REPOSITORY')}"
    run = _wanted(environment, "GITHUB_RUN_ID")
    attempt = environment.get("GITHUB_RUN_ATTEMPT", "1")
    runner = environment.get("RUNNER_ENVIRONMENT", "unknown")
    return Builder(
        id=f"{server}/actions/runner/{runner}",
        invocation=f"{repository}/actions/runs/{run}/attempts/{attempt}",
        source=Dependency.source(
            f"{repository}@{environment.get('GITHUB_REF', '')}".rstrip("@"),
            _wanted(environment, "GITHUB_SHA"),
        ),
        workflow={
            "repository": repository,
            "ref": environment.get("GITHUB_REF", ""),
            "path": environment.get("GITHUB_WORKFLOW_REF", ""),
        },
    )


def _gitlab(environment: Mapping[str, str]) -> Builder:
    # GitLab: "Predefined CI/CD variables reference".
    project = _address(environment, "CI_PROJECT_URL")
    return Builder(
        id=f"{project}/-/runners/{environment.get('CI_RUNNER_ID', 'unknown')}",
        invocation=_address(environment, "CI_JOB_URL"),
        source=Dependency.source(project, _wanted(environment, "CI_COMMIT_SHA")),
        workflow={
            "repository": project,
            "ref": environment.get("CI_COMMIT_REF_NAME", ""),
            "path": environment.get("CI_CONFIG_PATH", ""),
        },
    )


def _jenkins(environment: Mapping[str, str]) -> Builder:
    # Jenkins: "Using environment variables"; GIT_* come from its git plugin.
    source = None
    if environment.get("GIT_URL"):
        source = Dependency.source(
            _address(environment, "GIT_URL"), _wanted(environment, "GIT_COMMIT")
        )
    return Builder(
        id=_address(environment, "JENKINS_URL"),
        invocation=_address(environment, "BUILD_URL"),
        source=source,
        workflow={"path": environment.get("JOB_NAME", "")},
    )


def _tekton(environment: Mapping[str, str]) -> Builder:
    # Tekton sets none by itself; a pipeline passes its context variables on.
    run = _wanted(environment, "TEKTON_PIPELINE_RUN")
    source = None
    if environment.get("GIT_URL"):
        source = Dependency.source(
            _address(environment, "GIT_URL"), _wanted(environment, "GIT_COMMIT")
        )
    return Builder(
        id="https://tekton.dev/pipelines",
        invocation=run,
        source=source,
        workflow={"path": environment.get("TEKTON_PIPELINE", "")},
    )


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


def _address(environment: Mapping[str, str], name: str) -> str:
    return public_url(_wanted(environment, name), name)


def _wanted(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name)
    if not value:
        raise InvalidInput("is not set, though this looks like its CI", where=name)
    return value
