"""What holds for every test: how fast a machine is decides none of them."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "modelpack", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("modelpack")
