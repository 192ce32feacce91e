"""Results of evaluations, as the programs wrote them that measured.

Read are: lm-evaluation-harness (``results_….json``), Hugging Face ``evaluate``
(``evaluate.save``), and what the Trainer of transformers leaves behind
(``eval_results.json``). A number that may be something else is not taken for a result.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.names import checked_text, shown
from modelpack.formats.prose.plain_yaml import Node
from modelpack.oci.strict_json import parse_object

__all__ = ["Result", "as_number", "looks_like_results", "of_index", "parse_results"]

MAX_RESULTS: Final = 1000
MAX_TEXT: Final = 256
_NAMED: Final = re.compile(
    r"(?:results?[-_].*|.*results|.*eval.*)\.json", re.IGNORECASE
)
# What `evaluate` calls its metrics; beside them it saves whatever it is given.
_METRICS: Final = re.compile(
    r"(?:eval_)?(?:accuracy|balanced_accuracy|f1|precision|recall|roc_auc|exact_match|"
    r"em|matthews_correlation|mse|rmse|mae|mape|smape|r_squared|pearsonr|spearmanr|"
    r"spearmanr?_cosine|perplexity|mean_perplexity|bleu|sacrebleu|google_bleu|chrf|"
    r"meteor|ter|wer|cer|rouge(?:1|2|L|Lsum)|bertscore|mean_iou|mauve|loss|ndcg|map|"
    r"mrr|pass@\d+)",
)
_Z95: Final = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One number that was measured; ``lower`` and ``upper`` bound 95 % where known.

    ``task`` and ``dataset`` are empty where the results do not say it. ``source`` names
    the program, and the file that it wrote.
    """

    metric: str
    value: float
    task: str = ""
    dataset: str = ""
    lower: float | None = None
    upper: float | None = None
    source: str = ""

    def document(self) -> Mapping[str, object]:
        """Return the JSON form, without what is not known."""
        fields: dict[str, object] = {
            "task": self.task,
            "dataset": self.dataset,
            "metric": self.metric,
            "value": self.value,
        }
        for name in ("lower", "upper"):
            if getattr(self, name) is not None:
                fields[name] = getattr(self, name)
        if self.source:
            fields["source"] = self.source
        return fields


def looks_like_results(path: str) -> bool:
    """Whether a file is called as results are; what it holds is looked at then."""
    return _NAMED.fullmatch(path.rpartition("/")[2]) is not None


def parse_results(raw: bytes, where: str) -> tuple[Result, ...]:
    """Return the results of a file; none if it is of another kind.

    ``InvalidInput`` for results that cannot be believed: no JSON, or no numbers.
    """
    # Python's writers put NaN there; such a value is no result.
    document = parse_object(raw, where, infinities=True)
    match document:
        case {"results": dict(results)} if document.keys() & {
            "lm_eval_version",
            "versions",
            "n-shot",
        }:
            found = _of_harness(results, document, where)
        case {"_evaluate_version": _}:
            found = _of_flat(document, f"evaluate: {where}")
        case _ if any(key.startswith("eval_") for key in document):
            found = _of_flat(
                {k: v for k, v in document.items() if k.startswith("eval_")},
                f"transformers: {where}",
            )
        case _:
            return ()
    results_ = tuple(found)
    if len(results_) > MAX_RESULTS:
        raise InvalidInput(f"more than {MAX_RESULTS} results", where=where)
    return results_


def of_index(index: Node, where: str) -> tuple[Result, ...]:
    """Return what a card's ``model-index`` says; what has another form is left out."""
    found = []
    models = index if isinstance(index, list) else []
    for model in models:
        results = model.get("results") if isinstance(model, dict) else None
        for result in results if isinstance(results, list) else []:
            found += list(_of_index_result(result, where))
    return tuple(found[:MAX_RESULTS])


def _of_index_result(result: Node, where: str) -> Iterator[Result]:
    match result:
        case {"metrics": list(metrics)} if isinstance(result, dict):
            task = _inner(result, "task", "type")
            dataset = _inner(result, "dataset", "name")
        case _:
            return
    for metric in metrics:
        match metric:
            case {"type": str(kind), "value": str(text)}:
                value = as_number(text)
            case _:
                continue
        if value is not None and kind:
            yield Result(
                metric=kind[:MAX_TEXT],
                value=value,
                task=task,
                dataset=dataset,
                source=where,
            )


def _inner(result: Mapping[str, Node], key: str, name: str) -> str:
    value = result.get(key)
    inner = value.get(name) if isinstance(value, dict) else None
    return inner[:MAX_TEXT] if isinstance(inner, str) else ""


def _of_harness(
    results: Mapping[str, object], document: Mapping[str, object], where: str
) -> Iterator[Result]:
    """Read `{"task": {"acc,none": 0.5, "acc_stderr,none": 0.01, …}, …}`."""
    version = document.get("lm_eval_version")
    source = f"lm-evaluation-harness{f' {version}' if version else ''}: {where}"
    configs = document.get("configs")
    for task, values in results.items():
        if not isinstance(values, dict):
            raise InvalidInput("expected an object", where=f"{where}: {shown(task)}")
        name = checked_text(task, where, limit=MAX_TEXT)
        config = configs.get(task) if isinstance(configs, dict) else None
        path = config.get("dataset_path") if isinstance(config, dict) else None
        for key, value in values.items():
            metric, comma, how = key.partition(",")
            number = as_number(value)
            if not comma or metric.endswith("_stderr") or number is None:
                continue
            error = as_number(values.get(f"{metric}_stderr,{how}"))
            filtered = "" if how == "none" else f" ({how})"
            yield Result(
                metric=checked_text(metric + filtered, where, limit=MAX_TEXT),
                value=number,
                task=name,
                dataset=path[:MAX_TEXT] if isinstance(path, str) else "",
                lower=None if error is None else number - _Z95 * error,
                upper=None if error is None else number + _Z95 * error,
                source=source[:MAX_TEXT],
            )


def _of_flat(document: Mapping[str, object], source: str) -> Iterator[Result]:
    """Read `{"accuracy": 0.5, …}`; other numbers there are settings, not results."""
    task, dataset = (
        text[:MAX_TEXT] if isinstance(text, str) else ""
        for text in (document.get("task"), document.get("dataset"))
    )
    for key, value in document.items():
        number = as_number(value)
        if number is not None and _METRICS.fullmatch(key):
            yield Result(
                metric=key.removeprefix("eval_"),
                value=number,
                task=task,
                dataset=dataset,
                source=source,
            )


def as_number(value: object) -> float | None:
    """Return a finite number, which may stand there as a text; a truth is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
