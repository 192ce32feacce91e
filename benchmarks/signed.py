"""Small artifacts in a registry, each signed, and the commands that verify them."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cases import Case
from benchmarks.measure import Failed, Sample, run
from benchmarks.peers import Job, Program
from benchmarks.sites import Site
from modelpack import Settings, push
from modelpack.api import SignWith, generate_key, sign_keyless, sign_with_key
from modelpack.api.keyless import Sigstore
from tests.sigstore.server import FakeSigstore

_IDENTITY = "anna@example.com"
_PASSWORD = "of a benchmark"  # noqa: S105 - of a key that is made for one run


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What was signed, and who has to have done it."""

    site: Site
    folder: Path
    references: tuple[str, ...]
    believed: tuple[str, ...]

    @classmethod
    def prepare(cls, case: Case, site: Site, folder: Path) -> "Signed":
        """Push and sign as many artifacts as the case wants."""
        if not case.keyless:
            private, public = generate_key(folder / "bench", _PASSWORD)
            signer = sign_with_key(private, lambda: _PASSWORD)
            believed: tuple[str, ...] = ("--key", str(public))
            references = _pushed(case, site, folder, signer)
        else:
            with FakeSigstore() as sigstore:
                # cosign wants the log's name to be its host's.
                sigstore.rekor.origin = "127.0.0.1"
                config, root, _ = sigstore.write(folder)
                token = sigstore.token(_IDENTITY)
                signer = sign_keyless(lambda _: token, Sigstore(config=config))
                references = _pushed(case, site, folder, signer)
            believed = (
                *("--trusted-root", str(root)),
                *("--certificate-identity", _IDENTITY),
                *("--certificate-oidc-issuer", sigstore.url),
            )
        return cls(site=site, folder=folder, references=references, believed=believed)

    def verify(self, program: Program) -> Sample:
        if program.verify is None:
            raise Failed(f"{program.name} cannot verify")
        home = self.folder / f"home-{program.name}"
        home.mkdir(exist_ok=True)
        job = Job(
            reference=self.references[0],
            files=self.folder,
            target=home,
            scratch=home,
            plain_http=True,
            references=self.references,
            believed=self.believed,
        )
        return run(program.verify(job), self.site.environment(home))


def _pushed(case: Case, site: Site, folder: Path, signer: SignWith) -> tuple[str, ...]:
    model = folder / "model"
    model.mkdir()
    references = []
    for number in range(case.artifacts):
        (model / "config.json").write_text(json.dumps({"number": number}))
        reference = f"{site.direct}/benchmark/model:v{number}"
        references.append(
            push(model, reference, signer=signer, settings=Settings()).reference
        )
    os.sync()
    return tuple(references)
