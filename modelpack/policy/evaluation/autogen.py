"""Copies of a policy about Pods for what creates Pods, as Kyverno makes them.

Kyverno 1.19, ``pkg/cel/autogen``: the text of every expression is changed, so that
``object.spec`` becomes ``object.spec.template.spec``. Copies have no exceptions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from modelpack.policy.kyverno.documents import Source, parse_policy
from modelpack.policy.kyverno.policy import AnyPolicy

__all__ = ["copies"]


@dataclass(frozen=True, slots=True)
class _Kind:
    """Where some controllers keep what becomes a Pod."""

    template: str
    resources: dict[str, str]


_KINDS: Final = (
    _Kind(
        "spec.template",
        {
            "daemonsets": "apps",
            "deployments": "apps",
            "replicasets": "apps",
            "statefulsets": "apps",
            "jobs": "batch",
        },
    ),
    _Kind("spec.jobTemplate.spec.template", {"cronjobs": "batch"}),
)
# Plain text is replaced, whatever it is a part of; only `.namespace` is spared.
_NOT_SPARED: Final = r"(?!\.namespace(?![A-Za-z0-9_]))"


def copies(policy: AnyPolicy, source: Source) -> Iterator[AnyPolicy]:
    """Yield the policy for Deployments and their like, and for CronJobs."""
    common = policy.common
    spec = source.spec
    if common.json_mode or not common.match.only_pods() or not isinstance(spec, dict):
        return
    wanted = common.controllers
    for kind in _KINDS:
        resources = {
            name: group
            for name, group in kind.resources.items()
            if wanted is None or name in wanted
        }
        if resources:
            match = _about(spec["matchConstraints"], resources)
            changed = {
                key: _changed(value, kind.template) for key, value in spec.items()
            }
            yield parse_policy(source.fields, {**changed, "matchConstraints": match})


def _about(match: dict[str, object], resources: Mapping[str, str]) -> object:
    rules = match["resourceRules"]
    operations = rules[0].get("operations") if isinstance(rules, list) else None
    about: dict[str, object] = {
        "resourceRules": [
            {
                "apiGroups": [group],
                "apiVersions": ["v1"],
                "operations": operations,
                "resources": sorted(n for n, g in resources.items() if g == group),
            }
            for group in sorted(set(resources.values()))
        ]
    }
    if "namespaceSelector" in match:
        about["namespaceSelector"] = match["namespaceSelector"]
    return about


def _changed(value: object, template: str) -> object:
    if isinstance(value, dict):
        return {key: _changed(inner, template) for key, inner in value.items()}
    if isinstance(value, list):
        return [_changed(inner, template) for inner in value]
    if not isinstance(value, str):
        return value
    for part in ("spec", "metadata"):
        for holder in ("object", "oldObject"):
            value = re.sub(
                rf"{holder}\.{part}{_NOT_SPARED}",
                f"{holder}.{template}.{part}",
                value,
            )
    return value
