"""Configurations that have code imported: by a key, a class, a module's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from modelpack.formats.names import shown
from modelpack.scanning.rules import Rule
from modelpack.scanning.template import judge_templates
from modelpack.scanning.verdict import Finding

__all__ = ["IMPORTING_KEYS", "judge_document"]

_Fields = Mapping[str, object]

# Keys by which a library imports Python code that is not its own: transformers,
# diffusers, Hydra, mlx-lm.
_CODE: Final = frozenset(
    {"auto_map", "custom_pipelines", "custom_pipeline", "trust_remote_code"}
    | {"_target_", "model_file"}
)
_TEMPLATE: Final = "chat_template"
# Whose value is a module or a function to import, and what that may come from: PEFT,
# sentence-transformers.
# Whose value is a module to import, and what that may come from: PEFT, MLflow.
_MODULES: Final[Mapping[str, tuple[str, ...]]] = {
    "parent_library": ("transformers", "diffusers", "peft", "sentence_transformers"),
    "loader_module": ("mlflow",),
}
# The same, where a word without a dot imports nothing: sentence-transformers, and
# jsonargparse, by which Lightning is configured.
_DOTTED: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("activation_function", "activation_fn"), ("torch.nn",)),
    **dict.fromkeys(
        ("tokenizer_class", "class_path", "_class_path", "_instantiator"),
        (
            *("sentence_transformers", "transformers", "torch", "torchmetrics"),
            *("lightning", "pytorch_lightning", "lightning_fabric"),
        ),
    ),
}
# Where transformers takes `OWNER/NAME` for compiled kernels, which it fetches and runs.
_KERNELS: Final = frozenset(
    {"attn_implementation", "_attn_implementation", "_attn_implementation_internal"}
    | {"experts_implementation", "_experts_implementation", "kernel_config"}
)
# What Keras may import for a class of its own.
_KERAS: Final = tuple(
    f"{package}.{room}"
    for package in ("keras", "keras.src", "tensorflow.keras", "tf_keras")
    for room in (
        *("activations", "constraints", "dtype_policies", "engine", "initializers"),
        *("layers", "losses", "metrics", "models", "optimizers", "regularizers"),
    )
)
_KERAS_CODE: Final = frozenset(
    {"Lambda", "TFSMLayer", "__lambda__", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}
)
_SENTENCES: Final = ("sentence_transformers",)
# What `target` beside `params` may name (latent diffusion's instantiate_from_config).
_TARGETS: Final = ("ldm", "sgm", "torch.nn", "diffusers", "transformers")
# The parts of a diffusers pipeline come from these, or from a pipeline of its own.
_PIPELINES: Final = frozenset(
    {"diffusers", "transformers", "stable_diffusion", "stable_diffusion_xl"}
    | {
        "latent_diffusion",
        "paint_by_example",
        "deepfloyd_if",
        "kandinsky",
        "unidiffuser",
    }
    | {"wuerstchen", "stable_cascade", "stable_audio", "audioldm2", "shap_e", "flux"}
)

IMPORTING_KEYS: Final = frozenset(
    {
        *_CODE,
        *_MODULES,
        *_DOTTED,
        *_KERNELS,
        _TEMPLATE,
        "class_name",
        "module",
        "target",
        "types",
    }
)


def judge_document(document: object, name: str) -> Iterator[Finding]:
    """Judge what JSON or YAML says; ``name`` is the file's own."""
    templates: list[str] = []
    yield from _of_parts(document, templates)
    yield from judge_templates(templates)
    for_name = _BY_NAME.get(name.lower())  # some disks tell no case apart
    if for_name is not None:
        yield from for_name(document)


def _of_parts(document: object, templates: list[str]) -> Iterator[Finding]:
    """Judge every object inside, and collect the templates."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(item for item in value if isinstance(item, dict | list))
        elif isinstance(value, dict):
            yield from _of_fields(value)
            if _TEMPLATE in value:
                yield from _collected(value[_TEMPLATE], templates)
            waiting.extend(
                item
                for key, item in value.items()
                if isinstance(item, dict | list) and key != _TEMPLATE
            )


def _of_fields(fields: _Fields) -> Iterator[Finding]:
    # A number imports nothing: vocabularies hold each of these words.
    for key in _CODE & fields.keys():
        if fields[key] and not _is_number(fields[key]):
            yield _finding(f"says {key}")
    for key in _MODULES.keys() & fields.keys():
        yield from _of_module(fields[key], _MODULES[key])
    for key in _DOTTED.keys() & fields.keys():
        yield from _of_import(fields[key], _DOTTED[key])
    for key in _KERNELS & fields.keys():
        if "/" in str(fields[key]):
            yield _finding(f"has kernels from elsewhere run ({key})")
    if "class_name" in fields:
        yield from _of_keras(fields)
    yield from _of_pairs(fields)


def _of_pairs(fields: _Fields) -> Iterator[Finding]:
    """Judge keys that mean an import only beside another one."""
    if "structure" in fields and isinstance(types := fields.get("types"), dict):
        for each in types.values():  # of sentence-transformers' Router
            yield from _of_import(each, _SENTENCES)
    if "params" in fields and isinstance(fields.get("target"), str):
        yield from _of_import(fields["target"], _TARGETS)


def _of_keras(fields: _Fields) -> Iterator[Finding]:
    name = fields["class_name"]
    if not isinstance(name, str):
        if not _is_number(name):
            yield _finding("has a class_name that is no name")
        return
    own = str(fields.get("registered_name") or "")
    if name in _KERAS_CODE or ">" in name or ">" in own:
        yield _finding(f"is a layer {shown(name if '>' not in own else own)}")
    module = fields.get("module")
    if module is not None:
        yield from _of_module(module, _KERAS)


def _of_import(value: object, packages: tuple[str, ...]) -> Iterator[Finding]:
    """Judge the dotted name of what will be imported; a bare word is none."""
    if not isinstance(value, str) or "." in value:
        yield from _of_module(value, packages)


def _of_module(value: object, packages: tuple[str, ...]) -> Iterator[Finding]:
    if value is None or _is_number(value):
        return
    inside = isinstance(value, str) and any(
        f"{value}.".startswith(f"{package}.") for package in packages
    )
    if not inside:
        yield _finding(f"has {shown(str(value))} imported")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _collected(value: object, templates: list[str]) -> Iterator[Finding]:
    """Collect one template, a list of named ones, or a mapping of names to them."""
    match value:
        case str():
            templates.append(value)
        case list():
            for item in value:
                inner = item.get("template") if isinstance(item, dict) else item
                yield from _of_text(inner, templates)
        case dict():
            for item in value.values():
                yield from _of_text(item, templates)
        case _:
            yield from _of_text(value, templates)


def _of_text(value: object, templates: list[str]) -> Iterator[Finding]:
    if isinstance(value, str):
        templates.append(value)
    elif value is not None and not _is_number(value):
        yield Finding(rule=Rule.MALFORMED, message="a chat template is no text")


def _of_modules(document: object) -> Iterator[Finding]:
    """Judge what sentence-transformers imports: each module's ``type``."""
    for module in document if isinstance(document, list) else []:
        kind = module.get("type") if isinstance(module, dict) else None
        yield from _of_module(kind or "nothing", _SENTENCES)


def _of_pipeline(document: object) -> Iterator[Finding]:
    """Judge what diffusers imports: ``[library, class]`` for each part."""
    if not isinstance(document, dict):
        return
    if not isinstance(document.get("_class_name", ""), str):
        yield _finding("has a pipeline of its own")
    for key, value in document.items():
        library = value[0] if isinstance(value, list) and value else None
        if library is not None and library not in _PIPELINES and key != "_class_name":
            yield _finding(f"has {shown(str(library))} imported")


def _finding(message: str) -> Finding:
    return Finding(rule=Rule.REMOTE_CODE, message=message)


_BY_NAME: Final[Mapping[str, Callable[[object], Iterator[Finding]]]] = {
    "modules.json": _of_modules,
    "model_index.json": _of_pipeline,
    "modular_model_index.json": _of_pipeline,
}
