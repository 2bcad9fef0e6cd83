"""The likelihood against a brute-force Gaussian built from Brownian motion itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evsize.diffusion import dst, estimate_diffusion, gapped
from evsize.simulation import simulate_tracks
from evsize.sizing.tracks import best_and_interval
from tests.theory.brownian import conditions, information, maximum, tracks_of

RELATIVE = 1e-9
GIVEN = settings(deadline=None, derandomize=True, max_examples=60)
D = st.floats(0.01, 30.0)
NOISE = st.floats(0.001, 0.5)
INTERVAL = st.floats(0.005, 0.2)
EXPOSURE = st.floats(0.0, 1.0)
SEED = st.integers(0, 2**32 - 1)


def brute_force(steps, frames, d_um2_s, loc_var_um2, interval_s, exposure_fraction):
    """Log-density of the steps (steps, axes) between positions in `frames`, and its scale.

    From E[B(s) B(t)] = 2 D min(s, t) averaged over the exposures [t, t + h]: positions have the
    covariance 2 D (min(t_i, t_j) + h/2) and the variance 2 D (t_i + h/3) + s2.
    """
    t = (frames - frames[0]) * interval_s
    open_s = exposure_fraction * interval_s
    positions = 2 * d_um2_s * (np.minimum.outer(t, t) + open_s / 2)
    positions[np.diag_indices(len(t))] = 2 * d_um2_s * (t + open_s / 3) + loc_var_um2
    difference = np.diff(np.eye(len(t)), axis=0)
    covariance = difference @ positions @ difference.T
    n_steps, n_axes = steps.shape
    log_determinant = np.linalg.slogdet(2 * np.pi * covariance)[1]
    square = float((steps * np.linalg.solve(covariance, steps)).sum())
    value = -0.5 * (n_axes * log_determinant + square)
    return value, abs(n_axes * log_determinant) + square + n_steps


@GIVEN
@given(st.integers(1, 60), D, NOISE, INTERVAL, EXPOSURE, D, SEED)
def test_gap_free_tracks(n_steps, d_um2_s, noise_um, interval_s, exposure, tried, seed):
    rng = np.random.default_rng(seed)
    xy = simulate_tracks(d_um2_s, n_steps + 1, interval_s, exposure, noise_um, rng)
    steps = np.diff(xy, axis=1)
    power = dst.step_power(steps)
    tried = np.array([d_um2_s, tried])
    got = dst.log_likelihood(power, 2, tried, noise_um**2, interval_s, exposure / 6)[0]
    for value, d in zip(got, tried, strict=True):
        frames = np.arange(n_steps + 1)
        want, scale = brute_force(steps[0], frames, d, noise_um**2, interval_s, exposure)
        assert abs(value - want) < RELATIVE * scale


@GIVEN
@given(st.lists(st.integers(1, 4), min_size=1, max_size=40), D, NOISE, INTERVAL, EXPOSURE, D, SEED)
def test_tracks_with_gaps(spans, d_um2_s, noise_um, interval_s, exposure, tried, seed):
    rng = np.random.default_rng(seed)
    frames = np.concatenate([[0], np.cumsum(spans)])
    xy = simulate_tracks(d_um2_s, frames[-1] + 1, interval_s, exposure, noise_um, rng, n_tracks=2)
    steps = np.diff(xy[:, frames], axis=1)
    tried = np.array([d_um2_s, tried])
    span = np.tile(np.array(spans), (2, 1))
    got = gapped.log_likelihood(steps, span, tried, noise_um**2, interval_s, exposure / 6)
    for row, axes in zip(got, steps, strict=True):
        for value, d in zip(row, tried, strict=True):
            want, scale = brute_force(axes, frames, d, noise_um**2, interval_s, exposure)
            assert abs(value - want) < RELATIVE * scale


@GIVEN
@given(st.integers(1, 40), D, NOISE, EXPOSURE, SEED)
def test_both_ways_agree_without_gaps(n_steps, d_um2_s, noise_um, exposure, seed):
    rng = np.random.default_rng(seed)
    steps = np.diff(simulate_tracks(d_um2_s, n_steps + 1, 0.04, exposure, noise_um, rng), axis=1)
    grid = np.geomspace(0.1, 20, 9)
    timing = (noise_um**2, 0.04, exposure / 6)
    one = dst.log_likelihood(dst.step_power(steps), 2, grid, *timing)
    other = gapped.log_likelihood(steps, np.ones(steps.shape[:2], np.int64), grid, *timing)
    assert np.all(np.abs(one - other) < RELATIVE * (np.abs(one) + 10 * n_steps))


@GIVEN
@given(st.floats(0.05, 20), st.integers(4, 20), EXPOSURE, st.booleans(), SEED)
def test_scaling_space_scales_d(factor, n_steps, exposure, gaps, seed):
    rng = np.random.default_rng(seed)
    steps = np.diff(simulate_tracks(2.0, n_steps + 1, 0.04, exposure, 0.05, rng), axis=1)
    span = rng.integers(1, 3 if gaps else 2, steps.shape[:2])
    grid = np.geomspace(0.01, 100, 300)
    timing = (0.04, exposure / 6)
    plain = gapped.log_likelihood(steps, span, grid, 0.05**2, *timing)
    scaled = gapped.log_likelihood(
        factor * steps, span, factor**2 * grid, (factor * 0.05) ** 2, *timing
    )
    # the density of k x is that of x over k for each of the 2 n steps
    shifted = plain - 2 * n_steps * np.log(factor)
    assert np.all(np.abs(scaled - shifted) < 1e-9 * (np.abs(plain) + 2 * n_steps * 5))
    one, two = best_and_interval(plain, grid), best_and_interval(scaled, factor**2 * grid)
    for a, b in zip(one, two, strict=True):
        assert b == pytest.approx(factor**2 * a, rel=1e-6)


def _estimate(xy, where, seen=None):
    return estimate_diffusion(tracks_of(xy, seen=seen), where)


@pytest.mark.parametrize("gaps", [False, True])
def test_what_changes_nothing(gaps):
    """Rotation, reflection, shift, time reversal and relabelling."""
    rng = np.random.default_rng(1)
    where = conditions(0.7)
    xy = simulate_tracks(rng.uniform(0.5, 8, 30), 12, 0.04, 0.7, 0.05, rng)
    seen = np.ones(xy.shape[:2], bool)
    if gaps:
        seen[:, 1:-1] = rng.random((30, 10)) > 0.15
    plain = _estimate(xy, where, seen)
    assert len(plain.track_id) == 30
    cos, sin = np.cos(0.6), np.sin(0.6)
    rotated = _estimate(xy @ np.array([[cos, -sin], [sin, cos]]), where, seen)
    mirrored = _estimate(xy[:, :, ::-1] * [1, -1] + [30, 50], where, seen)
    backwards = _estimate(xy[:, ::-1], where, seen[:, ::-1])
    for other in (rotated, mirrored, backwards):
        assert np.allclose(other.log_likelihood, plain.log_likelihood, rtol=1e-9, atol=1e-9)
        # NaN where gaps leave no pair of neighbouring steps
        assert np.allclose(other.d_cov_um2_s, plain.d_cov_um2_s, rtol=1e-9, equal_nan=True)
        assert np.allclose(other.loc_sd_um, plain.loc_sd_um, rtol=1e-9)
    shuffled = rng.permutation(30)
    relabelled = _estimate(xy[shuffled], where, seen[shuffled])
    assert np.allclose(relabelled.log_likelihood, plain.log_likelihood[shuffled], rtol=1e-9)
    assert np.allclose(relabelled.d_cov_um2_s, plain.d_cov_um2_s[shuffled], equal_nan=True)


@pytest.mark.parametrize("exposure", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("noise_um", [0.03, 0.2])
def test_curvature_is_the_fisher_information(exposure, noise_um):
    # Observed information scatters about the expected one by about sqrt(2/N) for N = 2 n
    # independent modes a track.
    rng = np.random.default_rng(5)
    d_um2_s, n_steps, n_tracks = 4.0, 12, 2000
    where = conditions(exposure)
    grid = d_um2_s * np.geomspace(0.9, 1.1, 401)
    steps = np.diff(
        simulate_tracks(d_um2_s, n_steps + 1, 0.04, exposure, noise_um, rng, n_tracks=n_tracks),
        axis=1,
    )
    timing = (where.frame_interval_s, where.blur)
    log_l = dst.log_likelihood(dst.step_power(steps), 2, grid, noise_um**2, *timing).sum(axis=0)
    best, error = maximum(log_l, grid)
    bound = 1 / np.sqrt(2 * n_tracks * information(d_um2_s, noise_um**2, n_steps, *timing)[0, 0])
    assert error == pytest.approx(bound, rel=4 * 2 * np.sqrt(2 / (2 * n_steps * n_tracks)))
    assert abs(best - d_um2_s) < 4 * bound
