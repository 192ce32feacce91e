"""The rules a file can break, each with a name that stays.

An allow-list: a format that no rule here lets through is refused. The names are
what policies, SARIF and signed scans say.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["RULES", "Allowance", "Rule", "RuleText"]


class Rule(StrEnum):
    """What is wrong with a file."""

    ARCHIVE = "archive"
    CHAT_TEMPLATE = "chat-template"
    CODE = "code"
    CUSTOM_OPERATORS = "custom-operators"
    EXECUTABLE = "executable"
    EXTERNAL_DATA = "external-data"
    HDF5 = "hdf5"
    KERAS = "keras"
    MALFORMED = "malformed"
    MISSING_SHARD = "missing-shard"
    MISSING_TENSOR = "missing-tensor"
    NAME_MISMATCH = "name-mismatch"
    NOT_JUDGED = "not-judged"
    OTHER_SCANNER = "other-scanner"
    PDF = "pdf"
    PICKLE = "pickle"
    REMOTE_CODE = "remote-code"
    SAVED_MODEL = "saved-model"
    SECRET = "secret"  # noqa: S105 - the name of a rule
    TORCH_SCRIPT = "torch-script"
    UNKNOWN_FORMAT = "unknown-format"
    WASM_IMPORTS = "wasm-imports"


class Allowance(StrEnum):
    """What may be let through where it is asked for by name."""

    TORCH_WEIGHTS_ONLY = "torch-weights-only"


@dataclass(frozen=True, slots=True)
class RuleText:
    """What a rule is about, for people: one line, and what to do."""

    title: str
    remedy: str
    severity: float
    """From 0 to 10, as code-scanning pages want it."""


RULES: Final = {
    Rule.ARCHIVE: RuleText(
        "An archive, whose content nobody has judged",
        "Pack the files that are in it.",
        7.0,
    ),
    Rule.CHAT_TEMPLATE: RuleText(
        "A chat template that reaches beyond its messages",
        "Compare it with the base model's template; remove what is not formatting.",
        9.0,
    ),
    Rule.CODE: RuleText(
        "A program that loading the model may run",
        "Leave it out, or publish it as a package that can be reviewed.",
        7.0,
    ),
    Rule.CUSTOM_OPERATORS: RuleText(
        "Operators that only native code from elsewhere can run",
        "Export the model with standard operators.",
        6.0,
    ),
    Rule.EXECUTABLE: RuleText(
        "An executable file",
        "Leave it out.",
        9.0,
    ),
    Rule.EXTERNAL_DATA: RuleText(
        "Tensors that lie in a file that is not part of the model",
        "Pack the file beside the model, and name it by a relative path.",
        8.0,
    ),
    Rule.HDF5: RuleText(
        "HDF5, which Keras loads without its safe mode, and which can name files",
        "Convert the weights to safetensors.",
        8.0,
    ),
    Rule.KERAS: RuleText(
        "A Keras archive, which has classes imported, with HDF5 inside",
        "Convert the weights to safetensors.",
        8.0,
    ),
    Rule.MALFORMED: RuleText(
        "A file that two readers could read in two ways, or not at all",
        "Write it again with the format's own library.",
        8.0,
    ),
    Rule.MISSING_SHARD: RuleText(
        "An index that names a file which is not there",
        "Pack all shards, or write the index again.",
        5.0,
    ),
    Rule.MISSING_TENSOR: RuleText(
        "An index that names a tensor which its file does not hold",
        "Write the index again.",
        5.0,
    ),
    Rule.NAME_MISMATCH: RuleText(
        "A name that promises another format than the content has",
        "Give the file its true name.",
        7.0,
    ),
    Rule.NOT_JUDGED: RuleText(
        "A file that could not be judged, and therefore does not pass",
        "See the message; make the file smaller, or leave it out.",
        5.0,
    ),
    Rule.OTHER_SCANNER: RuleText(
        "What another scanner objects to",
        "See the message, and that scanner's own pages.",
        8.0,
    ),
    Rule.PDF: RuleText(
        "A PDF, which can hold programs",
        "Leave it out, or link to it.",
        4.0,
    ),
    Rule.PICKLE: RuleText(
        "A pickle, which is a program that loading runs",
        "Convert the weights to safetensors.",
        9.0,
    ),
    Rule.REMOTE_CODE: RuleText(
        "A configuration that has code of the model's own imported",
        "Use an architecture that the library itself has.",
        9.0,
    ),
    Rule.SAVED_MODEL: RuleText(
        "A TensorFlow graph, which is a program that can read and write files",
        "Convert the weights to safetensors, or the graph to TFLite or ONNX.",
        8.0,
    ),
    Rule.SECRET: RuleText(
        "What looks like a credential",
        "Revoke it, and leave it out.",
        8.0,
    ),
    Rule.TORCH_SCRIPT: RuleText(
        "TorchScript, which is a program",
        "Save the weights alone, as safetensors.",
        8.0,
    ),
    Rule.UNKNOWN_FORMAT: RuleText(
        "Content of no format that is known to be safe to load",
        "Leave it out, or convert it to safetensors, GGUF or ONNX.",
        6.0,
    ),
    Rule.WASM_IMPORTS: RuleText(
        "WASM that imports what no sandbox of ours grants",
        "Build it for WASI, without sockets.",
        7.0,
    ),
}
