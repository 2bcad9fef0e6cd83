"""Depth of view and detection limit from counts whose expectation is known."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.completeness.depth import fit_depth, half_recovered


def true_depth_um(log_d):
    return 12 * np.sqrt(np.maximum(log_d - np.log(75), 0) / np.log(4)) + 1e-9


def injected(rng, n=600, frames=48):
    """Particles in boxes of half height 10 um; each is seen while it is within its depth."""
    log_d = np.sort(rng.uniform(np.log(60), np.log(400), n))
    half = true_depth_um(log_d) / 2
    z = rng.uniform(-10, 10, n)
    # it drifts through: a part of its frames only is seen
    share = np.clip((half - np.abs(z)) / 1.0 + 0.5, 0, 1)
    return log_d, rng.binomial(frames, share).astype(float), np.full(n, frames / 20.0)


@pytest.mark.parametrize("expected_is_off_by", [1.0, 2.0])
def test_depth_is_found_within_its_own_error(expected_is_off_by):
    grid = np.log(np.array([110.0, 150.0, 200.0, 300.0]))
    score = []
    for seed in range(12):
        log_d, recovered, exposure = injected(np.random.default_rng(seed))
        expected = expected_is_off_by * np.maximum(true_depth_um(log_d), 1e-3)
        at = expected_is_off_by * true_depth_um(grid)
        fitted = fit_depth(log_d, recovered, exposure, expected, grid, at)
        error = np.sqrt((fitted.log_error**2).sum(axis=1))
        # particles within half a knot of each size that are seen: their number's own error
        seen = 600 * 0.3 / np.log(400 / 60) * true_depth_um(grid) / 20
        assert np.all(error < 1.5 / np.sqrt(seen))
        score.append((fitted.log_depth - np.log(true_depth_um(grid))) / error)
    # 12 seeds: the mean of a unit normal errs by 0.29; three of that, and the spread of 12 by 2
    assert np.all(np.abs(np.mean(score, axis=0)) < 0.9)
    assert np.std(score) < 1.6


def test_nothing_recovered_anywhere_is_a_depth_near_zero():
    log_d = np.linspace(4, 6, 50)
    depth = fit_depth(log_d, np.zeros(50), np.ones(50), np.ones(50), log_d, np.ones(50))
    assert np.all(np.exp(depth.log_depth) < 0.1)


def test_half_recovered_is_where_half_is_recovered():
    rng = np.random.default_rng(1)
    log_d = rng.uniform(np.log(50), np.log(200), 400)
    looked = rng.integers(0, 30, 400).astype(float)
    share = 1 / (1 + np.exp(-18 * (log_d - np.log(83))))
    found = half_recovered(log_d, rng.binomial(looked.astype(int), share).astype(float), looked)
    assert found is not None
    at, error = found
    assert abs(at - np.log(83)) < 4 * error
    assert error < 0.02


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_no_limit_where_all_or_nothing_is_found(share):
    log_d = np.linspace(4, 6, 200)
    assert half_recovered(log_d, np.full(200, 20 * share), np.full(200, 20.0)) is None
