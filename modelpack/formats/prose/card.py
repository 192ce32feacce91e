"""What a model card's front matter declares, in Hugging Face's words.

Declared, not proven: these are the publisher's claims, and names as they were
written. A licence is one of the hub's slugs, not yet an SPDX expression.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from modelpack.errors import InvalidInput
from modelpack.formats.energy.quantities import Emissions
from modelpack.formats.energy.use import Activity, EnergyUse
from modelpack.formats.names import checked_text
from modelpack.formats.prose.front_matter import front_matter
from modelpack.formats.prose.plain_yaml import Node
from modelpack.formats.scalars import decimal
from modelpack.formats.window import Window

__all__ = ["Card", "parse_card"]

MAX_TEXT: Final = 1024
MAX_ITEMS: Final = 1024
# The hub's template says this where a publisher has said nothing.
_ACTIVITIES: Final = {"fine-tuning": Activity.FINE_TUNING}
_MISSING: Final = "[More Information Needed]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A README's claims; None or empty where it makes none."""

    name: str | None = None
    licenses: tuple[str, ...] = ()
    license_name: str | None = None
    license_link: str | None = None
    base_models: tuple[str, ...] = ()
    base_model_relation: str | None = None
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    pipeline_tag: str | None = None
    library_name: str | None = None
    cost: EnergyUse | None = None


def parse_card(window: Window) -> Card:
    """Read the front matter of a README; without any, all is empty."""
    fields = _Fields(front_matter(window), window.name)
    return Card(
        name=fields.text("model_name") or fields.index_name(),
        licenses=fields.texts("license"),
        license_name=fields.text("license_name"),
        license_link=fields.text("license_link"),
        base_models=fields.texts("base_model"),
        base_model_relation=fields.text("base_model_relation"),
        languages=fields.texts("language"),
        tags=fields.texts("tags"),
        datasets=fields.texts("datasets"),
        pipeline_tag=fields.text("pipeline_tag"),
        library_name=fields.text("library_name"),
        cost=fields.cost(),
    )


class _Fields:
    """The front matter, each field checked as it is read."""

    def __init__(self, fields: dict[str, Node], where: str) -> None:
        self._fields = fields
        self._where = where

    def text(self, key: str) -> str | None:
        return _text(self._fields.get(key), f"{self._where}: {key}")

    def texts(self, key: str) -> tuple[str, ...]:
        """Return one text or a list of texts, each once, in the order given."""
        where = f"{self._where}: {key}"
        value = self._fields.get(key)
        if not isinstance(value, list):
            only = _text(value, where)
            return () if only is None else (only,)
        if len(value) > MAX_ITEMS:
            raise InvalidInput(f"more than {MAX_ITEMS} entries", where=where)
        texts = [_text(item, f"{where}[{index}]") for index, item in enumerate(value)]
        return tuple(dict.fromkeys(text for text in texts if text is not None))

    def cost(self) -> EnergyUse | None:
        """Return ``co2_eq_emissions``, which the hub counts in grams.

        What is no number there says nothing, and takes nothing from the card.
        """
        value = self._fields.get("co2_eq_emissions")
        where = f"{self._where}: co2_eq_emissions"
        inner = _Fields(
            value if isinstance(value, dict) else {"emissions": value}, where
        )
        try:
            grams = decimal(inner.text("emissions") or "", where)
        except InvalidInput:
            return None
        return EnergyUse(
            activity=_ACTIVITIES.get(
                inner.text("training_type") or "", Activity.TRAINING
            ),
            emissions=Emissions(grams),
            source=inner.text("source"),
            region=inner.text("geographical_location"),
            hardware=inner.texts("hardware_used"),
        )

    def index_name(self) -> str | None:
        """Return the name of the first model that has evaluation results."""
        match self._fields.get("model-index"):
            case [{"name": name}, *_]:
                return _text(name, f"{self._where}: model-index[0].name")
            case _:
                return None


def _text(value: Node, where: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidInput("expected a text", where=where)
    text = value.strip()
    if text in {"", _MISSING}:
        return None
    return checked_text(text, where, limit=MAX_TEXT)
