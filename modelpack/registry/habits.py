"""What each registry takes, and how: one table.

Where a limit is not published it is left out; a registry that answers 413 or
416 is followed at run time whatever the table says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_MB: Final = 10**6
_GB: Final = 10**9
_GIB: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Habits:
    """How to talk to one registry. Sizes are in bytes; 0 means no known limit.

    ``chunked``: PATCH with Content-Range works; else one PUT for a whole blob.
    ``largest_chunk``: the most one PATCH may carry.
    """

    name: str
    hosts: str = ""
    largest_layer: int = 0
    chunked: bool = True
    largest_chunk: int = 0


_TABLE: Final = (
    # A PATCH over 4 MiB is answered with 416.
    Habits("GHCR", r"ghcr\.io|.+\.pkg\.github\.com", 10 * _GB, chunked=False),
    Habits(
        "Amazon ECR",
        r".+\.amazonaws\.com(\.cn)?|public\.ecr\.aws",
        52 * _GB,
        chunked=False,
    ),
    # Answers chunked uploads with an error.
    Habits("Google Artifact Registry", r".+\.pkg\.dev|(.+\.)?gcr\.io", chunked=False),
    Habits("Docker Hub", r"(.+\.)?docker\.io", chunked=False),
    Habits("Quay", r"quay\.io", 20 * _GB, chunked=False),
    Habits(
        "Azure Container Registry",
        r".+\.azurecr\.io",
        200 * _GIB,
        largest_chunk=20 * _MB,
    ),
    # Whoever runs one of these sets its limits, and their names tell nothing:
    # Harbor, zot, distribution, olareg.
)
SELF_HOSTED: Final = Habits("OCI registry")


def habits_of(host: str) -> Habits:
    """Return what is known of the registry at ``host[:port]``."""
    name = host.partition(":")[0].lower()
    for habits in _TABLE:
        if re.fullmatch(habits.hosts, name):
            return habits
    return SELF_HOSTED
