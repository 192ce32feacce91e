"""How each program pushes and pulls a directory of files: the commands, nothing run.

Every program writes the artifact that it reads best: its own. All of them store files
as they are, without compression and, where they have the choice, without tar.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.interop.peers import PEERS, location


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One program to start, and where."""

    arguments: list[str]
    directory: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One push or pull: what, from where, to where."""

    reference: str
    """host:port/repository:tag"""
    files: Path
    """The directory to push."""
    target: Path
    """The directory to pull into; it does not exist yet."""
    scratch: Path
    """For the program's own files; it is also its home directory."""
    plain_http: bool
    references: tuple[str, ...] = ()
    """What is to be verified."""
    believed: tuple[str, ...] = ()
    """The flags that say who may have signed; they are the same for all programs."""
    split: str | None = None
    """Size of the parts to push files in, for the program that can."""

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.files.iterdir())


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program to measure. What is None it cannot do."""

    name: str
    executable: Path
    start: list[str]
    """The arguments with which it tells its version."""
    push: Callable[[Job], list[Command]] | None
    pull: Callable[[Job], list[Command]] | None = None
    verify: Callable[[Job], list[Command]] | None = None
    delivers_files: bool = True
    """False where it pulls blobs into an image layout instead."""


def _peer(name: str) -> Path:
    return location(PEERS[name])


def _beside_python(name: str) -> Path:
    return Path(sys.executable).with_name(name)


def _plain(job: Job, flag: str = "--plain-http") -> list[str]:
    return [flag] if job.plain_http else []


def _modelpack_push(job: Job) -> list[Command]:
    split = ["--split", job.split] if job.split else []
    command = [str(_beside_python("modelpack")), "push", *_plain(job), *split]
    return [Command(arguments=[*command, str(job.files), job.reference])]


def _modelpack_pull(job: Job) -> list[Command]:
    command = [str(_beside_python("modelpack")), "pull", *_plain(job), job.reference]
    return [Command(arguments=[*command, "-o", str(job.target)])]


def _modctl_push(job: Job) -> list[Command]:
    modelfile = job.scratch / "Modelfile"
    lines = ["NAME benchmark", *(f"MODEL {name}" for name in job.names)]
    modelfile.write_text("\n".join(lines) + "\n")
    command = [str(_peer("modctl")), "build", "--output-remote", *_plain(job)]
    arguments = ["-t", job.reference, "-f", str(modelfile), str(job.files)]
    return [Command(arguments=[*command, *arguments])]


def _modctl_pull(job: Job) -> list[Command]:
    command = [str(_peer("modctl")), "pull", *_plain(job), "--extract-from-remote"]
    arguments = ["--extract-dir", str(job.target), job.reference]
    return [Command(arguments=[*command, *arguments])]


def _kit_push(job: Job) -> list[Command]:
    """`kit push` sends only what `kit pack` has copied into its store before."""
    first, *others = job.names
    parts = "".join(f"    - path: {name}\n" for name in others)
    kitfile = job.scratch / "Kitfile"
    kitfile.write_text(
        'manifestVersion: "1.0.0"\n'
        "package:\n  name: benchmark\n"
        f"model:\n  name: benchmark\n  path: {first}\n"
        + (f"  parts:\n{parts}" if parts else "")
    )
    kit = str(_peer("kit"))
    form = ["--use-model-pack", "--layer-format", "raw", "-f", str(kitfile)]
    pack = [kit, "pack", *form, "-t", job.reference, str(job.files)]
    push = [kit, "push", *_plain(job), job.reference]
    return [Command(arguments=pack), Command(arguments=push)]


def _kit_pull(job: Job) -> list[Command]:
    command = [str(_peer("kit")), "unpack", *_plain(job), "-d", str(job.target)]
    return [Command(arguments=[*command, job.reference])]


def _oras_push(job: Job) -> list[Command]:
    command = [str(_peer("oras")), "push", *_plain(job), job.reference, *job.names]
    return [Command(arguments=command, directory=job.files)]


def _oras_pull(job: Job) -> list[Command]:
    command = [str(_peer("oras")), "pull", *_plain(job), "-o", str(job.target)]
    return [Command(arguments=[*command, job.reference])]


def _oras_py(job: Job, call: str) -> Command:
    client = f"OrasClient(insecure={job.plain_http}, tls_verify={not job.plain_http})"
    code = f"from oras.client import OrasClient; {client}.{call}"
    return Command(arguments=[sys.executable, "-c", code], directory=job.files)


def _oras_py_push(job: Job) -> list[Command]:
    return [_oras_py(job, f"push(target={job.reference!r}, files={job.names!r})")]


def _oras_py_pull(job: Job) -> list[Command]:
    target = str(job.target)
    return [_oras_py(job, f"pull(target={job.reference!r}, outdir={target!r})")]


def _skopeo_pull(job: Job) -> list[Command]:
    command = [str(_peer("skopeo")), "copy", "--insecure-policy"]
    source = f"docker://{job.reference}"
    arguments = [*_plain(job, "--src-tls-verify=false"), source]
    return [Command(arguments=[*command, *arguments, f"oci:{job.target}:benchmark"])]


def _modelpack_verify(job: Job) -> list[Command]:
    command = [str(_beside_python("modelpack")), "verify", "-q", *job.believed]
    if len(job.references) == 1:
        return [Command(arguments=[*command, *job.references])]
    names = job.scratch / "references"
    names.write_text("\n".join(job.references))
    return [Command(arguments=[*command, "--from-file", str(names)])]


def _cosign_verify(job: Job) -> list[Command]:
    """`cosign verify` takes several images only where all have the same signatures."""
    command = [str(_peer("cosign")), "verify", *job.believed]
    if "--key" in job.believed:
        command.append("--insecure-ignore-tlog")
    return [Command(arguments=[*command, each]) for each in job.references]


PROGRAMS: dict[str, Program] = {
    program.name: program
    for program in (
        Program(
            name="modelpack",
            executable=_beside_python("modelpack"),
            start=["--version"],
            push=_modelpack_push,
            pull=_modelpack_pull,
            verify=_modelpack_verify,
        ),
        Program(
            name="modctl",
            executable=_peer("modctl"),
            start=["version"],
            push=_modctl_push,
            pull=_modctl_pull,
        ),
        Program(
            name="kit",
            executable=_peer("kit"),
            start=["version"],
            push=_kit_push,
            pull=_kit_pull,
        ),
        Program(
            name="oras",
            executable=_peer("oras"),
            start=["version"],
            push=_oras_push,
            pull=_oras_pull,
        ),
        Program(
            name="oras-py",
            executable=Path(sys.executable),
            start=["-c", "import oras.client"],
            push=_oras_py_push,
            pull=_oras_py_pull,
        ),
        Program(
            name="skopeo",
            executable=_peer("skopeo"),
            start=["--version"],
            push=None,
            pull=_skopeo_pull,
            delivers_files=False,
        ),
        Program(
            name="cosign",
            executable=_peer("cosign"),
            start=["version"],
            push=None,
            verify=_cosign_verify,
        ),
    )
}
