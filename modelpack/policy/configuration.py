"""Which policies guard which references, for commands that name none.

A file of entries, each with patterns of ``HOST/NAME`` and what has to admit what they
match. Once there is such a file, what no entry matches is refused.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Final, Self

from modelpack.errors import InvalidInput, PolicyDenied
from modelpack.oci.fields import Fields
from modelpack.policy.glob import Glob
from modelpack.policy.kyverno.reading import (
    each,
    flag,
    items,
    one_of,
    section,
    text,
    texts,
)
from modelpack.policy.objects import Carrier

__all__ = ["MAX_BYTES", "Configuration", "Entry"]

MAX_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What has to admit references; paths are relative to the file that says so.

    ``policies`` are files, folders or references; those fetched from a registry are
    pinned by digest, or signed by one of ``policy_keys``. ``keys`` and ``identity`` are
    shorter: somebody has to have signed.
    """

    references: tuple[Glob, ...]
    where: str
    policies: tuple[str, ...] = ()
    policy_keys: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    identity: str = ""
    issuer: str = ""
    trusted_root: str = ""
    carrier: Carrier = Carrier.VOLUME
    unsafe_admit_all: bool = False

    def matches(self, name: str) -> bool:
        """Whether it is about a repository, by its host and name."""
        return any(pattern.matches(name) for pattern in self.references)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The entries of one file."""

    entries: tuple[Entry, ...]
    where: str

    @classmethod
    def parse(cls, raw: bytes, where: str, *, may_loosen: bool) -> Self:
        """Parse a file of TOML; ``InvalidInput`` names the field at fault.

        One that lies where a command was started may only tighten: whoever wrote what
        lies there is not the one who decides.
        """
        if len(raw) > MAX_BYTES:
            raise InvalidInput(f"is over {MAX_BYTES >> 20} MiB", where=where)
        try:
            document = tomllib.loads(raw.decode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidInput(f"is not TOML: {error}", where=where) from error
        fields = section(document, where, "admit")
        entries = each(fields, "admit", _entry)
        if not entries:
            raise InvalidInput("has no entry", where=fields.path("admit"))
        if not may_loosen and any(entry.unsafe_admit_all for entry in entries):
            raise InvalidInput(
                "a file in the working directory cannot admit everything",
                where=where,
                hint="unsafe-admit-all belongs into your own configuration",
            )
        return cls(entries=entries, where=where)

    def about(self, name: str) -> tuple[Entry, ...]:
        """Return every entry about a repository; ``PolicyDenied`` if there is none."""
        found = tuple(entry for entry in self.entries if entry.matches(name))
        if not found:
            raise PolicyDenied(
                f"no entry of {self.where} is about it",
                where=name,
                hint="add an entry for it, with policies or unsafe-admit-all",
            )
        return found


def _entry(value: object, where: str) -> Entry:
    fields = section(
        value,
        where,
        "references",
        "policies",
        "policy-keys",
        "keys",
        "identity",
        "issuer",
        "trusted-root",
        "as",
        "unsafe-admit-all",
    )
    entry = Entry(
        references=tuple(
            Glob.parse(_text(pattern, place), place)
            for pattern, place in items(fields, "references")
        ),
        where=where,
        policies=texts(fields, "policies"),
        policy_keys=texts(fields, "policy-keys"),
        keys=texts(fields, "keys"),
        identity=text(fields, "identity"),
        issuer=text(fields, "issuer"),
        trusted_root=text(fields, "trusted-root"),
        carrier=Carrier(one_of(fields, "as", tuple(Carrier), Carrier.VOLUME)),
        unsafe_admit_all=flag(fields, "unsafe-admit-all", default=False),
    )
    _check(entry, fields)
    return entry


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise InvalidInput("expected a string", where=where)
    return value


def _check(entry: Entry, fields: Fields) -> None:
    if not entry.references:
        raise InvalidInput("is about nothing", where=fields.path("references"))
    if bool(entry.identity) != bool(entry.issuer):
        raise InvalidInput("identity and issuer go together", where=entry.where)
    if entry.trusted_root and not entry.identity:
        raise InvalidInput("goes with an identity", where=fields.path("trusted-root"))
    asks = bool(entry.policies or entry.keys or entry.identity)
    if asks == entry.unsafe_admit_all:
        raise InvalidInput(
            "needs policies, keys or an identity, or else unsafe-admit-all",
            where=entry.where,
        )
