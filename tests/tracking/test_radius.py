"""The search radius: closed forms and what tracks of a few steps tell."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evsize.simulation import simulate_tracks
from evsize.tracking import radius


def test_reach_is_exceeded_once_in_ten_thousand():
    # a plane Gaussian step exceeds r with probability exp(-r^2/(2 v))
    assert math.exp(-(radius.REACH**2) / 2) == pytest.approx(1e-4)
    rng = np.random.default_rng(1)
    n = 1_000_000
    beyond = int((np.hypot(*rng.standard_normal((2, n))) > radius.REACH).sum())
    assert abs(beyond - 100) < 4 * math.sqrt(100)


@pytest.mark.parametrize("exposure", [0.0, 0.5, 1.0])
def test_step_is_that_of_the_simulated_tracks(exposure):
    rng = np.random.default_rng(2)
    step = np.diff(simulate_tracks(4.0, 2, 0.04, exposure, 0.2, rng, n_tracks=20000), axis=1)
    expected = radius.step_sd_um(4.0, 0.04, exposure / 6, 0.2**2)
    assert step.std() == pytest.approx(expected, rel=4 / np.sqrt(2 * step.size))


def test_crowding_limit_is_the_distance_to_the_nearest():
    rng = np.random.default_rng(3)
    n, side = 100, 10.0
    nearest = []
    for _ in range(200):
        xy = rng.uniform(0, side, (n, 2))
        away = np.abs(xy[:20, None] - xy[None])
        away = np.minimum(away, side - away)  # periodic: no border
        distance = np.hypot(away[..., 0], away[..., 1])
        distance[np.arange(20), np.arange(20)] = np.inf
        nearest.append(distance.min(axis=1).mean())
    limit = radius.crowding_limit_um(n, side**2)
    # n - 1 others, not n: 0.5 % further apart
    error = np.std(nearest) / np.sqrt(200)
    assert abs(np.mean(nearest) - limit) < 4 * error + 0.005 * limit
    assert radius.crowding_limit_um(0, 1.0) == math.inf


def test_one_size_has_one_variance():
    # 300 tracks of 5 to 20 steps, all alike: their mean is known to 1/sqrt(N), and what little
    # scatter is left is less than that of single tracks by far
    rng = np.random.default_rng(4)
    n = rng.integers(5, 21, 300)
    found = radius.step_variances(2.0 * rng.gamma(n) / n, n)
    assert np.exp(np.log(found).mean()) == pytest.approx(2.0, rel=4 / np.sqrt(n.sum()))
    assert np.log(found).std() < 0.3 / np.sqrt(10)


def test_two_sizes_stay_two():
    rng = np.random.default_rng(5)
    true = np.repeat([1.0, 16.0], 200)
    n = np.full(400, 15)
    found = radius.step_variances(true * rng.gamma(n) / n, n)
    # shrunk towards each other by the share of noise: 1/15 of (ln 16/2)^2 + 1/15
    assert np.log(found[:200]).mean() == pytest.approx(0, abs=0.2)
    assert np.log(found[200:]).mean() == pytest.approx(np.log(16), abs=0.2)


def test_radius_holds_the_fastest():
    variance = np.append(np.ones(99), 4.0)
    n = np.full(100, 10)
    assert radius.from_tracks(variance, n) == pytest.approx(radius.REACH * math.sqrt(1.1 * 4))
    rare = np.append(np.ones(999), 4.0)
    assert radius.from_tracks(rare, np.full(1000, 10)) == pytest.approx(
        radius.REACH * math.sqrt(1.1)
    )


def test_truncated_share():
    found = radius.truncated_share(np.array([1.0, 4.0]), np.array([30, 10]), 2.0)
    assert found == pytest.approx(0.75 * math.exp(-2) + 0.25 * math.exp(-0.5))
