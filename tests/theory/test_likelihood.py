"""The likelihood against a brute-force Gaussian built from Brownian motion itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evsize.diffusion import estimate_diffusion, tridiagonal
from evsize.simulation import simulate_tracks
from evsize.sizing.tracks import best_and_interval
from tests.theory import sine_transform
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


def likelihood_of(xy, span, loc_var_um2, d_um2_s, interval_s, exposure_fraction):
    """The likelihood of tracks (tracks, positions, axes) of one length, gap-free without spans."""
    n_tracks, n_positions, n_axes = xy.shape
    spans = np.ones((n_tracks, n_positions - 1), int) if span is None else span
    return tridiagonal.log_likelihood(
        np.diff(xy, axis=1).reshape(-1, n_axes),
        spans.ravel(),
        np.arange(n_tracks + 1) * n_positions,
        np.broadcast_to(loc_var_um2, (n_tracks, n_positions)).ravel(),
        d_um2_s,
        interval_s,
        exposure_fraction / 6,
    )


@GIVEN
@given(st.integers(1, 60), D, NOISE, INTERVAL, EXPOSURE, D, SEED)
def test_gap_free_tracks(n_steps, d_um2_s, noise_um, interval_s, exposure, tried, seed):
    rng = np.random.default_rng(seed)
    xy = simulate_tracks(d_um2_s, n_steps + 1, interval_s, exposure, noise_um, rng)
    steps = np.diff(xy, axis=1)
    tried = np.array([d_um2_s, tried])
    got = likelihood_of(xy, None, noise_um**2, tried, interval_s, exposure)[0]
    for value, d in zip(got, tried, strict=True):
        frames = np.arange(n_steps + 1)
        want, scale = brute_force(steps[0], frames, d, noise_um**2, interval_s, exposure)
        assert abs(value - want) < RELATIVE * scale


@GIVEN
@given(st.lists(st.integers(1, 4), min_size=1, max_size=40), D, NOISE, INTERVAL, EXPOSURE, D, SEED)
def test_gaps_and_positions_of_unlike_error(
    spans, d_um2_s, noise_um, interval_s, exposure, tried, seed
):
    rng = np.random.default_rng(seed)
    frames = np.concatenate([[0], np.cumsum(spans)])
    xy = simulate_tracks(d_um2_s, frames[-1] + 1, interval_s, exposure, noise_um, rng, n_tracks=2)
    xy = xy[:, frames]
    variance = noise_um**2 * rng.uniform(0.1, 10, xy.shape[:2])
    tried = np.array([d_um2_s, tried])
    span = np.tile(np.array(spans), (2, 1))
    got = likelihood_of(xy, span, variance, tried, interval_s, exposure)
    for row, positions, error in zip(got, xy, variance, strict=True):
        for value, d in zip(row, tried, strict=True):
            steps = np.diff(positions, axis=0)
            want, scale = brute_force(steps, frames, d, error, interval_s, exposure)
            assert abs(value - want) < RELATIVE * scale


@GIVEN
@given(st.integers(1, 40), D, NOISE, EXPOSURE, SEED)
def test_the_sine_transform_says_the_same(n_steps, d_um2_s, noise_um, exposure, seed):
    rng = np.random.default_rng(seed)
    xy = simulate_tracks(d_um2_s, n_steps + 1, 0.04, exposure, noise_um, rng)
    grid = np.geomspace(0.1, 20, 9)
    power = sine_transform.step_power(np.diff(xy, axis=1))
    one = sine_transform.log_likelihood(power, 2, grid, noise_um**2, 0.04, exposure / 6)
    other = likelihood_of(xy, None, noise_um**2, grid, 0.04, exposure)
    assert np.all(np.abs(one - other) < RELATIVE * (np.abs(one) + 10 * n_steps))


@GIVEN
@given(st.floats(0.05, 20), st.integers(4, 20), EXPOSURE, st.booleans(), SEED)
def test_scaling_space_scales_d(factor, n_steps, exposure, gaps, seed):
    rng = np.random.default_rng(seed)
    xy = simulate_tracks(2.0, n_steps + 1, 0.04, exposure, 0.05, rng)
    span = rng.integers(1, 3 if gaps else 2, (1, n_steps))
    variance = 0.05**2 * rng.uniform(0.5, 2, (1, n_steps + 1))
    grid = np.geomspace(0.01, 100, 300)
    plain = likelihood_of(xy, span, variance, grid, 0.04, exposure)
    scaled = likelihood_of(
        factor * xy, span, factor**2 * variance, factor**2 * grid, 0.04, exposure
    )
    # the density of k x is that of x over k for each of the 2 n steps
    shifted = plain - 2 * n_steps * np.log(factor)
    assert np.all(np.abs(scaled - shifted) < 1e-9 * (np.abs(plain) + 2 * n_steps * 5))
    one, two = best_and_interval(plain, grid), best_and_interval(scaled, factor**2 * grid)
    for a, b in zip(one, two, strict=True):
        assert b == pytest.approx(factor**2 * a, rel=1e-6)


def test_worse_ends_do_not_look_like_diffusion():
    # Particles are lost where they are seen worst: the first and last positions of each track
    # scatter 20 times as much. The sum of all likelihoods must peak at the truth, within 4
    # standard errors (its own curvature); with one mean error for all positions it does not.
    rng = np.random.default_rng(11)
    d_um2_s, n_tracks, n_steps = 2.0, 3000, 14
    variance = np.full((n_tracks, n_steps + 1), 0.02**2)
    variance[:, [0, -1]] = 0.4**2
    xy = simulate_tracks(d_um2_s, n_steps + 1, 0.04, 0.5, 0.0, rng, n_tracks=n_tracks)
    xy = xy + np.sqrt(variance)[..., None] * rng.standard_normal(xy.shape)
    grid = d_um2_s * np.geomspace(0.7, 1.5, 401)
    log_l = likelihood_of(xy, None, variance, grid, 0.04, 0.5).sum(axis=0)
    best, error = maximum(log_l, grid)
    assert abs(best - d_um2_s) < 4 * error
    log_l = likelihood_of(xy, None, variance.mean(), grid, 0.04, 0.5).sum(axis=0)
    best, error = maximum(log_l, grid)
    assert abs(best - d_um2_s) > 10 * error


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
    xy = simulate_tracks(d_um2_s, n_steps + 1, 0.04, exposure, noise_um, rng, n_tracks=n_tracks)
    timing = (where.frame_interval_s, where.blur)
    log_l = likelihood_of(xy, None, noise_um**2, grid, 0.04, exposure).sum(axis=0)
    best, error = maximum(log_l, grid)
    bound = 1 / np.sqrt(2 * n_tracks * information(d_um2_s, noise_um**2, n_steps, *timing)[0, 0])
    assert error == pytest.approx(bound, rel=4 * 2 * np.sqrt(2 / (2 * n_steps * n_tracks)))
    assert abs(best - d_um2_s) < 4 * bound
