"""Options that several commands share, and what they come to as ``Settings``."""

from __future__ import annotations

import re
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from modelpack.api.carriage import Carriage
from modelpack.api.carriage import Carrier as Carrier  # noqa: PLC0414 - for commands
from modelpack.api.settings import Settings
from modelpack.errors import InvalidInput
from modelpack.scanning.rules import Allowance

_SIZE: Final = re.compile(r"(\d{1,15}(?:\.\d+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_MADE: Final = "How it was made"
_NET: Final = "Connection"
_OUT: Final = "Output"
_POLICY: Final = "Policy"


class Format(StrEnum):
    """How a result is printed."""

    TEXT = "text"
    JSON = "json"


Policies = Annotated[
    list[str] | None,
    typer.Option(
        "--policy",
        help="Kyverno policies that have to admit it: a file, a folder, or a "
        "reference pinned by digest; repeatable.",
        metavar="POLICY",
        rich_help_panel=_POLICY,
    ),
]
Exceptions = Annotated[
    list[str] | None,
    typer.Option(
        "--exception",
        help="File of PolicyExceptions to make; repeatable.",
        metavar="FILE",
        rich_help_panel=_POLICY,
    ),
]
PolicyKeys = Annotated[
    list[str] | None,
    typer.Option(
        "--policy-key",
        help="A public key that has signed what --policy fetches; repeatable.",
        metavar="KEY",
        rich_help_panel=_POLICY,
    ),
]
CarriedAs = Annotated[
    Carrier,
    typer.Option(
        "--as",
        help="Judge it as what the cluster would carry it in.",
        rich_help_panel=_POLICY,
    ),
]
Namespace = Annotated[
    str,
    typer.Option(
        help="The namespace that it would go to.",
        metavar="NAME",
        rich_help_panel=_POLICY,
    ),
]
KnownAs = Annotated[
    str,
    typer.Option(
        "--known-as",
        help="The HOST/NAME that policies know it by, if it lies elsewhere.",
        metavar="HOST/NAME",
        rich_help_panel=_POLICY,
    ),
]
Target = Annotated[
    str,
    typer.Argument(
        help="A directory or file; else HOST/NAME:TAG, oci:….",
        metavar="SOURCE|REFERENCE",
    ),
]
Into = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="Write it to a new file.", metavar="FILE"),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        min=1,
        max=64,
        help="Streams at once; without it, as many as pay.",
    ),
]
Include = Annotated[
    list[str] | None,
    typer.Option(
        help="Only what matches this gitignore-style pattern; repeatable.",
        metavar="PATTERN",
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(help="Leave out what matches; repeatable.", metavar="PATTERN"),
]
Allow = Annotated[
    list[Allowance] | None,
    typer.Option(help="Let this pass the scan, too; repeatable."),
]
Annotation = Annotated[
    list[str] | None,
    typer.Option(help="KEY=VALUE on the manifest; repeatable."),
]
Split = Annotated[
    str,
    typer.Option(
        help="Store files above SIZE in parts that travel in parallel.",
        metavar="SIZE",
    ),
]
Modelcar = Annotated[
    bool,
    typer.Option(
        "--modelcar",
        help="Also publish an image of the files, as TAG-car (containerd, KServe).",
    ),
]
Code = Annotated[
    Path,
    typer.Option(
        "--source",
        help="Where the source is that it was made from.",
        metavar="DIR",
        rich_help_panel=_MADE,
    ),
]
BaseModel = Annotated[
    list[str] | None,
    typer.Option(
        help="What it was trained from; repeatable.",
        metavar="URI@DIGEST",
        rich_help_panel=_MADE,
    ),
]
Dataset = Annotated[
    list[str] | None,
    typer.Option(
        help="What it was trained on; repeatable.",
        metavar="URI@DIGEST",
        rich_help_panel=_MADE,
    ),
]
TrainingImage = Annotated[
    list[str] | None,
    typer.Option(
        help="What it was trained in.",
        metavar="URI@DIGEST",
        rich_help_panel=_MADE,
    ),
]
Parameter = Annotated[
    list[str] | None,
    typer.Option(
        help="How it was trained; repeatable.",
        metavar="KEY=VALUE",
        rich_help_panel=_MADE,
    ),
]
Energy = Annotated[
    list[str] | None,
    typer.Option(
        help="What it cost: a file of codecarbon, BoAmps or the ML CO2 calculator, or "
        "energy=1.5 kWh,emissions=…; repeatable.",
        metavar="FILE|NAME=VALUE,…",
    ),
]
Environment = Annotated[
    Path | None,
    typer.Option(
        help="What it was trained in: a virtual environment, a lock file, or what "
        "cyclonedx-py wrote.",
        metavar="PATH",
    ),
]
Author = Annotated[str, typer.Option(help="Who makes this document.", metavar="NAME")]
PlainHttp = Annotated[
    bool,
    typer.Option(
        "--plain-http",
        help="Speak HTTP without TLS (loopback needs no flag).",
        rich_help_panel=_NET,
    ),
]
CaFile = Annotated[
    Path | None,
    typer.Option(
        help="PEM file of certificate authorities to trust as well.",
        rich_help_panel=_NET,
        metavar="FILE",
    ),
]
Output = Annotated[
    Format,
    typer.Option(
        "--format", help="Print the result as text or as JSON.", rich_help_panel=_OUT
    ),
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", help="No progress, no warnings.", rich_help_panel=_OUT
    ),
]
Debug = Annotated[
    bool,
    typer.Option(
        "--debug", help="Show a traceback where it fails.", rich_help_panel=_OUT
    ),
]


def settings(
    *, plain_http: bool = False, ca_file: Path | None = None, jobs: int | None = None
) -> Settings:
    """Return the environment's settings with what the flags say."""
    if ca_file is not None and not ca_file.is_file():
        raise InvalidInput("there is no such file", where=f"--ca-file {ca_file}")
    return replace(
        Settings.from_environment(), plain_http=plain_http, ca_file=ca_file, jobs=jobs
    )


def carriage(carrier: Carrier, namespace: str, known_as: str) -> Carriage:
    """Return how a model would come into a cluster."""
    return Carriage(carrier=carrier, namespace=namespace, known_as=known_as)


def parse_size(text: str, flag: str) -> int:
    """Parse ``512MiB``, ``10GB``, ``4g`` or bytes; K, M, G alone mean KiB, MiB, GiB."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise InvalidInput(f"{text!r} is not a size", where=flag, hint="such as 512MiB")
    decimal = match[2] and not match[3] and text.strip().lower().endswith("b")
    base = 1000 if decimal else 1024
    size = int(float(match[1]) * base ** _POWERS[match[2].lower()])
    if size <= 0:
        raise InvalidInput("must be more than zero", where=flag)
    return size


def parse_pairs(pairs: list[str] | None, flag: str) -> dict[str, str]:
    """Parse repeated ``KEY=VALUE``."""
    found: dict[str, str] = {}
    for pair in pairs or ():
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise InvalidInput(f"{pair!r} is not KEY=VALUE", where=flag)
        found[key] = value
    return found
