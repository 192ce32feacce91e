"""What a profile is, and what holding a document against one comes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Element", "Fact", "Finding", "ProfileName", "ProfileReport", "Standing"]


class ProfileName(StrEnum):
    """Whose list of elements it is."""

    NTIA = "ntia"
    CISA = "cisa"
    G7 = "g7"
    OWASP = "owasp"
    EU_AI_ACT = "eu-ai-act"


class Standing(StrEnum):
    """``not-derivable``: only a person can say it, and nobody has."""

    PRESENT = "present"
    MISSING = "missing"
    NOT_DERIVABLE = "not-derivable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Where a document says something.

    ``field`` is the name under which it says where that comes from. ``ask`` is what a
    person has to do, where no file can tell; empty where files can.
    """

    cyclonedx: tuple[str, ...] = ()
    spdx: tuple[str, ...] = ()
    field: str = ""
    ask: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """What a profile asks for: its own name for a fact."""

    id: str
    name: str
    fact: str
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One element in one document. ``source`` is empty where it does not say."""

    element: Element
    standing: Standing
    path: str = ""
    source: str = ""
    ask: str = ""

    def document(self) -> Mapping[str, object]:
        """Return the JSON form."""
        fields: dict[str, object] = {
            "id": self.element.id,
            "name": self.element.name,
            "required": self.element.required,
            "standing": str(self.standing),
            "path": self.path,
            "source": self.source,
            "ask": self.ask,
        }
        return {key: value for key, value in fields.items() if value != ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileReport:
    """A document held against a profile; ``kind`` is what the document is."""

    profile: ProfileName
    kind: str
    findings: tuple[Finding, ...]

    @property
    def missing(self) -> tuple[Finding, ...]:
        """What is required and not there, whoever would have to say it."""
        return tuple(
            each
            for each in self.findings
            if each.element.required and each.standing is not Standing.PRESENT
        )

    def document(self) -> Mapping[str, object]:
        """Return the JSON form (docs/json.md)."""
        return {
            "profile": str(self.profile),
            "document": self.kind,
            "complete": not self.missing,
            "elements": [each.document() for each in self.findings],
        }

    def lines(self) -> Iterator[str]:
        """Return it as people read it."""
        width = max(len(each.element.name) for each in self.findings)
        ids = max(len(each.element.id) for each in self.findings)
        for each in self.findings:
            more = " ".join(filter(None, (each.path, each.source)))
            told = more or each.ask
            asked = " " if each.element.required else "?"
            yield (
                f"{each.standing:<13} {each.element.id:<{ids}}{asked} "
                f"{each.element.name:<{width}}  {told}"
            ).rstrip()
