"""Judge all files of a model together: what one says of another must hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from posixpath import dirname, join, normpath
from typing import Final

from modelpack.formats.kind import Kind
from modelpack.formats.names import shown
from modelpack.scanning.file import Judged
from modelpack.scanning.rules import Rule
from modelpack.scanning.verdict import FileVerdict, Finding, ScanReport

__all__ = ["conclude"]

MAX_NAMED: Final = 20

# How exporters name what holds a model's tensors: `model.onnx_data`, `model.onnx.data`,
# or a file for each tensor.
_RAW: Final = re.compile(
    r"(?:.*/)?(?:[^./][^/]*\.(?:onnx_data(?:_\d+)?|data|weight|bias)|[^./]+)"
)


def conclude(judged: Iterable[Judged]) -> ScanReport:
    """Give every file its last verdict, with what the others say of it."""
    files = {each.verdict.path: each for each in judged}
    holders = _external(files)
    verdicts = [
        _concluded(each, files, holders.get(path, ""))
        for path, each in sorted(files.items())
    ]
    return ScanReport(files=tuple(verdicts))


def _concluded(each: Judged, files: Mapping[str, Judged], holder: str) -> FileVerdict:
    verdict = each.verdict
    if holder and _is_raw(verdict):
        # Raw numbers look like nothing; a sound ONNX model says what they are.
        verdict = replace(verdict, findings=(), allowed=f"tensors of {holder}")
    more = [*_index(each, files), *_outside(each, files)]
    return replace(verdict, findings=(*verdict.findings, *more[:MAX_NAMED]))


def _is_raw(verdict: FileVerdict) -> bool:
    """Whether nothing is known of a file, nor made of it for its name."""
    rules = [finding.rule for finding in verdict.findings]
    return rules == [Rule.UNKNOWN_FORMAT] and bool(_RAW.fullmatch(verdict.path))


def _external(files: Mapping[str, Judged]) -> Mapping[str, str]:
    """Return which file holds tensors for which sound model."""
    return {
        _beside(path, tensor.location): path
        for path, each in files.items()
        if not each.verdict.findings
        for tensor in each.external
    }


def _outside(each: Judged, files: Mapping[str, Judged]) -> Iterator[Finding]:
    for tensor in each.external:
        other = files.get(_beside(each.verdict.path, tensor.location))
        if other is None:
            message = f"{shown(tensor.location)} is not part of the model"
        elif not _is_raw(other.verdict):
            message = f"{shown(tensor.location)} is not named or made as tensors are"
        elif tensor.end > other.verdict.size:
            message = f"{shown(tensor.location)} is too short"
        else:
            continue
        yield Finding(rule=Rule.EXTERNAL_DATA, message=message)


def _index(each: Judged, files: Mapping[str, Judged]) -> Iterator[Finding]:
    """Check a shard index: every file is there, and holds the tensors it names."""
    missing: set[str] = set()
    for tensor, name in each.weight_map.items():
        shard = files.get(_beside(each.verdict.path, name))
        if shard is None:
            if name not in missing:
                yield Finding(rule=Rule.MISSING_SHARD, message=f"{shown(name)}")
            missing.add(name)
        elif shard.verdict.kind is Kind.SAFETENSORS and tensor not in shard.tensors:
            yield Finding(
                rule=Rule.MISSING_TENSOR,
                message=f"{shown(name)} has no tensor {shown(tensor)}",
            )


def _beside(path: str, name: str) -> str:
    """Return the path of what a file names beside itself; "" leads out of it."""
    if name.startswith("/") or "\\" in name or "\0" in name:
        return ""
    found = normpath(join(dirname(path), name))
    inside = dirname(path)
    return found if not inside or found.startswith(f"{inside}/") else ""
