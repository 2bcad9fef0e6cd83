"""Errors as single frames predict them scatter; the noise of a position must not."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evsize.diffusion import noise


@given(lengths=st.lists(st.integers(1, 12), max_size=6), seed=st.integers(0, 1000))
def test_each_is_the_mean_of_its_neighbours_on_the_track(lengths, seed):
    start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    predicted = np.random.default_rng(seed).uniform(1e-4, 1e-1, start[-1])
    found = noise.along_tracks(predicted, start)
    for low, high in pairwise(start):
        track = predicted[low:high]
        expected = [
            track[max(i - noise.NEIGHBOURS, 0) : i + noise.NEIGHBOURS + 1].mean()
            for i in range(len(track))
        ]
        assert found[low:high] == pytest.approx(expected)
