"""What role a file plays in a model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from modelpack.formats.kind import Kind
from modelpack.model.layer_types import Category

__all__ = ["category_of"]

# What the content proves. Kinds that are not here go by their names.
_KINDS: Final[Mapping[Kind, Category]] = {
    Kind.SENTENCEPIECE: Category.WEIGHT_CONFIG,
    Kind.WASM_MODULE: Category.CODE,
    Kind.WASM_COMPONENT: Category.CODE,
    Kind.EXECUTABLE: Category.CODE,
    Kind.PYTHON: Category.CODE,
    Kind.SCRIPT: Category.CODE,
    Kind.MARKDOWN: Category.DOC,
    Kind.PDF: Category.DOC,
    Kind.PNG: Category.DOC,
    Kind.JPEG: Category.DOC,
    Kind.GIF: Category.DOC,
    Kind.WEBP: Category.DOC,
}
_READABLE: Final = frozenset({Kind.JSON, Kind.TEXT})

# Names of readable text, lower case. What matches none configures the model.
_NAMES: Final = (
    (
        Category.DOC,
        re.compile(
            r"(?:readme|licen[cs]e|notice|copying|authors|changelog|citation|"
            r"model_?card|use_policy|usage_policy|security|code_of_conduct)"
            r"(?:[._-].*)?|.*\.(?:rst|adoc|html?|css|svg|bib|cff|tex)"
        ),
    ),
    (
        Category.CODE,
        re.compile(
            r"requirements.*\.txt|makefile|dockerfile|modelfile|kitfile|"
            r"\.git(?:attributes|ignore|modules)|\.?(?:editorconfig|dockerignore)|"
            r".*\.(?:ipynb|js|mjs|ts|c|cc|cpp|cu|cuh|h|hpp|rs|go|java|jl|lua|r|"
            r"scala|swift|bat|cmd|ps1|pl|rb|php|sql|proto|cmake|mk)"
        ),
    ),
    (
        Category.DATASET,
        re.compile(r".*\.(?:csv|tsv|jsonl|ndjson|arff|libsvm)|dataset_infos?\.json"),
    ),
)
_BINARY_DATASET: Final = re.compile(r".*\.(?:parquet|arrow|feather|orc|avro|tfrecord)")


def category_of(path: str, kind: Kind) -> Category:
    """Return the role of a file: by its content first, then by its name.

    Unknown content counts as weight: that is what is judged most strictly.
    """
    if kind in _KINDS:
        return _KINDS[kind]
    name = path.rpartition("/")[2].lower()
    if kind in _READABLE:
        named = (category for category, names in _NAMES if names.fullmatch(name))
        return next(named, Category.WEIGHT_CONFIG)
    if kind is Kind.UNKNOWN and _BINARY_DATASET.fullmatch(name):
        return Category.DATASET
    return Category.WEIGHT
