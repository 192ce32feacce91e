"""``key``, ``sign``, ``attest`` and ``verify`` as a person types them."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from modelpack.serve.registry import RegistryServer
from tests.cli.test_commands import Done, run
from tests.sigstore.server import FakeSigstore

SIGNATURE = "https://sigstore.dev/cosign/sign/v1"
PASSWORD = {"MODELPACK_PASSWORD": "of a test"}


@dataclass(frozen=True)
class Desk:
    """A registry with a model in it, and a key pair."""

    folder: Path
    model: str

    def run(self, *arguments: str | Path, **environment: str) -> Done:
        return run(self.folder, *arguments, **(environment or PASSWORD))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(bytes(100_000))
    with RegistryServer(tmp_path / "registry") as server:
        desk = Desk(tmp_path, f"{server.address}/team/model:1")
        assert desk.run("push", "-q", folder, desk.model).returncode == 0
        assert desk.run("key", "generate").returncode == 0
        yield desk


def test_sign_and_verify_print_the_pinned_reference(desk: Desk) -> None:
    signed = desk.run("sign", "--key", "modelpack.key", desk.model)
    assert signed.returncode == 0, signed.stderr
    assert signed.stdout.startswith(desk.model.removesuffix(":1") + "@sha256:")
    verified = desk.run("verify", "--key", "modelpack.pub", desk.model)
    assert verified.returncode == 0, verified.stderr
    assert verified.stdout == signed.stdout
    assert f"{SIGNATURE} by key sha256:" in verified.stderr


def test_annotations_are_signed_and_asked_for(desk: Desk) -> None:
    desk.run("sign", "--key", "modelpack.key", "-a", "stage=test", desk.model)
    check = ("verify", "--key", "modelpack.pub", desk.model, "-a")
    assert desk.run(*check, "stage=test").returncode == 0
    refused = desk.run(*check, "stage=prod")
    assert refused.returncode == 3
    assert "no signature with the annotations" in refused.stderr


def test_the_private_key_is_for_its_owner_and_never_replaced(desk: Desk) -> None:
    private = desk.folder / "modelpack.key"
    before = private.read_bytes()
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    again = desk.run("key", "generate")
    assert again.returncode == 2
    assert "never replaced" in again.stderr
    assert private.read_bytes() == before


def test_a_key_tells_what_it_is(desk: Desk) -> None:
    public = desk.run("key", "inspect", "modelpack.pub", "--format=json")
    private = desk.run("key", "inspect", "modelpack.key", "--format=json")
    told, secret = json.loads(public.stdout), json.loads(private.stdout)
    assert told["kind"] == "PKIX_ECDSA_P256_SHA_256"
    assert (told.pop("private"), secret.pop("private")) == (False, True)
    assert told == secret
    assert "PRIVATE" not in private.stdout


def test_who_can_read_a_key_is_looked_at(desk: Desk) -> None:
    plain = desk.folder / "plain.pem"
    plain.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    for mode, warned in ((0o644, True), (0o640, True), (0o600, False), (0o400, False)):
        plain.chmod(mode)
        signed = desk.run("sign", "--key", plain, desk.model)
        assert signed.returncode == 0, signed.stderr
        assert ("others can read" in signed.stderr) == warned
    (desk.folder / "modelpack.key").chmod(0o644)  # encrypted: no secret by itself
    signed = desk.run("sign", "--key", "modelpack.key", desk.model)
    assert signed.stderr == ""


def test_a_key_without_a_name_is_a_wrong_use(desk: Desk) -> None:
    """`--key $KEY`, with no such variable."""
    for command in ("sign", "verify"):
        done = desk.run(command, "--key", "", desk.model)
        assert done.returncode == 2
        assert "its name is empty" in done.stderr


def test_a_key_in_a_variable(desk: Desk) -> None:
    key = (desk.folder / "modelpack.key").read_text()
    signed = desk.run("sign", "--key", "env://KEY", desk.model, KEY=key, **PASSWORD)
    assert signed.returncode == 0, signed.stderr


def test_push_can_sign(desk: Desk) -> None:
    other = desk.model.replace(":1", ":2")
    (desk.folder / "model/more.bin").write_bytes(b"more")
    pushed = desk.run("push", "-q", "model", other, "--sign", "--key", "modelpack.key")
    assert pushed.returncode == 0, pushed.stderr
    assert desk.run("verify", "--key", "modelpack.pub", other).returncode == 0
    assert desk.run("verify", "--key", "modelpack.pub", desk.model).returncode == 3


def test_a_directory_is_compared(desk: Desk) -> None:
    desk.run("sign", "--key", "modelpack.key", desk.model)
    check = ("verify", "--key", "modelpack.pub", desk.model, "--directory", "model")
    assert desk.run(*check).returncode == 0
    hidden = desk.folder / "model/.modelpackignore"
    hidden.write_text("*")
    refused = desk.run(*check)
    assert refused.returncode == 3
    assert "'model/.modelpackignore': is not part of what was signed" in refused.stderr
    hidden.unlink()
    (desk.folder / "model/weights.bin").write_bytes(bytes(99_999) + b"\1")
    assert "is not what was signed" in desk.run(*check).stderr
    (desk.folder / "model/weights.bin").unlink()
    assert "is missing" in desk.run(*check).stderr


def test_a_model_signature_travels_with_a_pull(desk: Desk) -> None:
    desk.run("sign", "--key", "modelpack.key", desk.model)
    pulled = desk.run("pull", "-q", desk.model, "-o", "copy", "--oms", "copy/m.sig")
    assert pulled.returncode == 0, pulled.stderr
    check = ("verify", "--key", "modelpack.pub", "--oms", "copy/m.sig", "copy")
    assert desk.run(*check).returncode == 0
    (desk.folder / "copy/link").symlink_to("weights.bin")
    refused = desk.run(*check)
    assert refused.returncode == 3
    assert "neither a file nor a directory" in refused.stderr


def test_a_model_that_is_not_signed_is_not_pulled_for_its_signature(desk: Desk) -> None:
    pulled = desk.run("pull", desk.model, "-o", "copy", "--oms", "m.sig")
    assert pulled.returncode == 2
    assert "no model signature" in pulled.stderr
    assert not (desk.folder / "copy").exists()


def test_many_are_judged_each(desk: Desk) -> None:
    desk.run("sign", "--key", "modelpack.key", desk.model)
    absent = desk.model.replace(":1", ":absent")
    (desk.folder / "list").write_text(f"{desk.model}\n\n{absent}\n{desk.model}\n")
    done = desk.run("verify", "--key", "modelpack.pub", "--from-file", "list")
    assert done.returncode == 5
    assert done.stdout.count("@sha256:") == 2
    assert f"error: {absent}: " in done.stderr


def test_keyless_from_a_token_to_a_verdict(desk: Desk) -> None:
    with FakeSigstore() as sigstore:
        sigstore.write(desk.folder)
        (desk.folder / "token").write_text(sigstore.token("anna@example.com"))
        who = ("--identity-token", "token", "--trust-config", "trust_config.json")
        assert desk.run("sign", *who, desk.model).returncode == 0
        split = ("--identity-token", sigstore.token("ben@example.com"))
        files = ("--trusted-root", "trusted_root.json")
        services = ("--signing-config", "signing_config.json")
        (desk.folder / "p.json").write_text('{"ok": true}')
        attest = ("attest", *split, *files, *services, "--predicate", "p.json")
        attested = desk.run(*attest, desk.model)
        assert attested.returncode == 0, attested.stderr
        again = desk.run(*attest, desk.model, "--format", "json")
        assert json.loads(again.stdout)["statements"][0]["referrer"] is None
    # All services are gone.
    anna = ("--certificate-identity", "anna@example.com")
    issuer = ("--certificate-oidc-issuer", sigstore.url)
    found = desk.run("verify", *anna, *issuer, *files, desk.model)
    assert found.returncode == 0, found.stderr
    assert f"by anna@example.com (by {sigstore.url}) at " in found.stderr
    assert "was signed by 'ben@example.com'" in found.stderr
    custom = desk.run("verify", *anna, *issuer, *files, "--type=custom", desk.model)
    assert custom.returncode == 3
    regexp = ("--certificate-identity-regexp", ".*@example.com")
    both = desk.run("verify", *regexp, *issuer, *files, "--type=custom", desk.model)
    assert both.returncode == 0
    tree = desk.run("tree", desk.model)
    assert "by ben@example.com (not verified)" in tree.stdout


ERRORS: dict[str, tuple[list[str], int, str]] = {
    "nobody signs": (["sign", "--yes", "{model}"], 2, "who signs"),
    "nobody agreed to publish": (["sign", "{model}"], 2, "public logs"),
    "no such key": (["sign", "--key", "absent", "{model}"], 2, "no such file"),
    "a public key signs": (
        ["sign", "--key", "modelpack.pub", "{model}"],
        2,
        "not a private key",
    ),
    "a private key verifies": (
        ["verify", "--key", "modelpack.key", "{model}"],
        2,
        "is a private key",
    ),
    "nobody is believed": (["verify", "{model}"], 2, "who is to be believed"),
    "key and identity": (
        ["verify", "--key=k", "--certificate-identity=a", "{model}"],
        2,
        "who is to be believed",
    ),
    "identity without issuer": (
        ["verify", "--certificate-identity=a", "{model}"],
        2,
        "--certificate-oidc-issuer",
    ),
    "identity twice": (
        [
            "verify",
            "--certificate-identity=a",
            "--certificate-identity-regexp=a",
            "--certificate-oidc-issuer=b",
            "{model}",
        ],
        2,
        "--certificate-identity or",
    ),
    "not signed": (
        ["verify", "--key", "modelpack.pub", "{model}"],
        3,
        "no signature that holds",
    ),
    "nothing to verify": (["verify", "--key", "modelpack.pub"], 2, "name what"),
    "a log that is not known": (
        ["verify", "--key", "modelpack.pub", "--require-tlog", "{model}"],
        2,
        "which logs",
    ),
    "a trusted root that is none": (
        [
            "verify",
            "--certificate-identity=a",
            "--certificate-oidc-issuer=b",
            "--trusted-root=list",
            "{model}",
        ],
        2,
        "to be trusted",
    ),
    "legacy keyless": (
        ["sign", "--legacy", "--identity-token=x", "{model}"],
        2,
        "--legacy",
    ),
    "no predicate": (["attest", "--key=modelpack.key", "{model}"], 2, "--predicate"),
    "predicate and provenance": (
        ["attest", "--key=k", "--provenance", "--predicate=p", "{model}"],
        2,
        "one of them",
    ),
    "a type that is none": (
        ["attest", "--key=modelpack.key", "--predicate=list", "--type=x", "{model}"],
        2,
        "no predicate type",
    ),
    "a signature by attest": (
        [
            "attest",
            "--key=modelpack.key",
            "--predicate=list",
            f"--type={SIGNATURE}",
            "{model}",
        ],
        2,
        "use sign",
    ),
    "a document of another kind": (
        [
            "attest",
            "--key=modelpack.key",
            "--predicate=list",
            "--type=cyclonedx",
            "{model}",
        ],
        2,
        "predicate.bomFormat: is missing",
    ),
    "a data set without a digest": (
        [
            "attest",
            "--key=modelpack.key",
            "--provenance",
            "--dataset=https://x",
            "{model}",
        ],
        2,
        "has no digest",
    ),
    "a key without --sign": (
        ["push", "model", "{model}", "--key=modelpack.key"],
        2,
        "--sign",
    ),
}


@pytest.mark.parametrize(
    ("arguments", "code", "said"), ERRORS.values(), ids=ERRORS.keys()
)
def test_a_wrong_use_says_what_is_wrong(
    desk: Desk, arguments: list[str], code: int, said: str
) -> None:
    (desk.folder / "list").write_text("{}")
    done = desk.run(*(each.format(model=desk.model) for each in arguments))
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("variable", ["MODELPACK_PASSWORD", "COSIGN_PASSWORD"])
def test_a_wrong_password_is_refused(desk: Desk, variable: str) -> None:
    done = desk.run("sign", "--key=modelpack.key", desk.model, **{variable: "wrong"})
    assert done.returncode == 3
    assert "modelpack.key: the password is not the key's" in done.stderr


def test_without_a_terminal_a_password_is_not_waited_for(desk: Desk) -> None:
    done = desk.run("sign", "--key=modelpack.key", desk.model, LC_ALL="C.UTF-8")
    assert done.returncode == 2
    assert "MODELPACK_PASSWORD" in done.stderr


def test_provenance_names_the_commit(desk: Desk) -> None:
    source = desk.folder / "source"
    source.mkdir()

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", *arguments],
            cwd=source,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    git("init", "-q")
    (source / "train.py").write_text("pass")
    git("add", ".")
    git("commit", "-qm", "Train")
    git("remote", "add", "origin", "https://user:secret@example.com/team/model.git")
    attest = ("attest", "--key=modelpack.key", "--provenance", "--source", "source")
    base = f"oci://example.com/base@sha256:{'a' * 64}"
    said = desk.run(*attest, "--base-model", base, "--parameter", "lr=1", desk.model)
    assert said.returncode == 0, said.stderr
    verify = ("verify", "--key=modelpack.pub", "--type=slsaprovenance1", desk.model)
    found = json.loads(desk.run(*verify, "--format=json").stdout)
    definition = found["verified"][0]["predicate"]["buildDefinition"]
    assert definition["resolvedDependencies"] == [
        {
            "name": "source",
            "uri": "git+https://example.com/team/model.git",
            "digest": {"gitCommit": git("rev-parse", "HEAD")},
        },
        {
            "name": "base-model",
            "uri": "oci://example.com/base",
            "digest": {"sha256": "a" * 64},
        },
    ]
    assert definition["externalParameters"] == {"parameters": {"lr": "1"}}
    (source / "train.py").write_text("print()")
    dirty = desk.run(*attest, desk.model)
    assert dirty.returncode == 2
    assert "differ from its commit" in dirty.stderr


def test_a_refusal_stays_one_where_nobody_reads_it(desk: Desk) -> None:
    """`verify … | true`: a pipe that is closed must not turn no into yes."""
    for arguments in (
        ("--key", "modelpack.pub"),
        ("--key", "modelpack.pub", "--debug"),
    ):
        process = subprocess.Popen(
            [sys.executable, "-m", "modelpack", "verify", *arguments, desk.model],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=desk.folder,
            env={"HOME": str(desk.folder), "PATH": os.environ["PATH"]},
        )
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(timeout=60) == 3


def test_a_yes_that_nobody_reads_is_no_zero(desk: Desk) -> None:
    assert desk.run("sign", "--key", "modelpack.key", desk.model).returncode == 0
    with subprocess.Popen(
        [sys.executable, "-m", "modelpack", "ls", desk.model.removesuffix(":1")],
        stdout=subprocess.PIPE,
        cwd=desk.folder,
        env={"HOME": str(desk.folder), "PATH": os.environ["PATH"]},
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(timeout=60) == 141


@pytest.mark.parametrize("token", ["opaque-secret", "a.b.c.d.e-secret", "a/b.c-secret"])
def test_a_token_of_another_form_is_not_shown(desk: Desk, token: str) -> None:
    for arguments, environment in (
        (("--identity-token", token), {}),
        ((), {"SIGSTORE_ID_TOKEN": token}),
    ):
        done = desk.run(
            "sign", "--yes", *arguments, desk.model, **PASSWORD, **environment
        )
        assert done.returncode == 2
        assert "secret" not in done.stdout + done.stderr


def test_a_key_in_place_of_its_file_is_not_shown(desk: Desk) -> None:
    text = (desk.folder / "modelpack.key").read_text()
    done = desk.run("sign", "--key", text, desk.model)
    assert done.returncode == 2
    assert text.splitlines()[1] not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "more",
    [
        ("--require", "2"),
        ("--type", "cyclonedx"),
        ("-a", "a=b"),
        ("--directory", "x"),
        ("--format", "json"),
    ],
)
def test_what_a_model_signature_cannot_say_is_not_dropped(
    desk: Desk, more: tuple[str, ...]
) -> None:
    oms = ("--oms", "copy/m.sig", "copy")
    done = desk.run("verify", "--key", "modelpack.pub", *more, *oms)
    assert done.returncode == 2
    assert "--oms checks a directory" in done.stderr


def test_git_gets_no_password_and_runs_no_monitor(desk: Desk) -> None:
    """A repository's own configuration can name programs that git starts."""
    source = desk.folder / "source"
    source.mkdir()
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C", source)
    (source / "train.py").write_text("pass")
    (source / "spy.sh").write_text('#!/bin/sh\nenv > "$(dirname "$0")/../seen"\ncat\n')
    (source / "spy.sh").chmod(0o755)
    for arguments in (
        ("init", "-q"),
        ("add", "."),
        ("commit", "-qm", "first"),
        ("config", "core.fsmonitor", "./spy.sh"),
        ("config", "filter.x.clean", "./spy.sh"),
    ):
        subprocess.run([*git, *arguments], check=True)
    said = ("--provenance", "--source", "source", "--key", "modelpack.key")
    done = desk.run("attest", *said, desk.model)
    assert done.returncode == 0, done.stderr
    assert not (desk.folder / "seen").exists()
    (source / ".git" / "info" / "attributes").write_text("*.py filter=x\n")
    (source / "train.py").touch()
    desk.run("attest", *said, desk.model)
    assert not (desk.folder / "seen").exists()


def test_an_identity_that_is_empty_was_given_all_the_same(desk: Desk) -> None:
    """A variable that is not set must not leave the key alone to decide."""
    empty = ("--certificate-identity", "", "--certificate-oidc-issuer", "")
    done = desk.run("verify", "--key", "modelpack.pub", *empty, desk.model)
    assert done.returncode == 2
    assert "who is to be believed?" in done.stderr


def test_a_type_that_no_parser_takes_is_named(desk: Desk) -> None:
    done = desk.run(
        "verify", "--key", "modelpack.pub", "--type", "http://[", desk.model
    )
    assert done.returncode == 2
    assert "is no predicate type" in done.stderr


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_refusal_stays_one_where_streams_are_closed(desk: Desk, closed: str) -> None:
    program = f"{sys.executable} -m modelpack verify --key modelpack.pub {desk.model}"
    command = ["sh", "-c", f"{program} {closed}"]
    done = subprocess.run(command, cwd=desk.folder, check=False)
    assert done.returncode == 3


def test_a_deep_directory_is_compared_to_its_end(desk: Desk) -> None:
    desk.run("sign", "--key", "modelpack.key", desk.model)
    desk.run("pull", "-q", desk.model, "-o", "copy")
    at_the_end = desk.folder.joinpath("copy", *["d"] * 1100)
    subprocess.run(["mkdir", "-p", at_the_end], check=True)
    against = ("verify", "--key", "modelpack.pub", "--directory", "copy", desk.model)
    try:
        assert desk.run(*against).returncode == 0
        (at_the_end / "file").write_text("x")
        done = desk.run(*against)
    finally:
        # Python's own rmtree gives up on it.
        subprocess.run(["rm", "-rf", desk.folder / "copy" / "d"], check=True)
    assert done.returncode == 3
    assert "not part of what was signed" in done.stderr


def test_a_copy_stays_signed(desk: Desk) -> None:
    desk.run("sign", "--key", "modelpack.key", desk.model)
    place = desk.model.rpartition(":")[0]
    carried = desk.run("copy", "-q", desk.model, "oci-archive:carried.tar")
    assert carried.returncode == 0, carried.stderr
    digest = carried.stdout.strip().rpartition("@")[2]
    inside = desk.run("copy", "oci-archive:carried.tar:1", f"{place}-inside:approved")
    assert inside.stdout == f"{place}-inside@{digest}\n"
    assert "copied" in inside.stderr
    assert "weights.bin" in inside.stderr
    for goal in ("oci-archive:carried.tar:1", f"{place}-inside:approved"):
        done = desk.run("verify", "--key", "modelpack.pub", goal)
        assert done.returncode == 0, done.stderr
    bare = desk.run("copy", "--no-referrers", desk.model, f"{place}-bare")
    assert "mounted" in bare.stderr
    done = desk.run("verify", "--key", "modelpack.pub", f"{place}-bare:1")
    assert done.returncode == 3
    refused = desk.run("copy", desk.model, f"{place}@{digest}")
    assert refused.returncode == 2
    assert "a copy has the digest of what is copied" in refused.stderr
