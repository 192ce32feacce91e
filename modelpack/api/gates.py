"""What admits an artifact: policies that are given, and those of configurations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from modelpack.api.carriage import Carriage
from modelpack.api.command import Command
from modelpack.api.files import content_of
from modelpack.oci.fields import Fields
from modelpack.oci.manifest import compact
from modelpack.oci.reference import Place, Reference, Repository
from modelpack.oci.store import Source
from modelpack.policy.admission import AllOf, Policy, UnsafeAdmitAll

if TYPE_CHECKING:
    from modelpack.policy.configuration import Configuration, Entry
    from modelpack.policy.evaluation.house import Policies

__all__ = ["admission"]


@contextmanager
def admission(
    reference: Reference,
    source: Source,
    policy: Policies | UnsafeAdmitAll | None,
    command: Command,
    carriage: Carriage,
) -> Iterator[Policy]:
    """Return what has to admit an artifact before a byte of it is handed out.

    Policies that are given, and every entry about it in the configuration files:
    all of them. Where there are neither, everything is admitted, with a warning;
    ``UnsafeAdmitAll`` that is given is an explicit choice, and asks nobody.
    """
    if isinstance(policy, UnsafeAdmitAll):
        yield policy
        return
    with ExitStack() as stack:
        gates: list[Policy] = []
        if policy is not None:
            from modelpack.api.policies import guard

            gates.append(
                stack.enter_context(guard(reference, source, policy, command, carriage))
            )
        for entry, folder, carried in _entries(reference, command, carriage):
            gates.append(
                stack.enter_context(
                    _gate(entry, folder, reference, source, command, carried)
                )
            )
        settings = command.settings
        if policy is None and settings.admission is None and gates:
            command.warn(
                f"{settings.local_admission} of the working directory alone says "
                "what admits it"
            )
        yield AllOf(tuple(gates)) if gates else UnsafeAdmitAll(command.warn)


def _entries(
    reference: Reference, command: Command, carriage: Carriage
) -> Sequence[tuple[Entry, Path, Carriage]]:
    """Return every entry about an artifact, by the place where it lies, and by name.

    Those of a registry judge it by the name that it has there.
    """
    found: list[tuple[Entry, Path, Carriage]] = []
    place = reference.place
    there = carriage
    if isinstance(place, Repository):
        there = replace(carriage, known_as="")
    names = {_usual(place): there}
    if carriage.known_as:
        names.setdefault(carriage.known_as, carriage)
    for configuration, folder in _configurations(command):
        for name, carried in names.items():
            about = configuration.about(name)
            found += [(entry, folder, carried) for entry in about]
    return list(dict.fromkeys(found))


def _usual(place: Place) -> str:
    """Return the one name of a place that has several, such as in capitals."""
    if not isinstance(place, Repository):
        return str(place)
    host = place.host.lower().removesuffix(":443").removesuffix(".")
    return f"{host}/{place.name}"


def _configurations(command: Command) -> Iterator[tuple[Configuration, Path]]:
    settings = command.settings
    for path, may_loosen in (
        (settings.admission, True),
        (settings.local_admission, False),
    ):
        if path is not None:
            from modelpack.policy.configuration import Configuration

            raw = content_of(path)
            parsed = Configuration.parse(raw, str(path), may_loosen=may_loosen)
            yield parsed, path.parent


@contextmanager
def _gate(
    entry: Entry,
    folder: Path,
    reference: Reference,
    source: Source,
    command: Command,
    carriage: Carriage,
) -> Iterator[Policy]:
    if entry.unsafe_admit_all:
        yield UnsafeAdmitAll(command.warn)
        return
    from modelpack.api.policies import guard

    with ExitStack() as stack:
        yield AllOf(
            tuple(
                stack.enter_context(
                    guard(
                        reference,
                        source,
                        policies,
                        command,
                        replace(carriage, carrier=entry.carrier),
                    )
                )
                for policies in _policies(entry, folder, command)
            )
        )


def _policies(entry: Entry, folder: Path, command: Command) -> Iterator[Policies]:
    from modelpack.api.policies import compiled, fetched, is_there, read_policies
    from modelpack.api.verifying import believe_keys
    from modelpack.policy.kyverno.documents import Documents
    from modelpack.policy.simple import signed_by_identity, signed_by_keys
    from modelpack.signing.public_key import PublicKey

    if entry.policies:
        anchor = None
        if entry.policy_keys:
            anchor = believe_keys([_beside(folder, key) for key in entry.policy_keys])
        documents = Documents()
        for source in entry.policies:
            beside = folder / source
            if is_there(beside) and "@sha" not in source:
                documents += read_policies([beside])
            else:
                documents += fetched(source, anchor, command)
        yield compiled(documents)
    if entry.keys:
        keys = [_beside(folder, key) for key in entry.keys]
        pems = [PublicKey.parse(content_of(key), key).pem.decode() for key in keys]
        yield compiled(signed_by_keys(pems, entry.where))
    if entry.identity:
        text = ""
        if entry.trusted_root:
            name = _beside(folder, entry.trusted_root)
            root = Fields.of_json(content_of(name), where=name)
            text = compact(dict(root.members)).decode()
        yield compiled(
            signed_by_identity(entry.identity, entry.issuer, text, entry.where)
        )


def _beside(folder: Path, name: str) -> str:
    """Return a file beside the configuration, never one of the working directory."""
    return name if name.startswith("env://") else str(folder / name)
