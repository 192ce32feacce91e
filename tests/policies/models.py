"""Which digests the models of ``evidence.py`` have: the same on every machine."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from modelpack.api import Settings, push
from tests.policies.evidence import FORMS


@cache
def digests() -> Mapping[str, str]:
    """Pack each model into a layout, as the shelf pushes it into a registry."""
    with TemporaryDirectory() as folder:
        return {name: _digest(Path(folder), name) for name in FORMS}


def _digest(folder: Path, name: str) -> str:
    source = folder / name
    source.mkdir()
    (source / "config.json").write_text(json.dumps({"model_type": name}))
    pushed = push(source, f"oci:{folder}/layout:{name}", settings=Settings())
    return str(pushed.digest)
