"""action.yml does what it says, with a key and with the job's own identity."""

from collections.abc import Iterator, Mapping

import pytest

import modelpack
from modelpack.api import Sigstore, believe_identity, believe_keys, generate_key
from modelpack.errors import NotFound
from tests.ci.conftest import Site
from tests.ci.github import Ended, job_tokens, run_action

WORKFLOW = (
    "https://github.com/team/models/.github/workflows/release.yml@refs/heads/main"
)
# "Variables reference", default environment variables.
JOB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "team/models",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_SHA": "a" * 40,
    "GITHUB_RUN_ID": "7",
    "GITHUB_WORKFLOW_REF": "team/models/.github/workflows/release.yml@refs/heads/main",
    "RUNNER_ENVIRONMENT": "github-hosted",
}
SAID = ("cyclonedx", "facts", "vuln", "slsaprovenance1")


@pytest.fixture
def tokens(site: Site) -> Iterator[Mapping[str, str]]:
    with job_tokens(lambda: site.sigstore.token(WORKFLOW)) as variables:
        yield variables


def act(site: Site, inputs: Mapping[str, str], **more: str) -> Ended:
    return run_action(
        {"source": "model", "reference": site.reference, **inputs},
        folder=site.folder,
        temporary=site.folder.parent / "runner",
        environment={**site.environment, **JOB, **more},
        leave_out="Install modelpack",
    )


def test_a_job_releases_with_its_own_identity(
    site: Site, tokens: Mapping[str, str]
) -> None:
    ended = act(
        site, {"trust-config": "trust_config.json", "modelcar": "true"}, **tokens
    )
    assert ended.code == 0, ended.log
    reference = ended.outputs["reference"]
    assert reference == f"{site.registry}/team/model@{ended.outputs['digest']}"
    assert ended.outputs["tag"] == "v1"
    assert f"## Released: `{reference}`" in ended.summary
    verifier = believe_identity(
        WORKFLOW,
        site.sigstore.url,
        Sigstore(trusted_root=site.folder / "trusted_root.json"),
    )
    for name in (site.reference, ended.outputs["car"]):
        modelpack.verify(name, verifier)
    said = modelpack.verify(site.reference, verifier, types=SAID).verified.counted
    provenance = {each.statement.predicate_type: each for each in said}[
        "https://slsa.dev/provenance/v1"
    ].statement.predicate
    assert "https://github.com/team/models/actions/runs/7" in str(provenance)


def test_a_job_releases_with_a_key_that_is_a_secret(site: Site) -> None:
    key, public = generate_key(site.folder / "k", "pässword")
    text = key.read_text()
    key.unlink()
    ended = act(site, {"key": text, "password": "pässword"})
    assert ended.code == 0, ended.log
    assert "PRIVATE" not in ended.log + ended.summary
    verifier = believe_keys([public])
    modelpack.verify(site.reference, verifier, types=SAID)
    assert ended.outputs["car"] == ""


def test_what_does_not_pass_the_scan_gets_no_tag_and_is_told_of(
    site: Site, tokens: Mapping[str, str]
) -> None:
    bad = site.folder / "model" / "`x`|<b>.bin"
    bad.write_bytes(b'cos\nsystem\n(S"true"\ntR.')
    ended = act(site, {"trust-config": "trust_config.json"}, **tokens)
    assert ended.code == 4
    assert ended.outputs["reference"] == ""
    assert "## Not released" in ended.summary
    assert "os.system" in ended.summary
    assert "<b>" not in ended.summary.replace("\\<b\\>", "")
    with pytest.raises(NotFound):
        modelpack.inspect(site.reference)


def test_an_input_is_no_shell(site: Site) -> None:
    trap = site.folder / "trap"
    evil = f'"; touch {trap}; $(touch {trap}) `touch {trap}`'
    for name in ("source", "reference", "policy", "arguments", "key", "trust-config"):
        ended = act(site, {name: evil})
        assert ended.code not in (0, 1), ended.log
    assert act(site, {"modelcar": evil}).code == 2
    assert not trap.exists()


def test_without_the_permission_it_says_which(site: Site) -> None:
    ended = act(site, {"trust-config": "trust_config.json"})
    assert ended.code == 6
    assert "id-token: write" in ended.log
