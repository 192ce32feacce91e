"""``pull --policy``, ``policy check`` and ``apply``, and configurations that guard."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from modelpack.serve.registry import RegistryServer
from tests.cli.test_commands import Done, run
from tests.policy.scene import Json, image_policy
from tests.policy.scene import attestor as key_attestor
from tests.policy.scene import exception as exception_to
from tests.sigstore.server import FakeSigstore
from tests.workflows.signing import Person

PASSWORD = {"MODELPACK_PASSWORD": "of a test"}


@dataclass(frozen=True)
class Desk:
    """A registry with a model in it, a key pair, and a policy for the key."""

    folder: Path
    host: str

    @property
    def model(self) -> str:
        return f"{self.host}/team/model:1"

    def run(self, *arguments: str | Path, **environment: str) -> Done:
        return run(self.folder, *arguments, **PASSWORD, **environment)

    def attestor(self) -> Json:
        pem = (self.folder / "modelpack.pub").read_text()
        attestor = key_attestor(Person.new())
        cosign = attestor["cosign"]
        assert isinstance(cosign, dict)
        cosign["key"] = {"data": pem}
        return attestor

    def policy(self, name: str = "policy.yaml", /, **changes: object) -> Path:
        """Write a policy that the desk's key has to have signed."""
        glob = {"matchImageReferences": [{"glob": f"{self.host}/*"}]}
        attestors = {"attestors": [self.attestor()]}
        document = image_policy(Person.new(), **{**glob, **attestors, **changes})
        path = self.folder / name
        path.write_text(json.dumps(document))
        return path

    def sign(self, reference: str = "") -> str:
        done = self.run("sign", "--key", "modelpack.key", reference or self.model)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(bytes(100_000))
    with RegistryServer(tmp_path / "registry") as server:
        desk = Desk(tmp_path, server.address)
        assert desk.run("push", "-q", folder, desk.model).returncode == 0
        assert desk.run("key", "generate").returncode == 0
        yield desk


def test_pull_admits_what_the_policy_admits(desk: Desk) -> None:
    pinned = desk.sign()
    done = desk.run("pull", "--policy", desk.policy(), desk.model, "-o", "out")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == pinned
    assert "without a policy" not in done.stderr
    assert (desk.folder / "out" / "weights.bin").read_bytes() == bytes(100_000)


def test_pull_refuses_what_it_does_not_before_a_byte_is_there(desk: Desk) -> None:
    done = desk.run("pull", "--policy", desk.policy(), desk.model, "-o", "out")
    assert done.returncode == 4
    assert "signed (validations[0]): not signed" in done.stderr
    assert done.stdout == ""
    assert not (desk.folder / "out").exists()


def test_every_policy_has_to_admit(desk: Desk) -> None:
    desk.sign()
    strict = desk.policy("strict.yaml", validations=[{"expression": "1 > 2"}])
    flags = ("--policy", desk.policy(), "--policy", strict)
    assert desk.run("pull", *flags, desk.model, "-o", "out").returncode == 4
    folder = desk.folder / "policies"
    folder.mkdir()
    desk.policy("policies/a.yaml")
    desk.policy("policies/b.yml", validations=[{"expression": "1 > 2"}])
    assert desk.run("pull", "--policy", folder, desk.model).returncode == 4


@pytest.mark.parametrize("carrier", ["volume", "csi", "container", "inferenceservice"])
def test_check_judges_it_as_what_would_carry_it(desk: Desk, carrier: str) -> None:
    desk.sign()
    done = desk.run(
        "policy", "check", desk.model, "--policy", desk.policy(), "--as", carrier
    )
    # The policy knows volumes, and containers are found by every such policy.
    known = carrier == "volume"
    assert done.returncode == (0 if known else 4), done.stderr


def test_check_prints_the_verdict(desk: Desk) -> None:
    check = ("policy", "check", desk.model, "--policy", desk.policy(), "--format=json")
    refused = desk.run(*check)
    assert refused.returncode == 4
    document = json.loads(refused.stdout)
    assert document["admitted"] is False
    assert document["results"][0]["result"] == "fail"
    pinned = desk.sign()
    admitted = desk.run(*check)
    assert admitted.returncode == 0
    document = json.loads(admitted.stdout)
    assert document["admitted"] is True
    assert document["reference"] == pinned


def test_a_policy_that_does_not_compile_is_wrong_use_of_pull(desk: Desk) -> None:
    broken = desk.policy(validations=[{"expression": "nothing.here == 1"}])
    done = desk.run("pull", "--policy", broken, desk.model)
    assert done.returncode == 2
    assert "spec.validations[0].expression" in done.stderr


def test_apply_judges_objects_and_says_why(desk: Desk) -> None:
    pinned = desk.sign()
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "serving", "namespace": "ml"},
        "spec": {
            "containers": [],
            "volumes": [{"name": "m", "image": {"reference": pinned}}],
        },
    }
    path = desk.folder / "pod.yaml"
    path.write_text(json.dumps(pod))
    apply = ("policy", "apply", desk.policy(), "--resource", path)
    done = desk.run(*apply)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "Pod ml/serving: admitted"
    path.write_text(json.dumps(pod).replace(pinned, desk.model))
    refused = desk.run(*apply, "--format=json")
    assert refused.returncode == 4
    document = json.loads(refused.stdout)
    assert not document["admitted"]
    assert document["results"] == [
        {
            "policy": "signed",
            "rule": "verifyDigest",
            "image": desk.model,
            "result": "fail",
            "message": f"image {desk.model} does not have a digest",
        }
    ]


def test_apply_says_that_a_policy_does_not_compile(desk: Desk) -> None:
    broken = desk.policy(validations=[{"expression": "nothing.here == 1"}])
    path = desk.folder / "pod.yaml"
    path.write_text("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {}}")
    done = desk.run("policy", "apply", broken, "--resource", path, "--format=json")
    assert done.returncode == 4
    assert json.loads(done.stdout)["results"][0]["result"] == "error"


def test_an_exception_counts_only_where_it_is_named(desk: Desk) -> None:
    policy = desk.policy()
    path = desk.folder / "exception.yaml"
    path.write_text(json.dumps(exception_to(json.loads(policy.read_text()))))
    check = ("policy", "check", desk.model, "--policy", policy)
    named = desk.run(*check, "--exception", path)
    assert "the exception ml/but is made" in named.stderr
    beside = desk.run(*check, "--policy", path)
    assert beside.returncode == 2
    assert "only if it is named by --exception" in beside.stderr


def test_an_exception_admits_a_pull_only_of_what_a_policy_verified(desk: Desk) -> None:
    """An exception lets a rule go; who made the digest nobody has said yet."""
    policy = desk.policy()
    path = desk.folder / "exception.yaml"
    path.write_text(json.dumps(exception_to(json.loads(policy.read_text()))))
    flags = ("--policy", policy, "--exception", path)
    done = desk.run("pull", *flags, desk.model, "-o", "out")
    assert done.returncode == 4
    assert "no policy has verified" in done.stderr


def test_a_layout_is_judged_by_the_name_that_policies_know(desk: Desk) -> None:
    pinned = desk.sign()
    assert desk.run("copy", "-q", desk.model, "oci:here:1").returncode == 0
    pull = ("pull", "--policy", desk.policy(), "oci:here:1", "-o", "out")
    nameless = desk.run(*pull)
    assert nameless.returncode == 2
    assert "--known-as" in nameless.stderr
    name = pinned.partition("@")[0]
    assert desk.run(*pull, "--known-as", name).returncode == 0


def test_a_keyless_signature_is_judged_by_a_trusted_root(desk: Desk) -> None:
    with FakeSigstore() as sigstore:
        sigstore.write(desk.folder)
        token = desk.folder / "token"
        token.write_text(sigstore.token("anna@example.com"))
        config = ("--trust-config", "trust_config.json", "--identity-token", token)
        signed = desk.run("sign", *config, desk.model)
        assert signed.returncode == 0, signed.stderr
        root = (desk.folder / "trusted_root.json").read_text()
        url = sigstore.url
    identity = {"subject": "anna@example.com", "issuer": url}
    cases = {
        "exact": (identity, 0),
        "pattern": (
            {"subjectRegExp": "^anna@.*[.]com$", "issuerRegExp": "127[.]0"},
            0,
        ),
        "another issuer": ({**identity, "issuer": "https://other.test"}, 4),
        "another subject": ({**identity, "subject": "ben@example.com"}, 4),
        "a pattern that is not in it": (
            {"subjectRegExp": "^nna@", "issuer": url},
            4,
        ),
    }
    for name, (who, code) in cases.items():
        cosign = {"keyless": {"identities": [who]}, "trustedRoot": {"value": root}}
        policy = desk.policy(attestors=[{"name": "team", "cosign": cosign}])
        done = desk.run("policy", "check", desk.model, "--policy", policy)
        assert done.returncode == code, (name, done.stderr)


def guard(desk: Desk, text: str, name: str = "admission.toml") -> dict[str, str]:
    """Write a configuration, and return the environment that names it."""
    path = desk.folder / name
    path.write_text(text)
    return {"MODELPACK_ADMISSION": str(path)}


def entry(desk: Desk, *lines: str, pattern: str = "team/*") -> str:
    return "\n".join(["[[admit]]", f'references = ["{desk.host}/{pattern}"]', *lines])


def test_a_configuration_guards_every_pull(desk: Desk) -> None:
    desk.policy()
    environment = guard(desk, entry(desk, 'policies = ["policy.yaml"]'))
    refused = desk.run("pull", desk.model, "-o", "out", **environment)
    assert refused.returncode == 4
    desk.sign()
    done = desk.run("pull", desk.model, "-o", "out", **environment)
    assert done.returncode == 0, done.stderr
    assert "without a policy" not in done.stderr


def test_a_configuration_guards_copies(desk: Desk) -> None:
    environment = guard(desk, entry(desk, 'keys = ["modelpack.pub"]'))
    refused = desk.run("copy", desk.model, "oci:there:1", **environment)
    assert refused.returncode == 4
    desk.sign()
    done = desk.run("copy", desk.model, "oci:there:1", **environment)
    assert done.returncode == 0, done.stderr


def test_what_no_entry_is_about_is_refused(desk: Desk) -> None:
    desk.sign()
    environment = guard(
        desk, entry(desk, 'keys = ["modelpack.pub"]', pattern="other/*")
    )
    done = desk.run("pull", desk.model, "-o", "out", **environment)
    assert done.returncode == 4
    assert "no entry" in done.stderr
    assert not (desk.folder / "out").exists()


def test_an_sbom_by_the_right_key_is_no_signature(desk: Desk) -> None:
    (desk.folder / "bom.json").write_text(
        '{"bomFormat": "CycloneDX", "specVersion": "1.6"}'
    )
    attest = ("attest", "--type=cyclonedx", "--predicate=bom.json")
    done = desk.run(*attest, "--key=modelpack.key", desk.model)
    assert done.returncode == 0, done.stderr
    environment = guard(desk, entry(desk, 'keys = ["modelpack.pub"]'))
    assert desk.run("pull", desk.model, "-o", "out", **environment).returncode == 4


def test_everything_can_be_admitted_where_an_entry_says_so_and_it_is_said(
    desk: Desk,
) -> None:
    environment = guard(desk, entry(desk, "unsafe-admit-all = true"))
    done = desk.run("pull", desk.model, "-o", "out", **environment)
    assert done.returncode == 0
    assert "without a policy" in done.stderr


def test_a_local_configuration_only_tightens(desk: Desk) -> None:
    environment = guard(desk, entry(desk, "unsafe-admit-all = true"))
    local = ".modelpack-admission.toml"
    guard(desk, entry(desk, 'keys = ["modelpack.pub"]'), local)
    pull = ("pull", desk.model, "-o", "out")
    assert desk.run(*pull, **environment).returncode == 4
    desk.sign()
    assert desk.run(*pull, **environment).returncode == 0
    guard(desk, entry(desk, "unsafe-admit-all = true"), local)
    done = desk.run(*pull, "--overwrite", **environment)
    assert done.returncode == 2
    assert "cannot admit everything" in done.stderr


def test_a_flag_only_tightens_a_configuration(desk: Desk) -> None:
    environment = guard(desk, entry(desk, 'keys = ["modelpack.pub"]'))
    lax = desk.policy(validationActions=["Audit"])
    pull = ("pull", "--policy", lax, desk.model, "-o", "out")
    assert desk.run(*pull, **environment).returncode == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no entry"),
        ("[[admit]]\nreferences = []", "is about nothing"),
        ('[[admit]]\nreferences = ["*"]', "needs policies"),
        ('[[admit]]\nreferences = ["*"]\nkeys = "a"', "expected an array"),
        ('[[admit]]\nreferences = ["*"]\nidentity = "a"', "go together"),
        ('[[admit]]\nreferences = ["["]\nkeys = ["a"]', "is no pattern"),
        ('[[admit]]\nreferences = ["*"]\nkeyz = ["a"]', "is not a field of it"),
        ("[[allow]]", "is not a field of it"),
        ("admit = 3", "expected an array"),
        ("[[[", "is not TOML"),
        ('[[admit]]\nreferences = ["*"]\nkeys = ["gone.pub"]', "no such file"),
        (
            '[[admit]]\nreferences = ["*"]\nunsafe-admit-all = true\nkeys = ["a"]',
            "or else unsafe-admit-all",
        ),
    ],
)
def test_a_configuration_that_cannot_be_used_refuses(
    desk: Desk, text: str, said: str
) -> None:
    done = desk.run("pull", desk.model, "-o", "out", **guard(desk, text))
    assert done.returncode == 2
    assert said in done.stderr
    assert not (desk.folder / "out").exists()


def test_a_configuration_that_is_named_has_to_be_there(desk: Desk) -> None:
    gone = {"MODELPACK_ADMISSION": str(desk.folder / "gone.toml")}
    assert desk.run("pull", desk.model, "-o", "out", **gone).returncode == 2


def test_a_policy_from_a_registry_is_pinned_or_signed(desk: Desk) -> None:
    desk.sign()
    folder = desk.folder / "policies"
    folder.mkdir()
    desk.policy("policies/policy.yaml")
    published = f"{desk.host}/team/policies:1"
    pushed = desk.run("push", "-q", folder, published)
    assert pushed.returncode == 0, pushed.stderr
    pull = ("pull", desk.model, "-o", "out", "--policy")
    loose = desk.run(*pull, published)
    assert loose.returncode == 2
    assert "pinned by digest" in loose.stderr
    unsigned = desk.run(*pull, published, "--policy-key", "modelpack.pub")
    assert unsigned.returncode == 3
    pinned = desk.run(*pull, pushed.stdout.strip())
    assert pinned.returncode == 0, pinned.stderr
    desk.sign(published)
    signed = desk.run(*pull, published, "--policy-key", "modelpack.pub", "--overwrite")
    assert signed.returncode == 0, signed.stderr


def test_a_model_is_no_policy(desk: Desk) -> None:
    done = desk.run("pull", desk.model, "--policy", desk.sign(), "-o", "out")
    assert done.returncode == 2
    assert "holds no policy" in done.stderr


def test_no_policy_loads_no_policy_engine(desk: Desk) -> None:
    """A pull without policies starts as fast as it did."""
    script = (
        "import sys; from modelpack.cli.main import run;"
        f"sys.argv = ['modelpack', 'pull', '-q', {desk.model!r}, '-o', 'out'];"
        "assert run() == 0; assert 'cel_expr_python' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], cwd=desk.folder, check=True)


def test_the_working_directory_stands_in_for_nothing_of_a_configuration(
    desk: Desk,
) -> None:
    """Whoever wrote what lies there is not the one who decides."""
    elsewhere = desk.folder / "settings"
    elsewhere.mkdir()
    pinned = desk.sign()
    shadow = desk.folder / "registry.test" / f"policies@{pinned.partition('@')[2]}"
    shadow.mkdir(parents=True)
    desk.policy(f"registry.test/{shadow.name}/policy.yaml")
    name = f"registry.test/{shadow.name}"
    cases = {
        f'policies = ["{name}"]': 5,
        'keys = ["modelpack.pub"]': 2,
        'policies = ["policy.yaml"]': 2,
    }
    desk.policy()
    for line, code in cases.items():
        path = elsewhere / "admission.toml"
        path.write_text(entry(desk, line))
        environment = {"MODELPACK_ADMISSION": str(path)}
        done = desk.run("pull", desk.model, "-o", "out", **environment)
        assert done.returncode == code, (line, done.stderr)
    flag = desk.run("pull", desk.model, "-o", "out", "--policy", name)
    assert flag.returncode == 5
    assert not (desk.folder / "out").exists()


def test_a_host_in_capitals_or_with_its_port_is_the_same_host(desk: Desk) -> None:
    text = '[[admit]]\nreferences = ["registry.test/*"]\nkeys = ["modelpack.pub"]\n'
    weak = '[[admit]]\nreferences = ["*"]\nunsafe-admit-all = true\n'
    environment = guard(desk, text + weak)
    for host in ("Registry.Test", "registry.test:443"):
        done = desk.run("pull", f"{host}/team/model:1", "-o", "out", **environment)
        assert "without a policy" not in done.stderr
        assert done.returncode == 5


def test_policies_of_both_modes_are_not_asked_together(desk: Desk) -> None:
    desk.sign()
    payload = desk.policy(
        "payload.yaml",
        evaluation={"mode": "JSON"},
        images=[{"name": "models", "expression": "[object.reference]"}],
    )
    flags = ("--policy", desk.policy(), "--policy", payload)
    done = desk.run("pull", *flags, desk.model, "-o", "out")
    assert done.returncode == 2
    assert "some payloads" in done.stderr


def test_a_local_configuration_alone_is_said(desk: Desk) -> None:
    desk.sign()
    local = ".modelpack-admission.toml"
    guard(desk, entry(desk, 'keys = ["modelpack.pub"]'), local)
    done = desk.run("pull", desk.model, "-o", "out")
    assert done.returncode == 0, done.stderr
    assert f"warning: {local} of the working directory alone" in done.stderr


def test_a_key_may_be_der_and_a_name_too_long(desk: Desk) -> None:
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_pem_public_key,
    )

    desk.sign()
    pem = (desk.folder / "modelpack.pub").read_bytes()
    der = load_pem_public_key(pem).public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    (desk.folder / "key.der").write_bytes(der)
    environment = guard(desk, entry(desk, 'keys = ["key.der"]'))
    assert desk.run("pull", desk.model, "-o", "out", **environment).returncode == 0
    environment = guard(desk, entry(desk, f'policies = ["{"x" * 300}"]'))
    assert desk.run("pull", desk.model, "-o", "two", **environment).returncode == 2
