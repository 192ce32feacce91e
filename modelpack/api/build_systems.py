"""What build systems say of themselves in the variables of a job.

GitHub Actions, GitLab CI, Jenkins and Tekton. All of it is a claim of whoever sets the
variables: what is not of the form that the system documents is refused, not passed on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from modelpack.attestation.provenance import Builder, Dependency
from modelpack.errors import InvalidInput
from modelpack.oci.public_url import public_url

__all__ = ["builder_of_job"]

_LONGEST: Final = 1024
_REPOSITORY: Final = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,20}", re.ASCII)
_REF: Final = re.compile(r"refs/[!-~]+", re.ASCII)
# OWNER/REPOSITORY/PATH@REF; the path is the workflow's file.
_WORKFLOW: Final = re.compile(r"[\w.-]+/[\w.-]+/(?P<path>[!-~]+)@refs/[!-~]+", re.ASCII)


def builder_of_job(environment: Mapping[str, str]) -> Builder | None:
    """Return who builds, where the variables are those of a job; None elsewhere."""
    job = _Job(environment)
    for variable, read in _SYSTEMS.items():
        if environment.get(variable):
            return read(job)
    return None


@dataclass(frozen=True, slots=True)
class _Job:
    """The variables, each as printable text of one line."""

    environment: Mapping[str, str]

    def maybe(self, name: str, form: re.Pattern[str] | None = None) -> str:
        """Return a variable that may be missing, then as ""."""
        value = self.environment.get(name, "")
        if not value:
            return ""
        if len(value) > _LONGEST or not value.isprintable():
            raise InvalidInput("is not a line of text", where=name)
        if form is not None and not form.fullmatch(value):
            raise InvalidInput(f"{value[:80]!r} is not what it should be", where=name)
        return value

    def wanted(self, name: str, form: re.Pattern[str] | None = None) -> str:
        value = self.maybe(name, form)
        if not value:
            raise InvalidInput("is not set, though this looks like its CI", where=name)
        return value

    def address(self, name: str) -> str:
        """Return a URL without what could be a login."""
        return public_url(self.wanted(name), name)

    def git_source(self) -> Dependency | None:
        """Return what ``GIT_URL`` and ``GIT_COMMIT`` say; None where they do not."""
        if not self.maybe("GIT_URL"):
            return None
        return Dependency.source(self.address("GIT_URL"), self.wanted("GIT_COMMIT"))


def _github(job: _Job) -> Builder:
    # GitHub, "Variables reference"; the fields are those of its build type for SLSA
    # (actions.github.io/buildtypes/workflow/v1).
    server = job.address("GITHUB_SERVER_URL")
    repository = f"{server}/{job.wanted('GITHUB_REPOSITORY', _REPOSITORY)}"
    run = job.wanted("GITHUB_RUN_ID", _NUMBER)
    attempt = job.maybe("GITHUB_RUN_ATTEMPT", _NUMBER) or "1"
    runner = job.maybe("RUNNER_ENVIRONMENT") or "unknown"
    ref = job.maybe("GITHUB_REF", _REF)
    workflow = _WORKFLOW.fullmatch(job.maybe("GITHUB_WORKFLOW_REF", _WORKFLOW))
    return Builder(
        id=f"{server}/actions/runner/{runner}",
        invocation=f"{repository}/actions/runs/{run}/attempts/{attempt}",
        source=Dependency.source(
            f"{repository}@{ref}".rstrip("@"), job.wanted("GITHUB_SHA")
        ),
        workflow={
            "repository": repository,
            "ref": ref,
            "path": workflow["path"] if workflow else "",
        },
        internal={
            "event": job.maybe("GITHUB_EVENT_NAME"),
            "repositoryId": job.maybe("GITHUB_REPOSITORY_ID", _NUMBER),
            "repositoryOwnerId": job.maybe("GITHUB_REPOSITORY_OWNER_ID", _NUMBER),
            "runnerEnvironment": runner,
        },
    )


def _gitlab(job: _Job) -> Builder:
    # GitLab, "Predefined CI/CD variables reference"; the builder's id is the one of
    # its own provenance ("SLSA provenance specification").
    project = job.address("CI_PROJECT_URL")
    runner = job.maybe("CI_RUNNER_ID", _NUMBER) or "unknown"
    return Builder(
        id=f"{project}/-/runners/{runner}",
        invocation=job.address("CI_JOB_URL"),
        started=_time(job, "CI_JOB_STARTED_AT"),
        source=Dependency.source(project, job.wanted("CI_COMMIT_SHA")),
        workflow={
            "repository": project,
            "ref": job.maybe("CI_COMMIT_REF_NAME"),
            "path": job.maybe("CI_CONFIG_PATH"),
            "job": job.maybe("CI_JOB_NAME"),
        },
        internal={
            "event": job.maybe("CI_PIPELINE_SOURCE"),
            "image": job.maybe("CI_JOB_IMAGE"),
        },
    )


def _jenkins(job: _Job) -> Builder:
    # Jenkins, "Using environment variables"; GIT_* come from its git plugin. It sets
    # JENKINS_URL and BUILD_URL only where its own address is configured.
    return Builder(
        id=job.address("JENKINS_URL"),
        invocation=job.address("BUILD_URL"),
        source=job.git_source(),
        workflow={"path": job.maybe("JOB_NAME"), "ref": job.maybe("GIT_BRANCH")},
        internal={"node": job.maybe("NODE_NAME")},
    )


def _tekton(job: _Job) -> Builder:
    # Tekton sets none by itself: a pipeline passes $(context.pipelineRun.name) and the
    # like on, and what its git-clone task found.
    run = job.wanted("TEKTON_PIPELINE_RUN")
    namespace = job.maybe("TEKTON_NAMESPACE")
    return Builder(
        id="https://tekton.dev/pipelines",
        invocation=f"{namespace}/{run}".lstrip("/"),
        source=job.git_source(),
        workflow={"path": job.maybe("TEKTON_PIPELINE")},
        internal={"uid": job.maybe("TEKTON_PIPELINE_RUN_UID")},
    )


_SYSTEMS: Final[Mapping[str, Callable[[_Job], Builder]]] = {
    "GITHUB_ACTIONS": _github,
    "GITLAB_CI": _gitlab,
    "JENKINS_URL": _jenkins,
    "JENKINS_HOME": _jenkins,
    "TEKTON_PIPELINE_RUN": _tekton,
}
"""Each system by a variable that it sets in every job."""


def _time(job: _Job, name: str) -> str:
    value = job.maybe(name)
    if not value:
        return ""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise InvalidInput("is not a time", where=name) from error
    if moment.tzinfo is None:
        raise InvalidInput("names no time zone", where=name)
    return moment.isoformat()
