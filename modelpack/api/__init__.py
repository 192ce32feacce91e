"""What ``import modelpack`` gives: one function a verb, from explicit settings."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from modelpack.api.access import login, logout
    from modelpack.api.fetching import PullResult, pull
    from modelpack.api.inspection import Inspection, diff, inspect
    from modelpack.api.places import remove, tag, tags, tree
    from modelpack.api.publishing import PushResult, push
    from modelpack.api.settings import Settings

__all__ = [
    "Inspection",
    "PullResult",
    "PushResult",
    "Settings",
    "diff",
    "inspect",
    "login",
    "logout",
    "pull",
    "push",
    "remove",
    "tag",
    "tags",
    "tree",
]

_HOMES: Final = {
    "Inspection": "inspection",
    "PullResult": "fetching",
    "PushResult": "publishing",
    "Settings": "settings",
    "diff": "inspection",
    "inspect": "inspection",
    "login": "access",
    "logout": "access",
    "pull": "fetching",
    "push": "publishing",
    "remove": "places",
    "tag": "places",
    "tags": "places",
    "tree": "places",
}


def __getattr__(name: str) -> object:
    # A command loads the one verb that it is, not all of them.
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
