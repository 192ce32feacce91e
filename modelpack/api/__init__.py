"""What ``import modelpack`` gives: one function a verb, from explicit settings."""

from __future__ import annotations

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
