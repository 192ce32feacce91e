"""Small files that a caller names: keys, predicates, trusted roots."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from modelpack.errors import InvalidInput, LocalError

_ENV: Final = "env://"
_MOST: Final = 64 << 20


def content_of(name: str | Path) -> bytes:
    """Read a file whole, or, for ``env://NAME``, an environment variable."""
    text = str(name)
    if not text:
        raise InvalidInput("a file is wanted, and its name is empty")
    if text.startswith(_ENV):
        value = os.environ.get(text.removeprefix(_ENV))
        if not value:
            raise InvalidInput("is not set", where=text)
        return os.fsencode(value)
    if "\n" in text or "PRIVATE KEY" in text:
        # Shown in an error, it would be in a log for good.
        raise InvalidInput("a key's own text was given where its file's name belongs")
    try:
        with Path(name).open("rb") as file:
            content = file.read(_MOST + 1)
    except FileNotFoundError as error:
        raise InvalidInput("there is no such file", where=text) from error
    except OSError as error:
        raise LocalError(error.strerror or str(error), where=text) from error
    if len(content) > _MOST:
        raise InvalidInput("is too large", where=text)
    return content
