"""Where CycloneDX and SPDX say what profiles ask for.

CycloneDX 1.5 to 1.7; SPDX 3.0.1 as a graph of JSON-LD. What a standard has no field for
has no path here, and is then asked for in vain.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from modelpack.documents.profiles.document_facts import DOCUMENT_FACTS
from modelpack.documents.profiles.making_facts import MAKING_FACTS
from modelpack.documents.profiles.model_facts import MODEL_FACTS
from modelpack.documents.profiles.profile import Fact

__all__ = ["FACTS"]

FACTS: Final[Mapping[str, Fact]] = {**DOCUMENT_FACTS, **MODEL_FACTS, **MAKING_FACTS}
