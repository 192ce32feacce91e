"""Who judges a case: the real Kyverno CLI."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.interop.desk import Desk
from tests.kyverno.case import Case, Document, Json, Result, Said, Verdict, filled
from tests.kyverno.documents import DEFINITIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """The files of one case in a folder of its own."""

    policies: Path
    definitions: Path
    resource: Path | None
    payload: Path | None
    exceptions: tuple[Path, ...]

    @classmethod
    def write(cls, folder: Path, case: Case, names: Mapping[str, str]) -> "Papers":
        folder.mkdir(parents=True, exist_ok=True)

        def written(name: str, documents: Sequence[Document]) -> Path:
            path = folder / name
            texts = [json.dumps(filled(each, names), indent=1) for each in documents]
            path.write_text("\n---\n".join(texts))  # JSON is YAML
            return path

        def one(name: str, document: Document | None) -> Path | None:
            return None if document is None else written(name, [document])

        return cls(
            policies=written("policies.yaml", case.policies),
            definitions=written("definitions.yaml", DEFINITIONS),
            resource=one("resource.yaml", case.resource),
            payload=one("payload.json", case.payload),
            exceptions=tuple(
                written(f"exception-{number}.yaml", [each])
                for number, each in enumerate(case.exceptions)
            ),
        )

    def what(self) -> list[str | Path]:
        """Say what is admitted, in flags that both programs have."""
        if self.resource is not None:
            return ["--resource", self.resource]
        assert self.payload is not None
        return ["--json", self.payload]

    def excepted(self) -> list[str | Path]:
        return [part for path in self.exceptions for part in ("--exception", path)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kyverno:
    """`kyverno apply`, which reads the registry and no cluster."""

    desk: Desk
    folder: Path
    names: Mapping[str, str]

    def judge(self, case: Case) -> Verdict:
        papers = Papers.write(self.folder / case.name, case, self.names)
        ran = self.desk.try_peer(
            "kyverno",
            *("apply", papers.policies, *papers.what(), *papers.excepted()),
            *("--crd-paths", papers.definitions),
            *("--remove-color", "--policy-report", "--output-format", "json"),
        )
        out = ran.out.decode()
        said = tuple(self._said(out))
        if not said and ran.code != 0:  # no report at all: it could not decide
            said = (Said(policy="", result=Result.ERROR, message=ran.err + out),)
        return Verdict(said=said, printed=f"{out}\n{ran.err}")

    @classmethod
    def _said(cls, out: str) -> Iterator[Said]:
        for line in out.splitlines():
            if line.startswith("{"):
                for result in json.loads(line).get("results") or ():
                    yield cls._one(result)

    @staticmethod
    def _one(result: Json) -> Said:
        return Said(
            policy=result["policy"],
            result=Result(result["result"]),
            message=result.get("message", ""),
        )
