"""What --format json prints is what docs/json.md describes."""

import json
import re

import pytest
from jsonschema import Draft202012Validator

from tests.docs.conftest import MODEL, Room
from tests.docs.pages import ROOT

_PAGE = ROOT / "docs" / "json.md"
_SCHEMAS = {
    title: json.loads(schema)
    for title, schema in re.findall(
        r"^## `modelpack ([\w ]+)`\n.*?^```json\n(.*?)^```$",
        _PAGE.read_text("utf-8"),
        re.MULTILINE | re.DOTALL,
    )
}
_REFERENCE = "127.0.0.1:5000/demo/minilm:1"
_OTHER = "127.0.0.1:5000/demo/other:1"
_COMMANDS = {
    "push": f"push --modelcar {MODEL} {_REFERENCE}",
    "release": f"release --key modelpack.key {MODEL} {_REFERENCE}",
    "check": f"check {_REFERENCE}",
    "pull": f"pull {_REFERENCE} -o copy --documents about",
    "inspect": f"inspect --headers {_REFERENCE}",
    "copy": f"copy {_REFERENCE} oci:copied:1",
    "scan": f"scan {_REFERENCE}",
    "sbom check": "sbom check bom.json --profile g7 --require MDL-01",
    "lineage": f"lineage {_REFERENCE}",
    "ls": f"ls {_REFERENCE.removesuffix(':1')}",
    "tree": f"tree {_REFERENCE}",
    "diff": f"diff {_REFERENCE} {_OTHER}",
    "sign": f"sign --key modelpack.key {_REFERENCE}",
    "attest": f"attest --key modelpack.key --provenance {_REFERENCE}",
    "policy check": f"policy check --policy policy.yaml {_REFERENCE}",
    "policy apply": "policy apply policy.yaml --resource pod.yaml",
    "verify": f"verify --key modelpack.pub {_REFERENCE}",
}


def test_every_schema_is_one_and_every_command_has_one() -> None:
    assert set(_SCHEMAS) == set(_COMMANDS)
    for schema in _SCHEMAS.values():
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("verb", _COMMANDS)
def test_a_result_is_what_its_schema_says(verb: str, room: Room) -> None:
    room.run(f"modelpack push -q {MODEL} {_REFERENCE}")
    room.run(f"modelpack push -q {MODEL} {_OTHER} --exclude 'vocab.*'")
    room.run("modelpack key generate")
    room.run(f"modelpack sbom -q -o bom.json {MODEL}")
    room.run(f"modelpack sign --key modelpack.key {_REFERENCE}")
    if verb.startswith("policy"):
        _write_policy(room)
    done = room.run(f"modelpack {_COMMANDS[verb]} --format json 2>errors")
    assert done.returncode == 0
    Draft202012Validator(_closed(_SCHEMAS[verb])).validate(json.loads(done.stdout))


def _write_policy(room: Room) -> None:
    """Write a policy that admits the model, and a Pod that mounts it."""
    room.run(
        "modelpack policy new --require signed --place volumes "
        "--registry 127.0.0.1:5000/demo --key modelpack.pub -o policy.yaml"
    )
    pinned = room.run(f"modelpack verify -q --key modelpack.pub {_REFERENCE}")
    volume = {"name": "m", "image": {"reference": pinned.stdout.split()[0]}}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "serving"},
        "spec": {"containers": [], "volumes": [volume]},
    }
    (room.folder / "pod.yaml").write_text(json.dumps(pod))


def _closed(schema: object) -> object:
    """Allow nothing beside what the schema lists: all of it is documented."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if "properties" in closed:
        closed.setdefault("unevaluatedProperties", False)
    return closed
