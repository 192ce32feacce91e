"""templates/release.yml does what it says, with a key and with the job's identity."""

import modelpack
from modelpack.api import Sigstore, believe_identity, believe_keys, generate_key
from tests.ci.conftest import Site
from tests.ci.gitlab import Job, run_component

IDENTITY = "https://gitlab.com/team/models//.gitlab-ci.yml@refs/heads/main"
# "Predefined CI/CD variables reference".
JOB = {
    "GITLAB_CI": "true",
    "CI_PROJECT_URL": "https://gitlab.com/team/models",
    "CI_JOB_URL": "https://gitlab.com/team/models/-/jobs/7",
    "CI_COMMIT_SHA": "a" * 40,
    "CI_COMMIT_REF_NAME": "main",
    "CI_CONFIG_PATH": ".gitlab-ci.yml",
    "CI_RUNNER_ID": "1",
}


def include(site: Site, inputs: dict[str, object], **more: str) -> Job:
    return run_component(
        {"source": "model", "reference": site.reference, **inputs},
        folder=site.folder,
        environment={**site.environment, **JOB, **more},
        token=lambda audience: site.sigstore.token(IDENTITY, aud=audience),
    )


def test_a_job_releases_with_its_own_identity(site: Site) -> None:
    job = include(site, {"trust-config": "trust_config.json", "modelcar": True})
    assert job.code == 0, job.log
    verifier = believe_identity(
        IDENTITY,
        site.sigstore.url,
        Sigstore(trusted_root=site.folder / "trusted_root.json"),
    )
    found = modelpack.verify(site.reference, verifier)
    assert job.variables["MODELPACK_REFERENCE"] == found.reference
    assert job.variables["MODELPACK_TAG"] == "v1"
    modelpack.verify(job.variables["MODELPACK_CAR"], verifier)


def test_a_job_releases_with_a_key_in_a_variable(site: Site) -> None:
    key, public = generate_key(site.folder / "k", "x")
    text = key.read_text()
    key.unlink()
    job = include(
        site, {"key": "SIGNING_KEY"}, SIGNING_KEY=text, MODELPACK_PASSWORD="x"
    )
    assert job.code == 0, job.log
    modelpack.verify(site.reference, believe_keys([public]), types=("vuln",))
    assert job.variables["MODELPACK_CAR"] == ""


def test_nothing_is_reported_where_nothing_was_released(site: Site) -> None:
    (site.folder / "model" / "bad.bin").write_bytes(b'cos\nsystem\n(S"true"\ntR.')
    job = include(site, {"trust-config": "trust_config.json"})
    assert job.code == 4
    assert job.variables == {}


def test_an_input_is_no_shell(site: Site) -> None:
    trap = site.folder / "trap"
    evil = f'"; touch {trap}; $(touch {trap}) `touch {trap}`'
    for name in ("source", "reference", "policy", "key", "trust-config"):
        assert include(site, {name: evil}).code not in (0, 1)
    assert not trap.exists()
