"""The diameter of a track and its likelihood interval."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.sizing.tracks import HALF_WIDTH, best_and_interval
from tests.theory.brownian import WATER, likelihoods_of

GRID = np.geomspace(10, 3000, 240)


def test_a_parabola_is_read_exactly_at_its_top():
    centre, sd = np.log(123.4), 0.1
    log_l = -0.5 * ((np.log(GRID) - centre) / sd) ** 2
    best, low, high = (v[0] for v in best_and_interval(log_l[None], GRID))
    assert best == pytest.approx(123.4, rel=1e-9)
    # 1.96 sd to either side, the crossing linear between grid points of 0.024
    assert np.log(best / low) == pytest.approx(1.96 * sd, abs=0.024**2 / (8 * sd))
    assert np.log(high / best) == pytest.approx(1.96 * sd, abs=0.024**2 / (8 * sd))


@pytest.mark.parametrize("slope", [-1.0, 1.0])
def test_an_unbounded_likelihood_ends_at_the_end_of_the_grid(slope):
    log_l = slope * 5 * np.log(GRID)
    best, low, high = (v[0] for v in best_and_interval(log_l[None], GRID))
    end, near, far = (GRID[-1], high, low) if slope > 0 else (GRID[0], low, high)
    assert best == near == pytest.approx(end)
    assert abs(np.log(far / end)) == pytest.approx(HALF_WIDTH / 5, rel=1e-6)


def test_a_flat_likelihood_says_nothing():
    best, low, high = (v[0] for v in best_and_interval(np.zeros((1, 240)), GRID))
    assert low == pytest.approx(10)
    assert high == pytest.approx(3000)
    assert low <= best <= high


def test_no_track():
    for values in best_and_interval(np.zeros((0, 240)), GRID):
        assert values.shape == (0,)


def test_a_constant_of_the_track_does_not_matter():
    log_l = likelihoods_of(np.full(5, 4.0), np.full(5, 9), 0.05, WATER, np.random.default_rng(1))
    log_l = log_l.log_likelihood[:, ::-1]
    for a, b in zip(
        best_and_interval(log_l, GRID), best_and_interval(log_l - 1234.5, GRID), strict=True
    ):
        assert np.allclose(a, b, rtol=1e-9)


@pytest.mark.parametrize("n_steps", [8, 30])
@pytest.mark.parametrize("loc_sd_um", [0.03, 0.15])
def test_intervals_cover_the_truth_in_95_of_100(n_steps, loc_sd_um):
    # Of 3,000 intervals of 95 % a binomial number covers: sd 0.4 %. The likelihood ratio of n
    # exponential powers is wider than chi-square by 1 + 1/(6 n) (Bartlett): 0.25 % less cover at
    # 8 steps. Where noise counts the modes are unequal and fewer; twice that is granted.
    n = 3000
    d = np.full(n, WATER.diffusion_um2_s(100))
    found = likelihoods_of(d, np.full(n, n_steps), loc_sd_um, WATER, np.random.default_rng(3))
    _, low, high = best_and_interval(found.log_likelihood, GRID)
    covered = float(((low <= 100) & (high >= 100)).mean())
    bartlett = 2 * 0.0195 / n_steps  # density of chi-square at 1.96^2, times 1.96^2/6 /n, twice
    assert abs(covered - 0.95) < 4 * np.sqrt(0.05 * 0.95 / n) + bartlett + 0.002
    assert np.all(low <= high)
