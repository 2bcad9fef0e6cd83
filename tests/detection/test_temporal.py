"""Level and spread of pixels over time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evsize.detection.temporal import CUT_AT, INLIER_AT, sorting_network, still_moments


@pytest.mark.parametrize("n", range(1, 13))
def test_network_sorts_whatever_it_is_given(n):
    # zeros and ones tell: Knuth 5.3.4, theorem Z
    values = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    for i, j in sorting_network(n):
        low, high = values[:, [i, j]].min(axis=1), values[:, [i, j]].max(axis=1)
        values[:, i], values[:, j] = low, high
    assert np.all(np.diff(values, axis=1) >= 0)


@pytest.mark.parametrize("n", [20, 37, 50])
def test_network_sorts_as_many_as_there_are_frames(n):
    values = np.random.default_rng(n).permuted(np.tile(np.arange(n), (500, 1)), axis=1)
    for i, j in sorting_network(n):
        values[:, [i, j]] = np.sort(values[:, [i, j]], axis=1)
    assert np.all(values == np.arange(n))


def plain(values, noise, step):
    """The same for one pixel, in words."""
    values = np.sort(values)
    n = len(values)
    centre = 0.5 * (values[(n - 1) // 2] + values[n // 2])
    rough = (values[3 * n // 4] - values[n // 4]) / 1.349 + 0.5 * step
    reach = INLIER_AT * min(rough, 1.2 * noise + 0.25 * step)
    for _ in range(3):
        near = values[np.abs(values - centre) <= reach]
        centre = near.mean() if len(near) else centre
    inside = values[np.abs(values - centre) <= CUT_AT * rough]
    return centre, np.sqrt(np.square(inside - centre).sum() / max(len(inside) - 1, 1))


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(20, 50),
    width=st.sampled_from([1, 5, 128, 131]),
    step=st.sampled_from([0.0, 1.0]),
)
@settings(max_examples=25, deadline=None)
def test_moments_are_those_of_each_pixel_by_itself(seed, n, width, step):
    rng = np.random.default_rng(seed)
    stack = rng.normal(50, 3, (n, 2, width)) + 40 * (rng.random((n, 2, width)) < 0.1)
    stack = (np.rint(stack) if step else stack).astype(np.float32)
    ones = np.ones(n, np.float32)
    mean, spread = still_moments(stack, 0 * ones, ones, 3.0, step)
    values = stack.reshape(n, -1).T.astype(float)
    wanted = np.array([plain(each, 3.0, step) for each in values])
    found = np.column_stack([mean.ravel(), spread.ravel()])
    # float32 rounds to 6e-8; a value right at the edge of what counts may fall to either side
    differ = ~np.isclose(found, wanted, rtol=1e-5).all(axis=1)
    assert differ.sum() <= max(1, 0.02 * len(values))
