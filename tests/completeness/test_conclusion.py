"""Depths that contradict what was followed are not believed."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.completeness.conclusion import contradicted
from evsize.results import Estimate

GRID = np.geomspace(10, 3000, 240)
LIMIT = Estimate(value=160.0, low=145.0, high=175.0)
STEEP = np.where(GRID < 160, 12 * np.log(GRID / 160), 0.0)
"""ln(depth) that falls with the twelfth power below the limit: exp(-5.6) at 100 nm."""


def two_sizes(share_of_small, small_nm=100.0):
    shares = np.zeros(len(GRID))
    shares[np.argmin(np.abs(GRID - small_nm))] = share_of_small
    shares[np.argmin(np.abs(GRID - 250))] = 1 - share_of_small
    return shares


def test_many_particles_that_would_not_be_seen_contradict_the_depths():
    why = contradicted(GRID, STEEP, two_sizes(0.45), LIMIT)
    assert "45 %" in why
    assert "160 nm" in why


@pytest.mark.parametrize(
    ("shares", "limit"),
    [
        # a few may be anything; just below the limit some are seen; no limit, no contradiction
        (two_sizes(0.2), LIMIT),
        (two_sizes(0.9, small_nm=140.0), LIMIT),
        (two_sizes(0.9), Estimate(value=160.0, low=90.0, high=280.0)),
        (two_sizes(0.9), Estimate()),
    ],
)
def test_otherwise_they_stand(shares, limit):
    assert contradicted(GRID, STEEP, shares, limit) == ""
