"""The scenes of the fault tests, for what a listener hears of them."""

from tests.faults.conftest import published, scene, shelf

__all__ = ["published", "scene", "shelf"]
