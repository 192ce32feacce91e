"""As much of GitHub's runner as a composite action needs.

After "Metadata syntax for GitHub Actions" and "Workflow commands for GitHub Actions".
"""

import http.server
import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import yaml

from tests.docs.pages import ROOT

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


@dataclass(frozen=True)
class Ended:
    """How an action ended."""

    code: int
    log: str
    outputs: Mapping[str, str]
    summary: str
    path: str


def run_action(
    inputs: Mapping[str, str],
    *,
    folder: Path,
    temporary: Path,
    environment: Mapping[str, str],
    leave_out: str = "",
) -> Ended:
    """Run this repository's action.yml; not the step whose name is ``leave_out``."""
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    known = action["inputs"]
    assert set(inputs) <= set(known), "GitHub warns of an input that is not declared"
    missing = [
        name
        for name, each in known.items()
        if each.get("required") and name not in inputs
    ]
    assert not missing
    context = {
        "github.action_path": str(ROOT),
        **{
            f"inputs.{name}": inputs.get(name, each.get("default", ""))
            for name, each in known.items()
        },
    }
    log = summary = ""
    code = 0
    path = environment["PATH"]
    temporary.mkdir(exist_ok=True)
    for number, step in enumerate(action["runs"]["steps"]):
        if step["name"] == leave_out:
            continue
        assert step["shell"] == "bash"
        assert not _EXPRESSION.search(step["run"]), "an input in the text of a script"
        script = temporary / f"{number}.sh"
        script.write_text(step["run"])
        files = {
            name: temporary / f"{number}-{name}"
            for name in ("GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")
        }
        for file in files.values():
            file.touch()
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=folder,
            env={
                **environment,
                "PATH": path,
                "RUNNER_TEMP": str(temporary),
                **{name: str(file) for name, file in files.items()},
                **{k: _filled(v, context) for k, v in step.get("env", {}).items()},
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=600,
        )
        log += done.stdout
        summary += files["GITHUB_STEP_SUMMARY"].read_text("utf-8")
        added = files["GITHUB_PATH"].read_text("utf-8").split()
        path = ":".join([*reversed(added), path])
        for name, value in _outputs(files["GITHUB_OUTPUT"]):
            context[f"steps.{step.get('id', number)}.outputs.{name}"] = value
        code = done.returncode
        if code:
            break
    outputs = {
        name: _filled(each["value"], context, missing="")
        for name, each in action["outputs"].items()
    }
    return Ended(code=code, log=log, outputs=outputs, summary=summary, path=path)


@contextmanager
def job_tokens(token: Callable[[], str]) -> Iterator[Mapping[str, str]]:
    """Serve what a job with `id-token: write` gets its token from."""
    secret = "of the job"

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query)
            good = self.headers["Authorization"] == f"bearer {secret}"
            good = good and asked.get("audience") == ["sigstore"]
            body = json.dumps({"value": token()}).encode()
            self.send_response(200 if good else 403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}
    )
    thread.start()
    try:
        yield {
            "ACTIONS_ID_TOKEN_REQUEST_URL": (
                f"http://127.0.0.1:{server.server_port}/token?api-version=2.0"
            ),
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": secret,
        }
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _filled(
    text: str, context: Mapping[str, str], *, missing: str | None = None
) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1]
        return context[name] if missing is None else context.get(name, missing)

    return _EXPRESSION.sub(value, text)


def _outputs(file: Path) -> Iterator[tuple[str, str]]:
    for line in file.read_text("utf-8").splitlines():
        name, equals, value = line.partition("=")
        assert equals, f"the runner would refuse {line!r}"
        yield name, value
