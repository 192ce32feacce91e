"""What a TensorFlow SavedModel says: who wrote it, and which operators it runs.

``saved_model.proto`` and what it includes, walked without a schema of all of it: such
a graph is a program, and passes in no case.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.protobuf import Message
from modelpack.formats.window import Window

__all__ = ["SavedModel", "looks_like_saved_model", "parse_saved_model"]

# Operators that read or write files, run Python, or open what lies elsewhere.
_REACHING: Final = frozenset(
    {"ReadFile", "WriteFile", "MatchingFiles", "PyFunc", "PyFuncStateless"}
    | {"EagerPyFunc", "SaveV2", "Save", "SaveSlices", "MergeV2Checkpoints"}
    | {"PrintV2", "TextLineDataset", "TFRecordDataset", "FixedLengthRecordDatasetV2"}
    | {"RestoreV2", "Restore", "InitializeTableFromTextFileV2", "RpcCall", "RpcClient"}
)
_VERSION: Final = b"\x08\x01\x12"  # saved_model_schema_version 1, then meta_graphs


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedModel:
    """``reaching`` are operators that go beyond computing, each once, sorted."""

    producer: str
    reaching: tuple[str, ...]


def looks_like_saved_model(head: bytes) -> bool:
    """Tell whether it begins as one does; protobuf has no magic."""
    return head.startswith(_VERSION)


def parse_saved_model(window: Window) -> SavedModel:
    """Walk the graphs and their functions; raise ``InvalidInput`` for no SavedModel."""
    producer, operators, graphs = "", set[str](), 0
    message = Message.of(window)
    for found in message.fields(frozenset({1, 2})):
        if found.number == 1:
            continue
        graphs += 1
        meta = message.inner(found, "meta_graphs")
        for part in meta.fields():
            if part.number == 1:
                producer = _version(meta.inner(part, "meta_info_def")) or producer
            elif part.number == 2:  # noqa: PLR2004 - graph_def
                operators.update(_operators(meta.inner(part, "graph_def")))
    if not graphs:
        raise InvalidInput("holds no graph", where=window.name)
    return SavedModel(
        producer=f"tensorflow {producer}".strip(),
        reaching=tuple(sorted(operators & _REACHING)),
    )


def _version(info: Message) -> str:
    for found in info.fields():
        if found.number == 5:  # noqa: PLR2004 - tensorflow_version
            return info.text(found, "tensorflow_version", limit=64)
    return ""


def _operators(graph: Message) -> Iterator[str]:
    for found in graph.fields():
        if found.number == 1:
            yield from _operator(graph.inner(found, "node"))
        elif found.number == 2:  # noqa: PLR2004 - library
            library = graph.inner(found, "library")
            for function in library.fields():
                if function.number == 1:
                    yield from _of_function(library.inner(function, "function"))


def _of_function(function: Message) -> Iterator[str]:
    for found in function.fields():
        if found.number == 3:  # noqa: PLR2004 - node_def
            yield from _operator(function.inner(found, "node_def"))


def _operator(node: Message) -> Iterator[str]:
    for found in node.fields():
        if found.number == 2:  # noqa: PLR2004 - op
            yield node.text(found, "op")
