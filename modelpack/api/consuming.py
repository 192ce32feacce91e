"""``check``: whether those who mount a model would see its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modelpack.api.command import Command
from modelpack.api.settings import Settings
from modelpack.api.stores import open_store
from modelpack.errors import InvalidInput, NotFound
from modelpack.model.car import SUFFIX
from modelpack.model.consumers import Consumer, Sight, is_car_of, sight
from modelpack.oci.digest import Digest
from modelpack.oci.manifest import Manifest, parse_any
from modelpack.oci.reference import Reference, parse_tag
from modelpack.oci.store import Source
from modelpack.transfer.progress import nobody
from modelpack.workflows.pull import resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """For one consumer: ``reference`` is what to give it, empty where nothing fits."""

    consumer: Consumer
    reference: str
    artifact: Sight
    car: Sight | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What each consumer would see of the artifact that ``reference`` pins."""

    reference: str
    digest: Digest
    answers: tuple[Answer, ...]

    def document(self) -> Mapping[str, object]:
        """Return the JSON form (docs/json.md)."""
        return {
            "reference": self.reference,
            "digest": str(self.digest),
            "consumers": [
                {
                    "consumer": str(each.consumer),
                    "sees": bool(each.reference),
                    "reference": each.reference or None,
                    "artifact": each.artifact.what,
                    "car": each.car.what if each.car else None,
                }
                for each in self.answers
            ],
        }


def check(
    reference: str,
    consumers: Sequence[Consumer] = (),
    *,
    settings: Settings | None = None,
) -> CheckResult:
    """Say what ``consumers`` (all of them, if none are named) would see.

    Where the artifact itself does not serve, the image under its tag with ``-car``
    behind it may: it counts if it is of this very digest.
    """
    command = Command(settings, nobody)
    parsed = Reference.parse(reference)
    with open_store(parsed.place, command.settings, command.patience) as store:
        manifest = resolve(store, parsed.selector)
        car = _car(store, parsed, manifest)
    digest = manifest.descriptor.digest
    pinned = str(parsed.at(digest))

    def answer(consumer: Consumer) -> Answer:
        seen = sight(manifest, consumer)
        other = sight(car, consumer) if car is not None else None
        usable = pinned if seen.sees else ""
        if car is not None and other is not None and other.sees and not seen.sees:
            usable = str(parsed.at(car.descriptor.digest))
        return Answer(consumer=consumer, reference=usable, artifact=seen, car=other)

    chosen = tuple(map(Consumer, consumers)) or tuple(Consumer)
    return CheckResult(
        reference=pinned, digest=digest, answers=tuple(map(answer, chosen))
    )


def _car(store: Source, reference: Reference, model: Manifest) -> Manifest | None:
    """Return the image of a model's files; None where there is none of this digest."""
    if reference.digest is not None and not reference.tag:
        return None
    try:
        name = parse_tag(f"{reference.tag or 'latest'}{SUFFIX}")
        found = parse_any(store.get_manifest(name))
        fits = isinstance(found, Manifest) and is_car_of(found, model)
    except (NotFound, InvalidInput):
        return None
    return found if fits and isinstance(found, Manifest) else None
