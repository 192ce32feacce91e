"""The layer types of the model-spec: a category, and how the files are packed."""

from __future__ import annotations

import re
from enum import StrEnum

__all__ = ["Category", "layer_kind", "raw_type"]


class Category(StrEnum):
    """The model-spec's categories of layers ("Layer media types")."""

    WEIGHT = "weight"
    WEIGHT_CONFIG = "weight.config"
    DOC = "doc"
    CODE = "code"
    DATASET = "dataset"


_RAW = "application/vnd.cncf.model.{}.v1.raw"
# Versions of the model-spec before 0.0.7 say `cnai`, and modctl still writes that.
_LAYER = re.compile(
    r"application/vnd\.(?:cncf|cnai)\.model\."
    r"(weight|weight\.config|doc|code|dataset)\.v1\.(raw|tar|tar\+gzip|tar\+zstd)"
)


def raw_type(category: Category) -> str:
    """Return the media type of a layer that is one file as it is."""
    return _RAW.format(category)


def layer_kind(media_type: str) -> tuple[Category, str] | None:
    """Return category and encoding (``raw``, ``tar``, …) of a model's layer.

    None where it is no layer type of the model-spec, old or new.
    """
    match = _LAYER.fullmatch(media_type)
    return (Category(match[1]), match[2]) if match else None
