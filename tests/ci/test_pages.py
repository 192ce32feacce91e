"""The examples of the README and of docs/ci.md run as they are written."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest
import yaml

import modelpack
from modelpack.api import generate_key
from tests.ci.conftest import Site
from tests.ci.github import run_action
from tests.ci.gitlab import run_component
from tests.ci.test_github import JOB as GITHUB
from tests.ci.test_gitlab import JOB as GITLAB
from tests.docs.pages import ROOT

Json = dict[str, object]


def examples(page: str) -> list[object]:
    """Return the YAML examples of a page."""
    text = (ROOT / page).read_text("utf-8")
    found = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [yaml.safe_load(each) for each in found]


def steps(page: str) -> list[Json]:
    """Return the steps with our action in a page's first example."""
    example = examples(page)[0]
    listed = example["steps"] if isinstance(example, dict) else example
    return [
        each
        for each in cast("list[Json]", listed)
        if str(each.get("uses", "")).startswith("OWNER/modelpack@")
    ]


@pytest.mark.parametrize("page", ["README.md", "docs/ci.md"])
def test_the_step_of_a_page_releases(page: str, site: Site) -> None:
    (step,) = steps(page)
    given = cast("Mapping[str, str]", step["with"])
    key, public = generate_key(site.folder / "k", "x")
    inputs = {**given, "reference": site.reference, "key": key.read_text()}
    inputs["password"] = "x"
    (site.folder / "model").rename(site.folder / given["source"])
    if "policy" in given:
        write_policy(site, public, given["policy"])
    ended = run_action(
        inputs,
        folder=site.folder,
        temporary=site.folder.parent / "runner",
        environment={**site.environment, **GITHUB},
        leave_out="Install modelpack",
    )
    assert ended.code == 0, ended.log
    assert ended.outputs["reference"] == modelpack.inspect(site.reference).reference
    assert ended.outputs["car"]


def test_the_include_of_the_page_releases(site: Site) -> None:
    example = cast("Json", examples("docs/ci.md")[1])
    (included,) = cast("list[Json]", example["include"])
    assert str(included["component"]).endswith("/modelpack/release@COMMIT")
    key, _ = generate_key(site.folder / "k", "x")
    inputs = {
        **cast("Json", included["inputs"]),
        "reference": site.reference,
        "key": "SIGNING_KEY",
    }
    job = run_component(
        inputs,
        folder=site.folder,
        environment={
            **site.environment,
            **GITLAB,
            "SIGNING_KEY": key.read_text(),
            "MODELPACK_PASSWORD": "x",
        },
        token=lambda audience: site.sigstore.token("x@example.com", aud=audience),
    )
    assert job.code == 0, job.log
    assert job.variables["MODELPACK_CAR"]


def write_policy(site: Site, public: Path, name: str) -> None:
    """Compose the policy that the README shows how to compose."""
    composed = ("--require", "signed", "--place", "volumes", "-o", name)
    subprocess.run(
        [
            *(sys.executable, "-m", "modelpack", "policy", "new", *composed),
            *("--registry", f"{site.registry}/team", "--key", public),
        ],
        cwd=site.folder,
        env=site.environment,
        check=True,
        timeout=60,
    )
