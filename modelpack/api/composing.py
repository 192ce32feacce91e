"""``policy new``: a policy composed from the library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelpack.api.files import content_of
from modelpack.errors import InvalidInput
from modelpack.policy.library.compose import (
    Asked,
    IdentityTrust,
    KeyTrust,
    Order,
    Trust,
    compose,
)
from modelpack.policy.library.demands import DEMANDS
from modelpack.policy.library.places import PLACES, Place
from modelpack.policy.library.writing import yaml_of
from modelpack.signing.public_key import PublicKey

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["new_policy", "trust_identity", "trust_key"]


def trust_key(path: str | Path) -> Trust:
    """Believe whoever has the private key of this public one."""
    content = content_of(path)
    if b"PRIVATE" in content:
        raise InvalidInput(
            "is a private key; a policy is read by everybody",
            where=str(path),
            hint="the public key beside it, PREFIX.pub",
        )
    return KeyTrust(pem=PublicKey.parse(content, str(path)).pem.decode())


def trust_identity(
    identity: str, issuer: str, *, trusted_root: str | Path | None = None
) -> Trust:
    """Believe a person or a workflow, in the public Sigstore or that of a file."""
    root = content_of(trusted_root).decode() if trusted_root is not None else ""
    return IdentityTrust(identity=identity, issuer=issuer, trusted_root=root)


def new_policy(
    trust: Trust,
    *,
    require: Sequence[str],
    places: Sequence[str],
    registries: Sequence[str],
    name: str = "models",
) -> str:
    """Return policies in YAML: one document for each kind of object.

    A demand that takes values gets each as ``NAME=VALUE`` (``licence=MIT``); given
    again, it gets one more. Models from elsewhere than ``registries`` are refused.
    """
    order = Order(
        name=name,
        trust=trust,
        registries=tuple(dict.fromkeys(each.rstrip("/") for each in registries)),
        asked=_asked(require),
        places=_places(places),
    )
    return yaml_of(compose(order))


def _asked(require: Sequence[str]) -> Sequence[Asked]:
    values: dict[str, list[str]] = {}
    for each in require:
        name, equals, value = each.partition("=")
        if name not in DEMANDS:
            raise InvalidInput(
                f"{name[:80]!r} is no demand",
                where="--require",
                hint=f"one of {', '.join(DEMANDS)}",
            )
        if equals and not value:
            raise InvalidInput(f"{each[:80]!r} has no value", where="--require")
        values.setdefault(name, []).extend([value] if value else [])
    return [
        Asked(statement=demand.statement, rules=demand.with_values(values[name]))
        for name, demand in DEMANDS.items()
        if name in values
    ]


def _places(names: Sequence[str]) -> Sequence[Place]:
    unknown = [name for name in names if name not in PLACES]
    if unknown:
        raise InvalidInput(
            f"{unknown[0][:80]!r} is no place",
            where="--place",
            hint=f"one of {', '.join(PLACES)}",
        )
    return [place for name, place in PLACES.items() if name in names]
