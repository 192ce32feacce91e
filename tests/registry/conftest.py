"""Scripted servers for the tests of this room."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.registry.scripted import Scripted, Serve


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(Scripted(script))
