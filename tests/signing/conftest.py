"""A private Sigstore, and who is expected to sign with it."""

import json
from collections.abc import Iterator

import pytest

from tests.sigstore.server import FakeSigstore


@pytest.fixture
def sigstore() -> Iterator[FakeSigstore]:
    with FakeSigstore() as services:
        yield services


@pytest.fixture
def trusted_root(sigstore: FakeSigstore) -> bytes:
    return json.dumps(sigstore.trusted_root()).encode()
