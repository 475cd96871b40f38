"""How often something may happen."""

import pytest

from reconciler.controller.rates import Bucket, Rate


def test_a_bucket_gives_what_was_saved_up_and_then_as_much_as_comes() -> None:
    """A burst at once, then one as often as said, and never more saved than the burst."""
    bucket = Bucket(Rate(2.0, 3.0))
    assert [bucket.take(100.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert bucket.take(100.0) == pytest.approx(0.5)
    assert bucket.take(100.25) == pytest.approx(0.25)
    assert bucket.take(100.5) == 0.0
    assert [bucket.take(1e6) for _ in range(4)] == [0.0, 0.0, 0.0, pytest.approx(0.5)]


def test_a_clock_set_back_gives_nothing_and_takes_nothing() -> None:
    """From the earlier time on, as much comes as ever."""
    bucket = Bucket(Rate(1.0, 1.0))
    assert bucket.take(1000.0) == 0.0
    assert bucket.take(10.0) == pytest.approx(1.0)
    assert bucket.take(11.0) == 0.0
