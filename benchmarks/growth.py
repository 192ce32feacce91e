"""Verify more and more statements about one digest: the time grows with them alone.

`python -m benchmarks.growth [keyless]`. A registry holds one small model; statements
are added to it, and all of them are verified by one command, again and again. CPU time
counts: it is what grows, whatever else the machine does.
"""

import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Sample, median, run
from benchmarks.peers import Command
from modelpack.api import (
    Settings,
    SignWith,
    generate_key,
    push,
    sign_keyless,
    sign_with_key,
)
from modelpack.api.keyless import Sigstore
from modelpack.api.stores import open_store
from modelpack.attestation.predicates import CUSTOM
from modelpack.attestation.statement import Statement
from modelpack.oci.patience import Patience
from modelpack.oci.reference import Reference
from modelpack.serve.registry import RegistryServer
from modelpack.workflows.attach import attach
from tests.sigstore.server import FakeSigstore

_SIZES = (0, 100, 250, 500, 750, 1000)  # 1,000 is the most that is judged at all
_ROUNDS = 3
_MIB = 1 << 20
_WHEN = "2026-11-24T00:00:00Z"
_IDENTITY = "anna@example.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What it took to verify ``size`` statements."""

    size: int
    sample: Sample


def main(*, keyless: bool) -> int:
    """Print a table and bars; 1 where a statement costs more as there are more."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with FakeSigstore() as sigstore:
            if keyless:
                signer, believed = _identity(sigstore, folder)
            else:
                signer, believed = _key(folder)
            with RegistryServer(folder / "registry") as server:
                points = _measure(folder, server.address, signer, believed)
    return _report(points)


def _key(folder: Path) -> tuple[SignWith, Sequence[str]]:
    private, public = generate_key(folder / "bench", "")
    return sign_with_key(private, str), ("--key", str(public))


def _identity(sigstore: FakeSigstore, folder: Path) -> tuple[SignWith, Sequence[str]]:
    config, root, _ = sigstore.write(folder)
    token = sigstore.token(_IDENTITY)
    who = ("--certificate-identity", _IDENTITY)
    issuer = ("--certificate-oidc-issuer", sigstore.url)
    signer = sign_keyless(lambda _: token, Sigstore(config=config))
    return signer, ("--trusted-root", str(root), *who, *issuer)


def _measure(
    folder: Path, address: str, signer: SignWith, believed: Sequence[str]
) -> list[Point]:
    model = folder / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    settings = Settings()
    pinned = push(model, f"{address}/growth/model:1", settings=settings).reference
    reference = Reference.parse(pinned)
    points = []
    made = 0
    patience = Patience(lambda *_: None, tries=1, first=0)
    with open_store(reference.place, settings, patience) as store:
        subject = store.get_manifest(reference.selector).descriptor
        for size in _SIZES:
            for number in range(made, size):
                said = Statement.build(subject.digest, CUSTOM, {"number": number})
                attach(store, subject, signer.signer.sign(said), CUSTOM, _WHEN)
            made = size
            points.append(Point(size=size, sample=_verified(pinned, believed, size)))
            print(f"{size} ...", file=sys.stderr, flush=True)
    return points


def _verified(reference: str, believed: Sequence[str], size: int) -> Sample:
    command = [sys.executable, "-m", "modelpack", "verify", "-q", *believed]
    # Of none there is none to verify: what it takes to find that out.
    wanted = ["--type", "custom", reference] if size else ["--help"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(Path.home())}
    return median(
        [
            run([Command(arguments=[*command, *wanted])], environment)
            for _ in range(_ROUNDS)
        ]
    )


def _report(points: list[Point]) -> int:
    most = max(point.sample.cpu for point in points)
    print("| statements | CPU, s | wall, s | peak MiB |")
    print("| ---------: | -----: | ------: | -------: |")
    for point in points:
        taken = point.sample
        bar = "#" * round(30 * taken.cpu / most)
        print(
            f"| {point.size:10} | {taken.cpu:6.2f} | {taken.wall:7.2f} "
            f"| {taken.memory / _MIB:8.0f} | {bar}"
        )
    start = points[0].sample.cpu
    costs = [(p.sample.cpu - start) / p.size for p in points[1:]]
    print("a statement costs, ms: " + ", ".join(f"{1000 * c:.1f}" for c in costs))
    # The first hundred also pay for what is loaded once.
    return int(costs[-1] > 1.5 * statistics.median(costs))


if __name__ == "__main__":
    sys.exit(main(keyless="keyless" in sys.argv[1:]))
