"""Provenance of CI jobs: as each system documents its variables, and when they lie."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from modelpack.api import Settings, read_provenance
from modelpack.errors import InvalidInput

COMMIT = "ffac537e6cbbf934b08745a378932722df287a53"
# docs.github.com, "Variables reference": names and examples.
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "octocat/Hello-World",
    "GITHUB_REPOSITORY_ID": "123456789",
    "GITHUB_REPOSITORY_OWNER_ID": "1234567",
    "GITHUB_REF": "refs/heads/feature-branch-1",
    "GITHUB_SHA": COMMIT,
    "GITHUB_RUN_ID": "1658821493",
    "GITHUB_RUN_ATTEMPT": "3",
    "GITHUB_EVENT_NAME": "workflow_dispatch",
    "GITHUB_WORKFLOW_REF": (
        "octocat/Hello-World/.github/workflows/my-workflow.yml@refs/heads/my_branch"
    ),
    "RUNNER_ENVIRONMENT": "github-hosted",
}
# docs.gitlab.com, "Predefined CI/CD variables reference", and what a job shows.
GITLAB = {
    "GITLAB_CI": "true",
    "CI_PROJECT_URL": "https://gitlab.com/gitlab-org/gitlab",
    "CI_RUNNER_ID": "12270837",
    "CI_JOB_URL": "https://gitlab.com/gitlab-org/gitlab/-/jobs/1301",
    "CI_JOB_NAME": "train: [a100]",
    "CI_JOB_STARTED_AT": "2026-11-26T11:24:26+01:00",
    "CI_JOB_IMAGE": "registry.example.com/train:1",
    "CI_COMMIT_SHA": COMMIT,
    "CI_COMMIT_REF_NAME": "main",
    "CI_CONFIG_PATH": ".gitlab-ci.yml",
    "CI_PIPELINE_SOURCE": "push",
}
# jenkins.io, "Using environment variables"; plugins.jenkins.io/git.
JENKINS = {
    "JENKINS_HOME": "/var/jenkins_home",
    "JENKINS_URL": "https://jenkins.example.com/jenkins/",
    "BUILD_URL": "https://jenkins.example.com/jenkins/job/Train/17/",
    "JOB_NAME": "Train/main",
    "NODE_NAME": "gpu-1",
    "GIT_URL": "git@git.example.com:team/models.git",
    "GIT_COMMIT": COMMIT,
    "GIT_BRANCH": "origin/main",
}
# tekton.dev, "Variable substitutions": what a pipeline passes on.
TEKTON = {
    "TEKTON_PIPELINE_RUN": "train-run-x7k2p",
    "TEKTON_PIPELINE": "train",
    "TEKTON_NAMESPACE": "models",
    "TEKTON_PIPELINE_RUN_UID": "0f0b4b3c-7a2d-4b0f-8c4e-1f2a3b4c5d6e",
    "GIT_URL": "https://git.example.com/team/models.git",
    "GIT_COMMIT": COMMIT,
}
SYSTEMS = {"GitHub": GITHUB, "GitLab": GITLAB, "Jenkins": JENKINS, "Tekton": TEKTON}
SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "provenance.json"


def said(folder: Path, environment: Mapping[str, str], **more: Any) -> dict[str, Any]:  # noqa: ANN401
    settings = Settings(environment=environment, epoch=1_800_000_000)
    predicate = dict(read_provenance(folder, settings=settings, **more))
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(predicate)
    return predicate


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "train.py").write_text("pass\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "Train")
    return tmp_path


def test_github_says_what_its_own_build_type_says(tmp_path: Path) -> None:
    """slsa-framework.github.io/github-actions-buildtypes/workflow/v1."""
    predicate = said(tmp_path, GITHUB)
    assert predicate == {
        "buildDefinition": {
            "buildType": "urn:modelpack:provenance:training:v1",
            "externalParameters": {
                "workflow": {
                    "repository": "https://github.com/octocat/Hello-World",
                    "ref": "refs/heads/feature-branch-1",
                    "path": ".github/workflows/my-workflow.yml",
                }
            },
            "internalParameters": {
                "event": "workflow_dispatch",
                "repositoryId": "123456789",
                "repositoryOwnerId": "1234567",
                "runnerEnvironment": "github-hosted",
            },
            "resolvedDependencies": [
                {
                    "name": "source",
                    "uri": "git+https://github.com/octocat/Hello-World"
                    "@refs/heads/feature-branch-1",
                    "digest": {"gitCommit": COMMIT},
                }
            ],
        },
        "runDetails": {
            "builder": {"id": "https://github.com/actions/runner/github-hosted"},
            "metadata": {
                "invocationId": "https://github.com/octocat/Hello-World"
                "/actions/runs/1658821493/attempts/3",
                "finishedOn": "2027-01-15T08:00:00Z",
            },
        },
    }


def test_gitlab_names_its_runner_and_its_job(tmp_path: Path) -> None:
    predicate = said(tmp_path, GITLAB)
    project = "https://gitlab.com/gitlab-org/gitlab"
    assert predicate["runDetails"] == {
        "builder": {"id": f"{project}/-/runners/12270837"},
        "metadata": {
            "invocationId": f"{project}/-/jobs/1301",
            "startedOn": "2026-11-26T11:24:26+01:00",
            "finishedOn": "2027-01-15T08:00:00Z",
        },
    }
    assert predicate["buildDefinition"]["externalParameters"] == {
        "workflow": {
            "repository": project,
            "ref": "main",
            "path": ".gitlab-ci.yml",
            "job": "train: [a100]",
        }
    }
    (source,) = predicate["buildDefinition"]["resolvedDependencies"]
    assert source["uri"] == f"git+{project}"
    assert source["digest"] == {"gitCommit": COMMIT}


def test_jenkins_names_its_build(tmp_path: Path) -> None:
    predicate = said(tmp_path, JENKINS)
    details = predicate["runDetails"]
    assert details["builder"]["id"] == "https://jenkins.example.com/jenkins/"
    assert details["metadata"]["invocationId"].endswith("/job/Train/17/")
    (source,) = predicate["buildDefinition"]["resolvedDependencies"]
    assert source["uri"] == "git+git@git.example.com:team/models.git"


def test_tekton_names_its_run(tmp_path: Path) -> None:
    predicate = said(tmp_path, TEKTON)
    metadata = predicate["runDetails"]["metadata"]
    assert metadata["invocationId"] == "models/train-run-x7k2p"
    internal = predicate["buildDefinition"]["internalParameters"]
    assert internal == {"uid": "0f0b4b3c-7a2d-4b0f-8c4e-1f2a3b4c5d6e"}


@pytest.mark.parametrize("system", ["Jenkins", "Tekton"])
def test_where_the_system_names_no_source_git_does(checkout: Path, system: str) -> None:
    job = {k: v for k, v in SYSTEMS[system].items() if not k.startswith("GIT_")}
    predicate = said(checkout, job)
    (source,) = predicate["buildDefinition"]["resolvedDependencies"]
    assert source["digest"] == {"gitCommit": git(checkout, "rev-parse", "HEAD")}


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_commit_that_is_not_the_one_checked_out_is_refused(
    checkout: Path, system: str
) -> None:
    with pytest.raises(InvalidInput, match=f"the CI system says {COMMIT[:12]}"):
        said(checkout, SYSTEMS[system])
    head = git(checkout, "rev-parse", "HEAD")
    right = {k: head if v == COMMIT else v for k, v in SYSTEMS[system].items()}
    assert head in str(said(checkout, right))
    (checkout / "train.py").write_text("print()\n")
    with pytest.raises(InvalidInput, match="differ from its commit"):
        said(checkout, right)


NEEDED = {
    "GitHub": ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_SHA"),
    "GitLab": ("CI_PROJECT_URL", "CI_JOB_URL", "CI_COMMIT_SHA"),
    "Jenkins": ("JENKINS_URL", "BUILD_URL", "GIT_COMMIT"),
    "Tekton": ("GIT_COMMIT",),
}


@pytest.mark.parametrize(
    ("system", "variable"), [(s, v) for s, names in NEEDED.items() for v in names]
)
def test_what_is_missing_is_named(tmp_path: Path, system: str, variable: str) -> None:
    job = {k: v for k, v in SYSTEMS[system].items() if k != variable}
    with pytest.raises(InvalidInput, match=f"{variable}: is not set"):
        said(tmp_path, job)


HOSTILE = {
    "a line break": "a\nrunner",
    "a control character": "a\x1b[2Jb",
    "a direction": "a\u202eb",
    "a megabyte": "a" * (1 << 20),
    "half a character": "\udcff",
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_variable_carries_more_than_a_line_of_text(
    tmp_path: Path, value: str
) -> None:
    switches = ("GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_HOME")
    for job in SYSTEMS.values():
        for variable in job.keys() - switches:
            with pytest.raises(InvalidInput) as caught:
                said(tmp_path, {**job, variable: value})
            assert len(str(caught.value)) < 500
            assert "\n" not in str(caught.value)


WRONG = {
    "a branch for a commit": ("GITHUB_SHA", "main"),
    "half a commit": ("GITHUB_SHA", COMMIT[:12]),
    "another repository's path": ("GITHUB_REPOSITORY", "octocat/../../evil"),
    "a run that is none": ("GITHUB_RUN_ID", "1?x=2"),
    "a ref that is none": ("GITHUB_REF", "main"),
    "a workflow that is none": ("GITHUB_WORKFLOW_REF", "../my.yml"),
    "a server with a login that cannot be told": (
        "GITHUB_SERVER_URL",
        "https://user:pass/word@github.com",
    ),
}


@pytest.mark.parametrize(("variable", "value"), WRONG.values(), ids=WRONG.keys())
def test_what_is_not_of_the_documented_form_is_refused(
    tmp_path: Path, variable: str, value: str
) -> None:
    with pytest.raises(InvalidInput):
        said(tmp_path, {**GITHUB, variable: value})


@pytest.mark.parametrize("when", ["yesterday", "2026-11-26T11:24:26"])
def test_a_time_that_is_none_is_refused(tmp_path: Path, when: str) -> None:
    with pytest.raises(InvalidInput, match="CI_JOB_STARTED_AT"):
        said(tmp_path, {**GITLAB, "CI_JOB_STARTED_AT": when})


def test_no_login_is_published(tmp_path: Path) -> None:
    secret = "https://gitlab-ci-token:glpat-SECRET@gitlab.com/a/b"
    jobs: list[dict[str, str]] = [
        {**GITLAB, "CI_PROJECT_URL": secret, "CI_JOB_URL": f"{secret}/-/jobs/1"},
        {**JENKINS, "GIT_URL": secret, "BUILD_URL": f"{secret}?token=SECRET"},
        {**TEKTON, "GIT_URL": secret},
        {**GITHUB, "GITHUB_SERVER_URL": "https://x:SECRET@github.com"},
    ]
    for job in jobs:
        assert "SECRET" not in json.dumps(said(tmp_path, job))


SIGNED = {
    "a password": "https://user:SECRET@example.com/data",
    "an address that S3 signed": "https://b.s3.example.com/d?X-Amz-Signature=SECRET",
    "an address that Azure signed": "https://a.example.com/d?sv=1&sig=SECRET",
    "a token": "https://example.com/d?token=SECRET",
}


@pytest.mark.parametrize("uri", SIGNED.values(), ids=SIGNED.keys())
def test_a_data_set_is_not_named_with_a_secret(tmp_path: Path, uri: str) -> None:
    given = {"dataset": [f"{uri}@sha256:{'a' * 64}"]}
    with pytest.raises(InvalidInput, match="would be published") as caught:
        said(tmp_path, {}, dependencies=given)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    "uri",
    [
        "pkg:huggingface/acme/data@c0ffee?repository_url=https://hub.example.com",
        "registry.example.com/base",
        "s3://bucket/data?versionId=3",
        "ssh://git@example.com/data",
    ],
)
def test_a_data_set_keeps_its_address(tmp_path: Path, uri: str) -> None:
    given = {"dataset": [f"{uri}@sha256:{'a' * 64}"]}
    predicate = said(tmp_path, {}, dependencies=given, parameters={"lr": "0.1"})
    (found,) = predicate["buildDefinition"]["resolvedDependencies"]
    assert found == {"name": "dataset", "uri": uri, "digest": {"sha256": "a" * 64}}
    assert predicate["buildDefinition"]["externalParameters"] == {
        "parameters": {"lr": "0.1"}
    }
