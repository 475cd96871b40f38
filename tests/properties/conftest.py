"""Bounded runs that come out the same every time, so that a failure in CI is a failure at home."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "house", max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")
