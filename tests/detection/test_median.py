"""Medians and quantiles are numpy's, to the bit."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from evsize.detection.median import median, quick_median, quick_quantiles

VALUES = st.lists(st.integers(-50, 50) | st.floats(-1e9, 1e9), min_size=1, max_size=60)


@settings(deadline=None)  # the first call compiles
@given(VALUES)
def test_median_is_that_of_numpy(values: list[float]) -> None:
    array = np.array(values, float)
    before = array.copy()
    assert median(array) == np.median(array)
    assert np.array_equal(array, before)


@given(VALUES, st.sampled_from([np.float32, np.float64]), st.floats(0, 1))
def test_quick_ones_are_those_of_numpy(values, dtype, share):
    array = np.array(values, dtype)
    before = array.copy()
    assert quick_median(array) == float(np.median(array))
    assert quick_quantiles(array, (share, 0.5)) == tuple(
        np.quantile(array, (share, 0.5)).astype(float)
    )
    assert np.array_equal(array, before)


def test_median_of_an_image_is_over_all_of_it() -> None:
    image = np.random.default_rng(2).normal(size=(31, 40)).astype(np.float32)
    assert quick_median(image[::2, 1::3]) == float(np.median(image[::2, 1::3]))
    assert np.isnan(quick_median(image[:0]))


def test_many_equal_values_take_no_longer() -> None:
    rng = np.random.default_rng(1)
    for values in (np.zeros(5000), rng.integers(0, 3, 5001), np.arange(5000.0)[::-1]):
        assert median(values) == np.median(values)
