"""What a command prints, where, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from modelpack.errors import LocalError
from modelpack.serve.registry import RegistryServer

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text('{"architectures": ["BertModel"]}')
    (folder / "weights.bin").write_bytes(bytes(3_000_000))
    return folder


def run(tmp_path: Path, *arguments: str | Path, **environment: str) -> Done:
    inherited = {k: os.environ[k] for k in ("PATH", "LANG") if k in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "modelpack", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**inherited, "HOME": str(tmp_path / "home"), **environment},
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


def test_push_and_pull_print_one_pinned_reference(
    tmp_path: Path, registry: str, model: Path
) -> None:
    pushed = run(tmp_path, "push", model, f"{registry}/team/model:1")
    assert pushed.returncode == 0, pushed.stderr
    assert pushed.stdout.startswith(f"{registry}/team/model@sha256:")
    assert pushed.stdout.count("\n") == 1
    assert "pushed" in pushed.stderr
    pulled = run(tmp_path, "pull", pushed.stdout.strip())
    assert pulled.stdout == pushed.stdout
    assert (tmp_path / "model/weights.bin").exists()
    assert "admitted without a policy" in pulled.stderr


def test_a_registry_may_be_at_an_address_of_ipv6(tmp_path: Path, model: Path) -> None:
    try:
        server = RegistryServer(host="::1")
    except LocalError:
        pytest.skip("there is no IPv6 here")
    with server:
        assert server.address.startswith("[::1]:")
        pushed = run(tmp_path, "push", model, f"{server.address}/team/model:1")
        assert pushed.returncode == 0, pushed.stderr
        pulled = run(tmp_path, "pull", pushed.stdout.strip(), "-o", "copy")
    assert pulled.stdout == pushed.stdout
    assert (tmp_path / "copy/weights.bin").read_bytes() == bytes(3_000_000)


def test_quiet_says_nothing_but_the_result(
    tmp_path: Path, registry: str, model: Path
) -> None:
    done = run(tmp_path, "push", "-q", model, f"{registry}/team/model:1")
    assert (done.returncode, done.stderr) == (0, "")


def test_json_is_one_document(tmp_path: Path, registry: str, model: Path) -> None:
    place = f"{registry}/team/model"
    pushed = run(tmp_path, "push", "--format", "json", model, f"{place}:1")
    document = json.loads(pushed.stdout)
    assert document["reference"] == f"{place}@{document['digest']}"
    assert [f["path"] for f in document["files"]] == ["config.json", "weights.bin"]
    looked = json.loads(run(tmp_path, "inspect", f"{place}:1", "--format=json").stdout)
    assert looked["architecture"] == "BertModel"
    assert json.loads(run(tmp_path, "ls", place, "--format=json").stdout)["tags"] == [
        "1"
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["push", "{model}", "team/model:1"], 2, "names no registry host"),
        (["push", "{model}", "{registry}"], 2, "names a host, but no repository"),
        (["push", "{model}", "{registry}/UPPER:1"], 2, "not a repository name"),
        (["push", "{model}/nothing", "{registry}/m:1"], 2, "cannot be opened"),
        (["push", "{model}", "{registry}/m:1", "--split", "x"], 2, "not a size"),
        (["push", "{model}", "{registry}/m:1", "--annotation", "x"], 2, "KEY=VALUE"),
        (["push", "{model}", "{registry}/m:1", "--nonsense"], 2, "No such option"),
        (["pull", "{registry}/absent:1"], 5, "there is no such artifact"),
        (["ls", "oci:absent"], 2, "there is no such layout"),
        (["rm", "{registry}/m"], 2, "name a tag or a digest"),
        (["login", "{registry}"], 2, "user name"),
        (["push", "{model}", "{registry}/m:1", "--ca-file", "no"], 2, "no such file"),
    ],
)
def test_an_error_is_one_line_and_a_code(
    tmp_path: Path,
    registry: str,
    model: Path,
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    filled = [a.format(model=model, registry=registry) for a in arguments]
    done = run(tmp_path, *filled)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert said in errors[0]
    assert "Traceback" not in done.stderr


def test_debug_shows_where_it_failed(tmp_path: Path, registry: str) -> None:
    done = run(tmp_path, "pull", "--debug", f"{registry}/absent:1")
    assert done.returncode == 5
    assert "Traceback" in done.stderr


def test_altered_bytes_end_with_3_and_leave_nothing(
    tmp_path: Path, registry: str, model: Path
) -> None:
    place = f"{registry}/team/model:1"
    run(tmp_path, "push", "-q", model, place)
    layer = max(
        (tmp_path / "registry").rglob("blobs/sha256/*"), key=lambda p: p.stat().st_size
    )
    layer.chmod(0o600)
    layer.write_bytes(b"x" + layer.read_bytes()[1:])
    done = run(tmp_path, "pull", place, "-o", "out")
    assert done.returncode == 3, done.stderr
    assert "weights.bin" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("epoch", ["²", "-1", "1e9", "999999999999999999"])
def test_a_strange_epoch_is_refused(
    tmp_path: Path, registry: str, model: Path, epoch: str
) -> None:
    place = f"{registry}/m:1"
    done = run(tmp_path, "push", model, place, SOURCE_DATE_EPOCH=epoch)
    assert done.returncode == 2
    assert "SOURCE_DATE_EPOCH" in done.stderr


def test_an_epoch_is_the_time_of_creation(
    tmp_path: Path, registry: str, model: Path
) -> None:
    place = f"{registry}/m:1"
    run(tmp_path, "push", "-q", model, place, SOURCE_DATE_EPOCH="86400")
    assert "1970-01-02T00:00:00Z" in run(tmp_path, "inspect", place).stdout


def test_text_from_outside_steers_no_terminal(
    tmp_path: Path, registry: str, model: Path
) -> None:
    (model / "README.md").write_text("---\nlicense: mit\n---\n")
    place = f"{registry}/m:1"
    run(tmp_path, "push", "-q", model, place)
    done = run(tmp_path, "pull", f"{registry}/m:1\x1b[31m")
    assert done.returncode == 2
    assert "\x1b" not in done.stderr


def test_the_version_loads_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['modelpack', '--version'];"
        "from modelpack.cli.main import main; main();"
        "print(sorted({'typer', 'urllib3', 'rich', 'oras', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        timeout=60,
    )
    assert done.stdout == f"modelpack {_version()}\n[]\n"


def _version() -> str:
    from modelpack import __version__

    return __version__


def test_completion_is_offered(tmp_path: Path) -> None:
    # Else the shell that this runs in would decide.
    fixed = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "True"}
    done = run(tmp_path, "--show-completion", "bash", **fixed)
    assert "complete_bash" in done.stdout


def test_the_same_files_give_the_same_digest(
    tmp_path: Path, registry: str, model: Path
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("weights.bin", "config.json"):
        (copy / name).write_bytes((model / name).read_bytes())
        (copy / name).chmod(0o600)
        os.utime(copy / name, (1, 1))
    first = run(tmp_path, "push", "-q", model, f"{registry}/a:1").stdout
    second = run(tmp_path, "push", "-q", copy, f"{registry}/b:1").stdout
    assert first.partition("@")[2] == second.partition("@")[2]


_SMALL = """
import re, sys
from pathlib import Path
from modelpack.api import push, pull
from modelpack import Settings
push(sys.argv[1], sys.argv[2], settings=Settings())
pull(sys.argv[2], sys.argv[3], settings=Settings())
# Not ru_maxrss, into which the kernel counts the parent at the moment of its fork.
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
print(int(peak[1]) // 1024)
"""


def test_memory_does_not_grow_with_the_model(tmp_path: Path, registry: str) -> None:
    folder = tmp_path / "sparse"
    folder.mkdir()
    with (folder / "weights.bin").open("wb") as file:
        file.truncate(300 << 20)
    done = subprocess.run(
        [sys.executable, "-c", _SMALL, folder, f"{registry}/m:1", tmp_path / "out"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 150


def test_removing_goes_on_where_one_fails(
    tmp_path: Path, registry: str, model: Path
) -> None:
    place = f"{registry}/team/model"
    run(tmp_path, "push", model, f"{place}:1")
    removed = run(tmp_path, "rm", f"{place}:2", f"{place}:1", "no-host:1")
    assert removed.returncode == 5
    assert removed.stdout == f"{place}:1\n"
    assert removed.stderr.count("error: ") == 2
    listed = run(tmp_path, "ls", place)
    assert (listed.returncode, listed.stdout) == (0, "")
    assert listed.stderr == f"there are no tags in {place}\n"


def test_a_comparison_counts_the_tensors_of_new_files(
    tmp_path: Path, registry: str, model: Path
) -> None:
    before, after = f"{registry}/team/model:1", f"{registry}/team/model:2"
    run(tmp_path, "push", model, before)
    same = run(tmp_path, "diff", before, before)
    assert (same.stdout, same.stderr) == ("", "they have the same files\n")
    tensor = b'{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'
    weights = len(tensor).to_bytes(8, "little") + tensor
    (model / "model.safetensors").write_bytes(weights)
    run(tmp_path, "push", model, after)
    size = f"{len(weights)} B"
    told = run(tmp_path, "diff", before, after).stdout
    assert told == f"+ model.safetensors  {size}  1 tensor\n"
    told = run(tmp_path, "diff", after, before).stdout
    assert told == f"- model.safetensors  {size}  1 tensor\n"


def test_a_refused_connection_is_told_once(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        pulled = run(tmp_path, "pull", f"{place}/team/model:1")
    assert pulled.returncode == 5
    refused = f"{place}: the connection was refused"
    assert pulled.stderr.count(f"waiting, to try again: {refused}\n") == 1
    assert pulled.stderr.count("waiting") == 1
    assert f"error: {refused}\nhint: " in pulled.stderr


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_registry_ends_well_whoever_ends_it(
    tmp_path: Path, ending: signal.Signals
) -> None:
    command = [sys.executable, "-m", "modelpack", "registry", "serve", "--port", "0"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as serving:
        assert serving.stdout is not None
        assert serving.stdout.readline()
        serving.send_signal(ending)
        assert serving.wait(timeout=30) == 0
    assert not list(tmp_path.iterdir())


def test_a_result_that_the_disk_has_no_room_for_is_no_fault_of_ours(
    tmp_path: Path, registry: str, model: Path
) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full here")
    pushing = ["push", str(model), f"{registry}/a/b:1"]
    command = [sys.executable, "-m", "modelpack", *pushing]
    with full.open("wb") as nowhere:
        done = subprocess.run(
            command, stdout=nowhere, stderr=subprocess.PIPE, check=False, cwd=tmp_path
        )
        assert done.returncode == 7
        assert b"error: standard output: No space left" in done.stderr
        assert b"Exception ignored" not in done.stderr
        # What goes wrong with progress does not end the push.
        done = subprocess.run(
            command, stderr=nowhere, stdout=subprocess.PIPE, check=False, cwd=tmp_path
        )
    assert done.returncode == 0
    assert done.stdout.startswith(f"{registry}/a/b@sha256:".encode())


_NO_UTF8 = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_names_are_utf8_in_every_locale(
    tmp_path: Path, registry: str, model: Path
) -> None:
    (model / "größe.json").write_text("{}")
    here = run(tmp_path, "push", "-q", model, f"{registry}/team/model:1")
    assert here.returncode == 0, here.stderr
    there = run(tmp_path, "push", "-q", model, f"{registry}/team/model:2", **_NO_UTF8)
    assert (there.returncode, there.stdout) == (0, here.stdout), there.stderr
    pulled = run(tmp_path, "pull", here.stdout.strip(), "-o", "copy", **_NO_UTF8)
    assert pulled.returncode == 0, pulled.stderr
    assert (tmp_path / "copy" / "größe.json").exists()


def test_the_sdk_refuses_to_guess_names(tmp_path: Path, model: Path) -> None:
    program = f"import modelpack; modelpack.push({str(model)!r}, 'oci:layout:1')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **_NO_UTF8},
    )
    assert "LocalError: file names are taken for" in done.stderr
    assert not (tmp_path / "layout").exists()


@pytest.mark.parametrize(
    ("words", "offered"),
    [("modelpack pu", {"push", "pull"}), ("modelpack push --sp", {"--split"})],
)
def test_a_shell_can_complete_what_is_typed(
    tmp_path: Path, words: str, offered: set[str]
) -> None:
    asked = {
        "_MODELPACK_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    # A shell runs the program under its own name.
    program = Path(sys.executable).with_name("modelpack")
    done = subprocess.run(
        [program],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **asked},
    )
    assert set(done.stdout.split()) == offered, done.stderr


@pytest.mark.parametrize("verb", ["push", "pull"])
def test_nothing_is_loaded_that_a_plain_transfer_does_not_need(
    tmp_path: Path, registry: str, model: Path, verb: str
) -> None:
    reference = f"{registry}/team/model:1"
    pushed = run(tmp_path, "push", "-q", model, reference)
    assert pushed.returncode == 0, pushed.stderr
    arguments = ["push", str(model), reference] if verb == "push" else [verb, reference]
    program = (
        "import sys; from modelpack.cli.main import run\n"
        f"sys.argv = {['modelpack', *arguments]!r}; assert run() == 0\n"
        "never = {'cryptography', 'sigstore', 'pathspec', 'oras', 'requests', "
        "'cel_expr_python', 'modelpack.attestation.bundle', 'rich.progress'}\n"
        "print(sorted(never & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path / "home" if verb == "push" else tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home")},
    )
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr
