"""The median for compiled code is numpy's, to the bit."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from evsize.detection.median import median

VALUES = st.lists(st.integers(-50, 50) | st.floats(-1e9, 1e9), min_size=1, max_size=60)


@settings(deadline=None)  # the first call compiles
@given(VALUES)
def test_median_is_that_of_numpy(values: list[float]) -> None:
    array = np.array(values, float)
    before = array.copy()
    assert median(array) == np.median(array)
    assert np.array_equal(array, before)


def test_many_equal_values_take_no_longer() -> None:
    rng = np.random.default_rng(1)
    for values in (np.zeros(5000), rng.integers(0, 3, 5001), np.arange(5000.0)[::-1]):
        assert median(values) == np.median(values)
