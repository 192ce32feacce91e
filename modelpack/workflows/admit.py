"""Ask policies whether a model may pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Manifest
from modelpack.policy.admission import Admitted, admitted_by
from modelpack.policy.evaluation.evidence import Evidence
from modelpack.policy.evaluation.house import Policies, Verdict
from modelpack.policy.objects import Carrier, carrying
from modelpack.policy.request import Payload, request_of

__all__ = ["Carried", "Guard"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """How a model would come into a cluster; ``name`` is registry and repository."""

    name: str
    carrier: Carrier = Carrier.VOLUME
    namespace: str = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Implements ``Policy``: judges a model as the cluster would judge what carries it.

    Policies of JSON mode get ``{"reference": …}``. The reference is pinned, as
    ``mutateDigest`` would have made it.
    """

    policies: Policies
    evidence: Evidence
    carried: Carried
    warn: Callable[[str], None]

    def verdict(self, digest: Digest) -> Verdict:
        """Judge a digest; admits nothing."""
        reference = f"{self.carried.name}@{digest}"
        if self.policies.json_mode:
            return self.policies.judge(Payload({"reference": reference}), self.evidence)
        carried = carrying(
            reference, self.carried.carrier, namespace=self.carried.namespace
        )
        return self.policies.judge(request_of(carried), self.evidence)

    def admit(self, manifest: Manifest) -> Admitted:
        """Admit a manifest, or raise ``PolicyDenied`` with every reason."""
        verdict = self.verdict(manifest.descriptor.digest)
        for warning in verdict.warnings:
            self.warn(warning)
        return admitted_by(verdict, manifest, self.policies.names)
