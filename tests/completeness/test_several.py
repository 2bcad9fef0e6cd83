"""One size or several, told by likelihoods of sizes."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.completeness.law_fit import relative, rough_shares
from evsize.completeness.several import several_sizes

X = np.log(np.geomspace(10, 3000, 240) / 100)


def told(rng, diameter_nm):
    """Whether tracks of 10 to 30 % error are surely of several sizes."""
    n = len(diameter_nm)
    error = rng.uniform(0.1, 0.3, n)
    found = np.log(diameter_nm / 100) + error * rng.standard_normal(n)
    likelihood = relative(-0.5 * ((X - found[:, None]) / error[:, None]) ** 2)
    weight = np.ones(n)
    return several_sizes(likelihood, X, weight, rough_shares(likelihood, weight))


# exp(2) is wanted: in 72 such samples (other seeds) a free mixture gained exp(1.4) at most
@pytest.mark.parametrize("n", [30, 200, 1500])
@pytest.mark.parametrize("spread", [0.0, 0.05, 0.1])
def test_one_size_is_one_size_however_many_tracks(n, spread):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        assert not told(rng, 120 * np.exp(spread * rng.standard_normal(n)))


def test_a_few_of_any_size_beside_one_are_left_aside():
    rng = np.random.default_rng(4)
    other = np.arange(1000) % 20 == 0
    assert not told(rng, np.where(other, np.exp(rng.uniform(4, 6.2, 1000)), 100.0))


# over the widest single size, 0.13, each track gains half of v - 1 - ln(v), v being the ratio of
# the variances (with 0.2 for the error): 0.2 to 0.9, less what a tenth of others accounts for
@pytest.mark.parametrize(("spread", "n"), [(0.3, 600), (0.4, 200), (0.55, 100)])
def test_vesicles_are_several_sizes(spread, n):
    rng = np.random.default_rng(5)
    assert told(rng, 120 * np.exp(spread * rng.standard_normal(n)))


def test_two_sizes_are_several():
    rng = np.random.default_rng(6)
    assert told(rng, np.where(np.arange(60) % 2, 100.0, 250.0))
