"""Models as OCI artifacts: push, pull and inspect, in any registry.

>>> import modelpack
>>> pushed = modelpack.push("./model", "registry.example.com/team/model:1")
>>> modelpack.pull(pushed.reference, "./copy")

Every verb takes ``settings`` (how to reach a registry) and, where bytes move,
``notify`` (a function that hears each progress event).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from modelpack.version import __version__

if TYPE_CHECKING:
    from modelpack.api import (
        Inspection,
        PullResult,
        PushResult,
        Settings,
        diff,
        inspect,
        pull,
        push,
        remove,
        tag,
        tags,
        tree,
    )

__all__ = [
    "Inspection",
    "PullResult",
    "PushResult",
    "Settings",
    "__version__",
    "diff",
    "inspect",
    "pull",
    "push",
    "remove",
    "tag",
    "tags",
    "tree",
]


def __getattr__(name: str) -> object:
    # Loaded on first use, so that ``modelpack --version`` need not wait for it.
    if name in __all__:
        return getattr(importlib.import_module("modelpack.api"), name)
    raise AttributeError(f"module 'modelpack' has no attribute {name!r}")
