"""What the real Kyverno makes of CEL expressions: each is a policy of its own."""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.interop.peers import program

__all__ = ["outcomes"]

_NOT_COMPILED = re.compile(r"failed to compile policy p(\d+) \((.*)", re.DOTALL)
_OUTCOMES = {"pass": "true", "fail": "false", "error": "error"}


def outcomes(
    sources: Sequence[str], fields: Mapping[str, object], folder: Path
) -> list[tuple[str, str]]:
    """Return for each expression true, false, error or refused, and what was said.

    One policy that does not compile ends the whole command, which is then run again
    without it.
    """
    found: dict[int, tuple[str, str]] = {}
    resource = folder / "resource.json"
    metadata = {"name": "c", "namespace": "default"}
    resource.write_text(
        json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})[:-1]
        + ","
        + json.dumps(fields)[1:]
    )
    while left := [i for i in range(len(sources)) if i not in found]:
        policies = folder / "policies.yaml"
        policies.write_text(
            "\n---\n".join(json.dumps(_policy(i, sources[i])) for i in left)
        )
        done = _apply(policies, resource)
        refused = _NOT_COMPILED.search(done.stderr + done.stdout)
        if refused is not None:
            found[int(refused[1])] = ("refused", refused[2].strip())
        else:
            found |= _reported(done)
    return [found[i] for i in range(len(sources))]


def _reported(
    done: "subprocess.CompletedProcess[str]",
) -> Mapping[int, tuple[str, str]]:
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    return {
        int(result["policy"].removeprefix("p")): (
            _OUTCOMES[result["result"]],
            str(result.get("message", "")),
        )
        for result in json.loads(done.stdout)["results"]
    }


def _apply(policies: Path, resource: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [
            str(program("kyverno")),
            "apply",
            str(policies),
            "--resource",
            str(resource),
            "-p",
            "--output-format",
            "json",
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )


def _policy(number: int, source: str) -> Mapping[str, object]:
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["configmaps"],
    }
    return {
        "apiVersion": "policies.kyverno.io/v1",
        "kind": "ValidatingPolicy",
        "metadata": {"name": f"p{number}"},
        "spec": {
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": source, "message": "false"}],
        },
    }
