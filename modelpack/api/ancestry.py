"""``lineage``: what a model was made from, and that, and so on."""

from __future__ import annotations

from pathlib import Path

from modelpack.api.command import Command
from modelpack.api.material import look
from modelpack.api.settings import Settings
from modelpack.api.signing import name_of
from modelpack.api.stores import open_store
from modelpack.api.targets import opened
from modelpack.attestation.evidence import Verifier
from modelpack.documents.lineage import Kin
from modelpack.oci.reference import Reference, Repository
from modelpack.signing.claims import claimed_signer
from modelpack.transfer.progress import Listener, nobody
from modelpack.workflows.lineage import Walk, kin_of_files


def lineage(
    target: str | Path,
    *,
    believe: Verifier | None = None,
    follow: bool = False,
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> Kin:
    """Return what a model was made from, as a tree.

    What is signed about an artifact counts before what its files say; with ``believe``
    only signatures count that it verifies. No registry is asked but the model's own,
    unless ``follow``; the Hugging Face hub never is.
    """
    command = Command(settings, notify)
    path = Path(target)
    home = None if path.exists() else Reference.parse(str(target)).place
    host = home.host if isinstance(home, Repository) else None
    walk = Walk(
        open=lambda place: open_store(place, command.settings, command.patience),
        follows=lambda place: follow or place.host == host,
        signer_of=claimed_signer,
        verifier=believe,
    )
    if home is None:
        with opened(target, command) as found:
            model, _ = look(found, command)
        parents = kin_of_files(model.facts)
        root = Kin(
            kind="model",
            name=model.facts.claims.name or model.name,
            basis="its files" if parents else "",
            parents=parents,
        )
        return walk.of_files(root)
    reference = Reference.parse(str(target))
    with open_store(home, command.settings, command.patience) as store:
        return walk.of_artifact(store, reference, name_of(reference))
