"""The front matter of a card: what is there stays, byte for byte; what is not is added.

Read as the hub reads it (``huggingface_hub.ModelCard``): YAML between two lines of
``---`` at the beginning.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from modelpack.documents.card.energy import hub_emissions
from modelpack.documents.card.marks import without
from modelpack.documents.card.material import Material
from modelpack.formats.prose.front_matter import front_matter
from modelpack.formats.prose.plain_yaml import Node
from modelpack.formats.prose.results import Result
from modelpack.formats.window import Window
from modelpack.model.licences import hub_slug

__all__ = ["Parts", "additions", "split"]

_BEGIN: Final = "# modelpack: begin"
_END: Final = "# modelpack: end"
_FRONT: Final = re.compile(
    r"\A\ufeff?\s*---[ \t]*\r?\n(?P<yaml>.*?)^---[ \t]*\r?(?:\n|\Z)",
    re.MULTILINE | re.DOTALL,
)
# YAML 1.1 has no place for these, or takes them for ends of lines.
_ESCAPED: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A README, cut where fields can be added; joined, it is what people wrote.

    ``opening`` ends with their YAML, and is empty where they wrote none; ``fence`` ends
    the front matter.
    """

    opening: str
    fence: str
    body: str
    fields: Mapping[str, Node]

    def joined(self, fields: Mapping[str, object], tool: str) -> str:
        """Return front matter with more fields; empty where there is nothing."""
        if not fields:
            return self.opening + self.fence
        mark = f"{_BEGIN}: added by {tool}, from the files"
        lines = [mark, *_yaml_lines(fields), _END]
        added = "".join(f"{line}\n" for line in lines)
        if self.opening:
            return self.opening + added + self.fence
        return f"---\n{added}---\n"


def split(readme: str, where: str) -> Parts:
    """Cut a README, without what we added to it before.

    ``InvalidInput`` where the front matter cannot be read.
    """
    match = _FRONT.match(readme)
    if match is None:
        return Parts(opening="", fence="", body=readme, fields={})
    own, ours = without(match["yaml"], _BEGIN, _END, where)
    body = readme[match.end() :]
    if ours and not own.strip():
        return Parts(opening="", fence="", body=body, fields={})
    opening = readme[: match.start("yaml")] + own
    fence = readme[match.end("yaml") : match.end()]
    fields = front_matter(Window.of(f"{opening}{fence}".encode(), where))
    return Parts(opening=opening, fence=fence, body=body, fields=fields)


def additions(material: Material, known: Mapping[str, Node]) -> dict[str, object]:
    """Return the fields that the files know, and the front matter has not."""
    claims = material.model.facts.claims
    fields: dict[str, object] = {}
    if "license" not in known:
        fields |= _licence(claims.licenses)
    for key, value in (
        ("base_model", claims.base_models),
        ("base_model_relation", claims.relation),
        ("datasets", claims.datasets),
        ("language", claims.languages),
        ("library_name", claims.library),
        ("pipeline_tag", claims.task),
    ):
        if value and key not in known:
            only = isinstance(value, str)
            fields[key] = value if only else list(value)
    emissions = hub_emissions(material.model.costs)
    if emissions and "co2_eq_emissions" not in known:
        fields["co2_eq_emissions"] = emissions
    if material.results and "model-index" not in known:
        name = known.get("model_name")
        fields["model-index"] = _index(
            name if isinstance(name, str) and name else material.name, material.results
        )
    return fields


def _licence(licences: Sequence[str]) -> Mapping[str, object]:
    slugs = [hub_slug(licence) for licence in licences]
    if slugs and all(slugs):
        return {"license": slugs[0] if len(slugs) == 1 else slugs}
    if len(licences) == 1:
        return {"license": "other", "license_name": licences[0].lower()}
    return {"license": "other"} if licences else {}


def _index(name: str, results: Sequence[Result]) -> Sequence[object]:
    """Return a ``model-index``: a task and a data set for each group of metrics."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        groups.setdefault((result.task, result.dataset), []).append(result)
    return [
        {
            "name": name,
            "results": [
                {
                    "task": {"type": task or "other", "name": task or "other"},
                    "dataset": {
                        "type": _dataset_type(dataset or task),
                        "name": dataset or task or "not named",
                    },
                    "metrics": [
                        {
                            "type": result.metric,
                            "value": result.value,
                            "name": result.metric,
                        }
                        for result in group
                    ],
                }
                for (task, dataset), group in groups.items()
            ],
        }
    ]


def _dataset_type(name: str) -> str:
    """Return an identifier, as the hub wants it there."""
    return re.sub(r"[^\w./-]+", "-", name, flags=re.ASCII).strip("-") or "other"


def _yaml_lines(fields: Mapping[str, object]) -> Iterator[str]:
    """Write block YAML that 1.1 and 1.2 read alike: every text is quoted."""
    for key, value in fields.items():
        yield from _written(f"{key}:", value, "")


def _written(head: str, value: object, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield f"{indent}{head}"
        for key, inner in value.items():
            yield from _written(f"{key}:", inner, indent + "  ")
    elif isinstance(value, list):
        yield f"{indent}{head}"
        for item in value:
            yield from _item(item, indent)
    else:
        yield f"{indent}{head} {_scalar(value)}"


def _item(item: object, indent: str) -> Iterator[str]:
    if not isinstance(item, Mapping):
        yield f"{indent}- {_scalar(item)}"
        return
    lines = [line for k, v in item.items() for line in _written(f"{k}:", v, "")]
    for index, line in enumerate(lines):
        yield f"{indent}{'- ' if index == 0 else '  '}{line}"


def _scalar(value: object) -> str:
    if isinstance(value, float):
        text = repr(value)
        mantissa, e, exponent = text.partition("e")
        # YAML 1.1 takes 1e-05 for a text.
        return f"{mantissa}.0e{exponent}" if e and "." not in mantissa else text
    if isinstance(value, int):
        return str(value)
    text = json.dumps(str(value), ensure_ascii=False)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
