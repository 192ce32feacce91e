"""Measure the evaluation of policies: `python -m benchmarks.policies`.

A policy of five rules about a signed model with a signed bill of materials, at which
two of them look; the evidence is fetched and verified before the clock starts.
"""

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from modelpack.errors import RegistryError
from modelpack.policy.cel.engine import Environment
from modelpack.policy.cel.kubernetes import kubernetes_functions
from modelpack.policy.cel.types import BOOL, DYN
from modelpack.policy.evaluation.evidence import Image, Signed
from modelpack.policy.evaluation.house import Policies
from modelpack.policy.image_reference import ImageReference
from modelpack.policy.kyverno.attestor import Attestor
from modelpack.signing.attestors import verifier_of
from modelpack.workflows.evidence import StoreEvidence
from tests.policy.scene import BOM, HOST, NOW, Scene, image_policy, read
from tests.workflows.signing import Person

_TIMES = 200
_PAYLOAD = "extractPayload(m, attestations.bom).predicate"
_LICENSED = "c.licenses.all(l, l.license.id in ['MIT', 'Apache-2.0'])"
_DEMANDS = (
    "verifyImageSignatures(m, [attestors.team]) > 0",
    "verifyAttestationSignatures(m, attestations.bom, [attestors.team]) > 0",
    f"{_PAYLOAD}.components.exists(c, c.name == 'part 19')",
    f"{_PAYLOAD}.components.all(c, {_LICENSED})",
    f"parseImageReference(m).registry() == '{HOST}'",
)


@dataclass
class _Fetched:
    """Evidence that is asked for once."""

    inner: StoreEvidence
    images: dict[str, Image] = field(default_factory=dict)
    found: dict[str, Signed] = field(default_factory=dict)

    def image(self, reference: ImageReference) -> Image:
        if reference.text not in self.images:
            self.images[reference.text] = self.inner.image(reference)
        return self.images[reference.text]

    def signed(self, reference: ImageReference, attestor: Attestor) -> Signed:
        key = f"{reference.text} {attestor.name}"
        if key not in self.found:
            self.found[key] = self.inner.signed(reference, attestor)
        return self.found[key]


def main() -> int:
    """Measure and print a table."""
    print("| What | processor, ms | slowest |")
    print("|---|---:|---:|")
    environment = Environment(
        variables={"object": DYN}, functions=kubernetes_functions()
    )

    def compiled() -> object:
        return environment.compile(f"object.all(c, {_LICENSED})", where="", result=BOOL)

    _row("compile one expression", compiled)
    return max(_judged(parts) for parts in (20, 500))


def _judged(parts: int) -> int:
    """Measure with a bill of materials of so many parts."""
    person, scene = Person.new(), Scene()
    part = {"licenses": [{"license": {"id": "MIT"}}], "type": "library"}
    bom = {"components": [{"name": f"part {i}", **part} for i in range(parts)]}
    signing = person.signing(scene.store)
    signing.signature(scene.model)
    signing.attestation(scene.model, BOM, bom, append=True)
    rules = [{"expression": f"images.models.all(m, {each})"} for each in _DEMANDS]
    documents = read(image_policy(person, "five", validations=rules))
    policies = Policies(documents, lambda: NOW)
    evidence = _Fetched(StoreEvidence(scene.find, _verifier))
    asked = scene.pod()
    if not policies.judge(asked, evidence).admitted:
        print("the policy does not admit", file=sys.stderr)
        return 1
    _row(f"judge by five rules, {parts} parts", lambda: policies.judge(asked, evidence))
    return 0


def _verifier(attestor: Attestor) -> object:
    def public() -> object:
        raise RegistryError("the public Sigstore is not asked here")

    return verifier_of(attestor, public)  # type: ignore[arg-type]


def _row(name: str, run: Callable[[], object]) -> None:
    seen = []
    for _ in range(_TIMES):
        started = time.process_time()
        run()
        seen.append(1000 * (time.process_time() - started))
    print(f"| {name} | {statistics.median(seen):.2f} | {max(seen):.2f} |")


if __name__ == "__main__":
    sys.exit(main())
