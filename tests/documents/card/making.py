"""Material of a card, from files as they would lie in a folder."""

from dataclasses import replace

from modelpack.documents.card.front_matter import split
from modelpack.documents.card.material import Material
from modelpack.documents.described import Scanned, ScannedFile
from modelpack.formats.prose.results import of_index, parse_results
from tests.documents.test_cyclonedx import FILES, described


def material(files: dict[str, bytes] | None = None, **changes: object) -> Material:
    files = FILES if files is None else files
    readme = files.get("README.md")
    index = split((readme or b"").decode(), "README.md").fields.get("model-index")
    made = Material(
        model=described(files),
        tool="modelpack 1",
        readme=readme,
        results=tuple(
            result
            for path, raw in sorted(files.items())
            if path.startswith("results")
            for result in parse_results(raw, path)
        ),
        declared=of_index(index, "README.md"),
        scanned=Scanned(
            outcome="pass",
            scanner="modelpack 1",
            files=tuple(
                ScannedFile(path=path, outcome="pass") for path in sorted(files)
            ),
        ),
    )
    return replace(made, **changes)  # type: ignore[arg-type]
