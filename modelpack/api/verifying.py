"""``verify``: who is believed, and whether what they signed is there."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from modelpack.api.command import Command
from modelpack.api.files import content_of
from modelpack.api.key_names import named_public_key
from modelpack.api.settings import Settings
from modelpack.api.stores import open_store
from modelpack.attestation.any_of import AnyOf
from modelpack.attestation.bundle import Bundle
from modelpack.attestation.evidence import (
    VerifiedStatement,
    Verifier,
    verified_model_signature,
)
from modelpack.attestation.model_signature import IGNORED, signed_files
from modelpack.attestation.predicates import SIGNATURE, predicate_type
from modelpack.errors import InvalidInput, ModelpackError, UnusableArtifact
from modelpack.model.read import read_model
from modelpack.oci.digest import Digest
from modelpack.oci.fields import Fields
from modelpack.oci.manifest import Document, Manifest, parse_any
from modelpack.oci.reference import Place, Reference
from modelpack.oci.store import Store
from modelpack.signing.claims import claimed_signer
from modelpack.signing.log import LogKeys
from modelpack.signing.managed import KeyVerifier
from modelpack.transfer.progress import Listener, nobody
from modelpack.workflows.verify import Verified, Wanted, model_signatures
from modelpack.workflows.verify import verify as decide

_JOBS: Final = 8
_POOLED: Final = 2
"""From how many references on threads are worth it: one takes less time without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyResult:
    """What was verified about the artifact that ``reference`` pins."""

    reference: str
    verified: Verified

    def document(self) -> Mapping[str, object]:
        """Return the JSON form (docs/json.md)."""
        evidence = self.verified.evidence
        counted = self.verified.counted
        return {
            "reference": self.reference,
            "digest": str(evidence.digest),
            "verified": [_found(each) for each in counted],
            "others": [_found(e) for e in evidence.statements if e not in counted],
            "setAside": [
                {"name": each.name, "reason": each.reason}
                for each in evidence.set_aside
            ],
        }


def _found(found: VerifiedStatement) -> Mapping[str, object]:
    proven, statement = found.proven, found.statement
    return {
        "name": found.name,
        "predicateType": statement.predicate_type,
        "signer": proven.signer.document(),
        "signedAt": proven.signed_at.isoformat() if proven.signed_at else None,
        "logged": proven.logged,
        "predicate": dict(statement.predicate),
    }


def believe_keys(
    keys: Sequence[str | Path],
    *,
    logs: LogKeys | None = None,
    require_log: bool = False,
) -> Verifier:
    """Return what accepts signatures of any of these public keys."""
    if require_log and logs is None:
        raise InvalidInput(
            "which logs are to be trusted?", hint="--trusted-root FILE says it"
        )
    return AnyOf(
        tuple(
            KeyVerifier(key=named_public_key(key), logs=logs, require_log=require_log)
            for key in keys
        )
    )


def load_logs(
    *, trusted_root: Path | None = None, trust_config: Path | None = None
) -> LogKeys:
    """Read the logs of a trusted root, or of the one in a client trust config."""
    if (trusted_root is None) == (trust_config is None):
        raise InvalidInput("--trusted-root or --trust-config: one of them")
    if trusted_root is not None:
        return LogKeys.of_trusted_root(content_of(trusted_root), str(trusted_root))
    where = str(trust_config)
    config = Fields.of_json(content_of(where), where=where)
    return LogKeys.of_document(config.get("trustedRoot"), config.path("trustedRoot"))


def verify(  # noqa: PLR0913 - one keyword for each choice of the caller
    reference: str,
    verifier: Verifier,
    *,
    types: Sequence[str] = (),
    require: int = 1,
    annotations: Mapping[str, str] | None = None,
    directory: str | Path | None = None,
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> VerifyResult:
    """Check that an artifact carries what is asked for, or raise with the reason.

    Without ``types`` that is a signature; with, a statement of each type.
    ``require`` is how many different signers each needs, and ``annotations`` have to
    be signed, too. With ``directory`` the files there have to be the artifact's as
    well. ``NotVerified`` says what was set aside, and why.
    """
    command = Command(settings, notify)
    question = _Question(
        verifier,
        _wanted(types, require, annotations),
        directory=directory,
        command=command,
    )
    parsed = Reference.parse(reference)
    with open_store(parsed.place, command.settings, command.patience) as store:
        return question.ask(store, parsed)


def verify_all(  # noqa: PLR0913 - one keyword for each choice of the caller
    references: Sequence[str],
    verifier: Verifier,
    *,
    types: Sequence[str] = (),
    require: int = 1,
    annotations: Mapping[str, str] | None = None,
    directory: str | Path | None = None,
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> Iterator[VerifyResult | ModelpackError]:
    """Check many artifacts at once; yield each outcome, in the order given.

    Raises ``InvalidInput`` for none at all: nothing would be refused.

    What ``verify`` would raise about one is yielded in its place, and the others
    are judged all the same.
    """
    if not references:
        raise InvalidInput("no artifact is named that is to be verified")
    command = Command(settings, notify)
    question = _Question(
        verifier,
        _wanted(types, require, annotations),
        directory=directory,
        command=command,
    )
    with ExitStack() as stack:
        stores: dict[Place, Store] = {}

        def ask(reference: str) -> VerifyResult | ModelpackError:
            try:
                parsed = Reference.parse(reference)
                with lock:
                    if parsed.place not in stores:
                        opened = open_store(
                            parsed.place, command.settings, command.patience
                        )
                        stores[parsed.place] = stack.enter_context(opened)
                return question.ask(stores[parsed.place], parsed)
            except ModelpackError as error:
                return error

        lock = threading.Lock()
        jobs = min(command.settings.jobs or _JOBS, len(references))
        if jobs < _POOLED:
            yield from map(ask, references)
            return
        from concurrent.futures import ThreadPoolExecutor

        pool = stack.enter_context(ThreadPoolExecutor(jobs))
        yield from pool.map(ask, references)


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked about each artifact."""

    verifier: Verifier
    wanted: Wanted
    directory: str | Path | None
    command: Command

    def ask(self, store: Store, reference: Reference) -> VerifyResult:
        verified = decide(store, reference.selector, self.verifier, self.wanted)
        digest = verified.descriptor.digest
        if self.directory is not None:
            document = store.get_manifest(digest)
            _check_directory(Path(self.directory), document, self.command)
        return VerifyResult(reference=str(reference.at(digest)), verified=verified)


def _wanted(
    types: Sequence[str], require: int, annotations: Mapping[str, str] | None
) -> Wanted:
    return Wanted(
        types=tuple(map(predicate_type, types)) or (SIGNATURE,),
        signers=require,
        annotations=annotations or {},
    )


def _check_directory(path: Path, artifact: Document, command: Command) -> None:
    from modelpack.disk.source.compare import require_same

    manifest = parse_any(artifact)
    if not isinstance(manifest, Manifest):
        raise UnusableArtifact("is an index, not a model")
    wanted = {file.path: file.digest for file in read_model(manifest)}
    require_same(path, wanted, command.stop.check)


def verify_directory(
    directory: str | Path,
    signature: str | Path,
    verifier: Verifier,
    *,
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> VerifiedStatement:
    """Check a directory against an OpenSSF model signature, as ``model_signing`` does.

    Every file has to be there and be what was signed, and no other, but for git's
    own and the signature itself.
    """
    from modelpack.disk.source.compare import require_same

    command = Command(settings, notify)
    root = Path(directory)
    bundle = Bundle.parse(content_of(signature))
    found = verified_model_signature(bundle, verifier)
    files = signed_files(found.statement)
    wanted = {path: Digest("sha256", digest) for path, digest in files.items()}
    ignored = set(IGNORED)
    place, top = Path(signature).resolve(), root.resolve()
    if place.is_relative_to(top):
        ignored.add(place.relative_to(top).as_posix())
    require_same(root, wanted, command.stop.check, ignored=ignored)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSignature:
    """A model signature, and the pinned reference of what it is about."""

    reference: str
    bundle: bytes


def model_signature(
    reference: str,
    verifier: Verifier | None = None,
    *,
    settings: Settings | None = None,
    notify: Listener = nobody,
) -> ModelSignature:
    """Return the bundle that ``model_signing verify`` wants beside the files.

    Without a ``verifier`` it is not verified: that is what it is fetched for. Raises
    ``InvalidInput`` where there is none, or one of several signers.
    """
    command = Command(settings, notify)
    parsed = Reference.parse(reference)
    with open_store(parsed.place, command.settings, command.patience) as store:
        digest = store.get_manifest(parsed.selector).descriptor.digest
        found = model_signatures(store, digest, verifier)
    if not found:
        raise UnusableArtifact(
            "has no model signature that fits", where=reference, hint="modelpack sign"
        )
    signers = sorted({claimed_signer(bundle) for bundle in found})
    if len(signers) > 1:
        raise UnusableArtifact(
            f"has model signatures of {', '.join(signers)}",
            where=reference,
            hint="--key FILE says whose",
        )
    return ModelSignature(reference=str(parsed.at(digest)), bundle=found[0].raw)
