"""As much of GitLab as a component needs: inputs, one job, its dotenv report.

After "CI/CD components", "CI/CD inputs" and "artifacts:reports:dotenv".
"""

import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml

from tests.docs.pages import ROOT

_INPUT = re.compile(r"\$\[\[\s*inputs\.([\w-]+)\s*\]\]")
_DOTENV = re.compile(r"(\w+)=(.*)")
_MOST_DOTENV = 5 << 10


@dataclass(frozen=True)
class Job:
    """How a job ended, and what later jobs get as variables."""

    code: int
    log: str
    variables: Mapping[str, str]


def run_component(
    inputs: Mapping[str, object],
    *,
    folder: Path,
    environment: Mapping[str, str],
    token: Callable[[str], str],
) -> Job:
    """Run the one job of templates/release.yml; ``token`` is asked with an audience."""
    text = (ROOT / "templates" / "release.yml").read_text("utf-8")
    head, body = yaml.safe_load_all(text)
    declared = head["spec"]["inputs"]
    assert set(inputs) <= set(declared)
    values: dict[str, object] = {}
    for name, spec in declared.items():
        assert "default" in spec or name in inputs, f"{name} is mandatory"
        value = inputs.get(name, spec.get("default"))
        kinds = {"boolean": bool, "string": str}
        assert isinstance(value, kinds[spec.get("type", "string")])
        values[name] = value
    job = cast("dict[str, object]", _filled(body["release-model"], values))
    script = "\n".join(cast("list[str]", job["script"]))
    assert not _INPUT.search("\n".join(body["release-model"]["script"]))
    variables = cast("dict[str, str]", job["variables"])
    asked = cast("dict[str, dict[str, str]]", job["id_tokens"])
    tokens = {name: token(each["aud"]) for name, each in asked.items()}
    done = subprocess.run(
        ["sh", "-e", "-c", script],
        cwd=folder,
        env={**environment, **variables, **tokens},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    reports = cast("dict[str, dict[str, dict[str, str]]]", body["release-model"])
    report = folder / reports["artifacts"]["reports"]["dotenv"]
    return Job(
        code=done.returncode,
        log=done.stdout,
        variables=_dotenv(report) if report.exists() else {},
    )


def _filled(value: object, inputs: Mapping[str, object]) -> object:
    if isinstance(value, str):
        return _INPUT.sub(lambda match: _text(inputs[match[1]]), value)
    if isinstance(value, list):
        return [_filled(each, inputs) for each in value]
    if isinstance(value, dict):
        return {key: _filled(each, inputs) for key, each in value.items()}
    return value


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _dotenv(report: Path) -> Mapping[str, str]:
    text = report.read_text("utf-8")
    assert len(text) <= _MOST_DOTENV
    found = {}
    for line in text.splitlines():
        match = _DOTENV.fullmatch(line)
        assert match is not None, f"GitLab would refuse {line!r}"
        found[match[1]] = match[2]
    return found
