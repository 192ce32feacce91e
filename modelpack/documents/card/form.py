"""The forms in which a card is written."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["CardType"]


class CardType(StrEnum):
    """How a card is written."""

    MARKDOWN = "md"
    HTML = "html"
    JSON = "json"
