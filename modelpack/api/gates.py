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
from modelpack.oci.reference import Reference
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
        for entry, folder in _entries(reference, command, carriage):
            gates.append(
                stack.enter_context(
                    _gate(entry, folder, reference, source, command, carriage)
                )
            )
        yield AllOf(tuple(gates)) if gates else UnsafeAdmitAll(command.warn)


def _entries(
    reference: Reference, command: Command, carriage: Carriage
) -> Sequence[tuple[Entry, Path]]:
    """Return every entry about an artifact, by the place where it lies, and by name."""
    found = []
    names = dict.fromkeys([str(reference.place), carriage.known_as or ""])
    for configuration, folder in _configurations(command):
        for name in filter(None, names):
            found += [(entry, folder) for entry in configuration.about(name)]
    return list(dict.fromkeys(found))


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
    from modelpack.api.policies import compiled, load_policies
    from modelpack.api.verifying import believe_keys
    from modelpack.policy.simple import signed_by_identity, signed_by_keys

    if entry.policies:
        anchor = None
        if entry.policy_keys:
            anchor = believe_keys([_beside(folder, key) for key in entry.policy_keys])
        sources = [_beside(folder, source) for source in entry.policies]
        yield load_policies(sources, anchor=anchor, settings=command.settings)
    if entry.keys:
        pems = [content_of(_beside(folder, key)).decode() for key in entry.keys]
        yield compiled(signed_by_keys(pems, entry.where))
    if entry.identity:
        root = ""
        if entry.trusted_root:
            root = content_of(_beside(folder, entry.trusted_root)).decode()
        yield compiled(
            signed_by_identity(entry.identity, entry.issuer, root, entry.where)
        )


def _beside(folder: Path, name: str) -> str:
    """Return a file beside the configuration; a reference is left as it is."""
    path = folder / name
    return str(path) if path.exists() else name
