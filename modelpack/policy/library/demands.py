"""What can be demanded of a model, each as rules over signed statements about it.

In an expression ``m`` is a reference to a model, pinned by digest, and ``p`` the
predicate of the demand's statement. The predicates are those of docs/predicates.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from modelpack.attestation.predicates import PROVENANCE, SIGNATURE, TYPES
from modelpack.errors import InvalidInput

_DAYS: Final = 30
_MOST_DAYS: Final = 36500
_SAFE: Final = (
    "safetensors",
    "gguf",
    "onnx",
    "npy",
    "npz",
    "sentencepiece",
    "tiktoken",
    "json",
    "yaml",
    "markdown",
    "text",
    "png",
    "jpeg",
    "gif",
    "webp",
)
"""Formats that run nothing when they are loaded; WASM joins where it is asked for."""
_WORD: Final = re.compile(r"[!-~]{1,300}")


@dataclass(frozen=True, slots=True)
class StatementType:
    """A kind of statement, and what a policy calls it."""

    name: str
    type: str
    missing: str
    """What to say where the team has signed none."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What has to be true of ``m`` and ``p``, and what to say where it is not."""

    expression: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Something to demand of a model.

    ``rules`` are made from the values given with it (``licence=MIT``), of which some
    demands need one.
    """

    name: str
    summary: str
    statement: StatementType
    rules: Callable[[Sequence[str]], Sequence[Rule]]
    values: str = ""
    """What its values are; empty where it takes none."""
    needs_value: bool = False

    def with_values(self, values: Sequence[str]) -> Sequence[Rule]:
        """Return its rules; ``InvalidInput`` where the values are not what it takes."""
        if values and not self.values:
            raise InvalidInput(f"{self.name} takes no value", where="--require")
        if not values and self.needs_value:
            raise InvalidInput(
                f"{self.name} needs a value",
                where="--require",
                hint=f"{self.name}={self.values}",
            )
        for value in values:
            if not _WORD.fullmatch(value):
                raise InvalidInput(f"{value[:160]!r} is no word", where=self.name)
        return self.rules(values)


SIGNED: Final = StatementType("signature", SIGNATURE, "is not signed by the team")
FACTS: Final = StatementType(
    "facts", "urn:modelpack:facts:v1", "has no facts that the team has signed"
)
BOM: Final = StatementType(
    "bom", TYPES["cyclonedx"], "has no bill of materials that the team has signed"
)
SCAN: Final = StatementType(
    "scan", TYPES["vuln"], "has no scan that the team has signed"
)
BUILT: Final = StatementType(
    "provenance", PROVENANCE, "has no provenance that the team has signed"
)


def text(value: str) -> str:
    """Return a CEL literal; what JSON escapes, CEL escapes alike."""
    return json.dumps(value)


def texts(values: Sequence[str]) -> str:
    """Return a CEL list of literals, each once."""
    return f"[{', '.join(text(each) for each in dict.fromkeys(values))}]"


def named(subject: str, values: Sequence[str]) -> str:
    """Return an expression: ``subject`` is one of the values, or below one.

    A value is the whole of a name, unless it ends with a slash: without that,
    ``…/acme`` would let ``…/acme-imitated`` pass.
    """
    exact = [value for value in values if not value.endswith("/")]
    below = [value for value in values if value.endswith("/")]
    parts = [f"{subject} in {texts(exact)}"] if exact else []
    if below:
        parts.append(f"{texts(below)}.exists(v, {subject}.startsWith(v))")
    return " || ".join(parts)


def _nothing_more(_values: Sequence[str]) -> Sequence[Rule]:
    return ()


def _formats(values: Sequence[str]) -> Sequence[Rule]:
    allowed = texts(values or _SAFE)
    return (
        Rule(
            f"p.formats.size() > 0 && p.formats.all(f, f in {allowed})",
            "holds files of a format that is not allowed",
        ),
        Rule(
            "!p.remoteCode && p.unread.size() == 0",
            "names code to import, or has files that could not be read",
        ),
    )


def _licences(values: Sequence[str]) -> Sequence[Rule]:
    return (
        Rule(
            "p.licenses.size() > 0 && p.unread.size() == 0"
            f" && p.licenses.all(l, l in {texts(values)})",
            "has a licence that is not allowed, or states none",
        ),
    )


def _bom(_values: Sequence[str]) -> Sequence[Rule]:
    return (
        Rule(
            "p.bomFormat == 'CycloneDX' && p.components.exists(c,"
            " c.type == 'machine-learning-model'"
            " && c.?version.orValue('') == parseImageReference(m).digest())",
            "has a bill of materials that is not about this very model",
        ),
    )


def _scan(values: Sequence[str]) -> Sequence[Rule]:
    days = _number(values, "scan", default=_DAYS, most=_MOST_DAYS)
    return (
        Rule(
            "p.scanner.result.outcome == 'pass' && p.scanner.result.allow.size() == 0",
            "did not pass its scan",
        ),
        Rule(
            "time.now() - timestamp(p.metadata.scanFinishedOn)"
            f" < duration('{days * 24}h')",
            f"was not scanned in the last {days} days",
        ),
    )


def _provenance(values: Sequence[str]) -> Sequence[Rule]:
    return (
        Rule(
            named("p.runDetails.builder.id", values),
            "was built by a builder that is not known",
        ),
    )


def _base(values: Sequence[str]) -> Sequence[Rule]:
    return (
        Rule(
            "p.ancestors.size() > 0 && p.unread.size() == 0"
            f" && p.ancestors.all(a, has(a.purl) && ({named('a.purl', values)}))",
            "comes from a base model that is not allowed, or does not say from which",
        ),
    )


def _wasm(values: Sequence[str]) -> Sequence[Rule]:
    return (
        Rule(
            f"p.unread.size() == 0 && p.wasmImports.all(i, {named('i', values)})",
            "has WASM that asks its host for more than is allowed",
        ),
    )


def _carbon(values: Sequence[str]) -> Sequence[Rule]:
    most = _number(values, "carbon", default=0, most=10**12)
    limit = f" && p.carbonKg <= {most}.0" if values else ""
    return (
        Rule(
            f"has(p.carbonKg) && has(p.energyMethod){limit}",
            f"emitted more than {most} kg of CO2, or does not say how much"
            if values
            else "does not say what its training emitted, and how that was measured",
        ),
    )


def _number(values: Sequence[str], where: str, *, default: int, most: int) -> int:
    if not values:
        return default
    if len(values) > 1 or not (values[0].isascii() and values[0].isdigit()):
        raise InvalidInput(f"{', '.join(values)[:160]!r} is no number", where=where)
    if len(values[0]) > len(str(most)) or not 0 < int(values[0]) <= most:
        raise InvalidInput(f"{values[0][:40]} is not within 1 to {most}", where=where)
    return int(values[0])


_ALL: Final = (
    Demand(
        name="signed",
        summary="the team has signed this digest, and not merely something about it",
        statement=SIGNED,
        rules=_nothing_more,
    ),
    Demand(
        name="formats",
        summary="every file is of a format that runs nothing when it is loaded:"
        " no pickle, no script, no executable, no configuration that names code",
        statement=FACTS,
        rules=_formats,
        values="FORMAT",
    ),
    Demand(
        name="licence",
        summary="every licence is on the list, and there is one",
        statement=FACTS,
        rules=_licences,
        values="SPDX-ID",
        needs_value=True,
    ),
    Demand(
        name="sbom",
        summary="a CycloneDX bill of materials, about this very digest",
        statement=BOM,
        rules=_bom,
    ),
    Demand(
        name="scan",
        summary=f"a scan that every file passed, not older than {_DAYS} days or N",
        statement=SCAN,
        rules=_scan,
        values="DAYS",
    ),
    Demand(
        name="provenance",
        summary="SLSA provenance from a builder that is known",
        statement=BUILT,
        rules=_provenance,
        values="BUILDER-ID",
        needs_value=True,
    ),
    Demand(
        name="base",
        summary="every base model is on the list, and there is one",
        statement=FACTS,
        rules=_base,
        values="PURL",
        needs_value=True,
    ),
    Demand(
        name="wasm",
        summary="WASM asks its host for these interfaces and no more",
        statement=FACTS,
        rules=_wasm,
        values="INTERFACE",
        needs_value=True,
    ),
    Demand(
        name="carbon",
        summary="what training emitted is stated, and not over N kg where given",
        statement=FACTS,
        rules=_carbon,
        values="KG",
    ),
)
DEMANDS: Final = MappingProxyType({demand.name: demand for demand in _ALL})
"""By name, in the order in which their rules are asked: the cheapest refusal first."""
