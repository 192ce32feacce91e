"""What `config.json` and `adapter_config.json` tell of a Hugging Face model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.names import checked_text
from modelpack.formats.window import Window
from modelpack.oci.strict_json import parse_object

__all__ = [
    "AdapterConfig",
    "ModelConfig",
    "parse_adapter_config",
    "parse_config",
    "parse_template",
]

MAX_SIZE: Final = 1 << 20
MAX_TEXT: Final = 256
MAX_PATH: Final = 4096
MAX_ITEMS: Final = 64
MAX_NUMBER: Final = 2**53
MAX_TEMPLATE_FILE: Final = 16 << 20

_CONTEXT: Final = (
    "max_position_embeddings",
    "n_positions",
    "max_sequence_length",
    "max_seq_len",
    "n_ctx",
)

# A name on the hub: `gpt2` or `org/name`. All else is somebody's directory.
_HUB_NAME = re.compile(r"(?:[A-Za-z0-9][\w.-]*/)?[A-Za-z0-9][\w.-]*", re.ASCII)
# These look like names on the hub, but are what people call their directories.
_DIRECTORY = re.compile(
    r"(?:(?:\./)?(?:checkpoints?|ckpts?|data|experiments?|exp|home|logs?|mnt|models?|"
    r"opt|out|outputs?|results?|root|runs?|save[ds]?|temp|tmp|train(?:ing)?|weights?|"
    r"workspace)(?:/.*)?)|(?:.*/)?checkpoint-\d+",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """A `config.json`; None or empty where it says nothing.

    ``remote_code`` is true where loading the model may import Python files that
    come with it. ``base_model`` is a name on the hub, never a local path.
    """

    architectures: tuple[str, ...] = ()
    model_type: str | None = None
    dtype: str | None = None
    quantization: str | None = None
    remote_code: bool = False
    base_model: str | None = None
    context_length: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterConfig:
    """An `adapter_config.json` of PEFT."""

    peft_type: str | None = None
    base_model: str | None = None


def parse_config(window: Window) -> ModelConfig:
    """Read a `config.json` of at most 1 MiB."""
    fields = _Fields.of(window)
    dtype = fields.text("dtype") or fields.text("torch_dtype")
    return ModelConfig(
        architectures=fields.texts("architectures"),
        model_type=fields.text("model_type"),
        dtype=dtype and dtype.removeprefix("torch."),
        quantization=_quantization(fields),
        # Any value counts: whoever checks this wants to know of the attempt.
        remote_code="auto_map" in fields,
        base_model=fields.hub_name("_name_or_path"),
        context_length=_context_length(fields),
    )


def parse_adapter_config(window: Window) -> AdapterConfig:
    """Read an `adapter_config.json` of at most 1 MiB."""
    fields = _Fields.of(window)
    return AdapterConfig(
        peft_type=fields.text("peft_type"),
        base_model=fields.hub_name("base_model_name_or_path"),
    )


def parse_template(window: Window) -> str | None:
    """Read the one chat template of a `tokenizer_config.json` or its like.

    None where there is none, or several with names.
    """
    if window.size > MAX_TEMPLATE_FILE:
        raise InvalidInput(f"larger than {MAX_TEMPLATE_FILE} bytes", where=window.name)
    raw = window.read(0, window.size)
    template = parse_object(raw, window.name, infinities=True).get("chat_template")
    return template if isinstance(template, str) else None


class _Fields:
    """A JSON object whose fields are checked as they are read; null is absent."""

    def __init__(self, fields: dict[str, object], where: str) -> None:
        self._fields = fields
        self._where = where

    @classmethod
    def of(cls, window: Window) -> _Fields:
        if window.size > MAX_SIZE:
            raise InvalidInput(f"larger than {MAX_SIZE} bytes", where=window.name)
        raw = window.read(0, window.size)
        # Mamba's configurations contain Infinity, as Python writes it.
        fields = parse_object(raw, window.name, infinities=True)
        return cls(fields, f"{window.name}: ")

    def __contains__(self, key: str) -> bool:
        return self._fields.get(key) is not None

    def text(self, key: str, *, limit: int = MAX_TEXT) -> str | None:
        value = self._fields.get(key)
        if value is None or value == "":
            return None
        return _text(value, f"{self._where}{key}", limit)

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._fields.get(key)
        if value is None:
            return ()
        where = f"{self._where}{key}"
        if not isinstance(value, list):
            raise InvalidInput("expected an array", where=where)
        if len(value) > MAX_ITEMS:
            raise InvalidInput(f"more than {MAX_ITEMS} entries", where=where)
        return tuple(
            _text(item, f"{where}[{index}]", MAX_TEXT)
            for index, item in enumerate(value)
        )

    def number(self, key: str) -> int | None:
        value = self._fields.get(key)
        return value if type(value) is int and 0 < value <= MAX_NUMBER else None

    def object(self, key: str) -> _Fields | None:
        value = self._fields.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise InvalidInput("expected an object", where=f"{self._where}{key}")
        return _Fields(value, f"{self._where}{key}.")

    def hub_name(self, key: str) -> str | None:
        """Return a name on the hub; drop what may be a path on somebody's disk."""
        name = self.text(key, limit=MAX_PATH)
        if name is None or len(name) > MAX_TEXT or not _HUB_NAME.fullmatch(name):
            return None
        return None if _DIRECTORY.fullmatch(name) else name


def _context_length(fields: _Fields) -> int | None:
    """Return how many tokens the model takes, by the names that families have for it.

    Of a model of several kinds of input, that of its texts.
    """
    inner = fields.object("text_config")
    for place in (fields, inner) if inner else (fields,):
        for key in _CONTEXT:
            if found := place.number(key):
                return found
    return None


def _quantization(fields: _Fields) -> str | None:
    inner = fields.object("quantization_config")
    if inner is None:
        return None
    method = inner.text("quant_method")
    # bitsandbytes did not name itself at first, and transformers still loads that.
    if method is None and ("load_in_4bit" in inner or "load_in_8bit" in inner):
        return "bitsandbytes"
    return method


def _text(value: object, where: str, limit: int) -> str:
    if not isinstance(value, str):
        raise InvalidInput("expected a string", where=where)
    return checked_text(value, where, limit=limit)
