"""What a CI system is told of a release: outputs, a dotenv report, a summary."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from modelpack.cli.text import human, plain
from modelpack.errors import LocalError, ModelpackError

if TYPE_CHECKING:
    from modelpack.api.releasing import ReleaseResult

# GitHub: "Workflow commands", environment files.
_OUTPUTS: Final = "GITHUB_OUTPUT"
_SUMMARY: Final = "GITHUB_STEP_SUMMARY"
_STEERS: Final = r"\`*_{}[]<>()#+-!|~"


def require_reports(environment: Mapping[str, str], dotenv: Path | None) -> None:
    """Refuse where a release could not be reported; for before anything is sent."""
    named = [environment.get(_OUTPUTS, ""), environment.get(_SUMMARY, "")]
    named += [str(dotenv)] if dotenv is not None else []
    for each in filter(None, named):
        there = Path(each).exists()
        _append(each, "")
        if not there:
            # It may lie in the model's own folder, which is read next.
            Path(each).unlink()


def report_release(
    result: ReleaseResult, environment: Mapping[str, str], dotenv: Path | None
) -> None:
    """Tell GitHub's runner, where there is one, and write GitLab's dotenv report."""
    outputs = {
        "reference": result.reference,
        "digest": str(result.digest),
        "tag": result.tag,
        "car": result.car,
    }
    _append(environment.get(_OUTPUTS), _lines(outputs))
    _append(environment.get(_SUMMARY), _summary(result))
    if dotenv is not None:
        named = {f"MODELPACK_{name.upper()}": value for name, value in outputs.items()}
        _append(str(dotenv), _lines(named))


def report_refusal(
    target: str, error: ModelpackError, environment: Mapping[str, str]
) -> None:
    """Show on GitHub's summary page why nothing was released."""
    reason = _escaped(str(error))
    text = f"## Not released: `{_code(target)}`\n\n{reason}\n"
    _append(environment.get(_SUMMARY), text)


def _lines(pairs: Mapping[str, str]) -> str:
    # References and digests: none has a line break in it.
    return "".join(f"{name}={plain(value)}\n" for name, value in pairs.items())


def _summary(result: ReleaseResult) -> str:
    rows = [
        ("reference", f"`{_code(result.reference)}`"),
        ("tag", f"`{_code(result.tag)}`"),
        ("files", f"{result.files}, {human(result.size)}"),
        ("image", f"`{_code(result.car)}`" if result.car else "none"),
        ("signed", "<br>".join(f"`{_code(kind)}`" for kind in result.predicates)),
        ("policy", _escaped(result.policy) if result.policy else "none was asked"),
    ]
    table = "".join(f"| {name} | {value} |\n" for name, value in rows)
    return f"## Released: `{_code(result.reference)}`\n\n| | |\n|---|---|\n{table}"


def _code(text: str) -> str:
    return plain(text).replace("`", "'").replace("|", "\\|")


def _escaped(text: str) -> str:
    """Return text that Markdown takes for text: file names come from anywhere."""
    return "".join(f"\\{c}" if c in _STEERS else c for c in plain(text))


def _append(path: str | None, text: str) -> None:
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise LocalError(error.strerror or str(error), where=path) from error
