"""Bias and spread of the estimators over simulated tracks, against their standard errors.

D = 4 um^2/s is a sphere of about 107 nm. All seeds were chosen before looking. A bias counts as
none when it is within 4 standard errors, which chance exceeds once in 16,000 tests.
"""

from __future__ import annotations

import numpy as np
import pytest

from evsize.diffusion import (
    covariance,
    estimate_diffusion,
    flow_correction,
    noise,
    segments,
)
from evsize.settings import DiffusionSettings
from evsize.simulation import simulate_tracks
from evsize.sizing.tracks import best_and_interval
from evsize.tracking import field as flow_field
from tests.theory import sine_transform
from tests.theory.brownian import conditions, covariance_errors, information, maximum, tracks_of

D = 4.0
DT = 0.04
N_TRACKS = 2000
EXPOSURES = [0.0, 0.5, 1.0]
NOISES_UM = [0.0, 0.1, 0.3]
FINE = D * np.geomspace(0.02, 1.6, 1501)


def simulated(exposure, noise_um, n_positions=11, seed=2):
    rng = np.random.default_rng(seed)
    return simulate_tracks(D, n_positions, DT, exposure, noise_um, rng, n_tracks=N_TRACKS)


@pytest.mark.parametrize("exposure", EXPOSURES)
@pytest.mark.parametrize("noise_um", NOISES_UM)
def test_maximum_likelihood_with_noise_known(exposure, noise_um):
    where = conditions(exposure)
    tracks = tracks_of(simulated(exposure, noise_um))
    given = DiffusionSettings(loc_sd_nm=1e3 * noise_um)
    found = estimate_diffusion(tracks, where, given, d_um2_s=FINE)
    assert len(found.track_id) > 0.99 * N_TRACKS  # noise far beyond the steps looks like rest
    best, error = maximum(found.log_likelihood.sum(axis=0), FINE)
    assert abs(best - D) < 4 * error
    assert error / D < 0.02  # the test has teeth: blur ignored would cost 17 and 33 %


@pytest.mark.parametrize("exposure", EXPOSURES)
@pytest.mark.parametrize("noise_um", NOISES_UM)
def test_maximum_likelihood_with_noise_from_the_recording(exposure, noise_um):
    # sd(D) <= sd with s2 known + |dD/ds2| sd(s2), whatever their correlation
    where = conditions(exposure)
    found = estimate_diffusion(tracks_of(simulated(exposure, noise_um)), where, d_um2_s=FINE)
    best, error = maximum(found.log_likelihood.sum(axis=0), FINE)
    fisher = information(D, max(noise_um**2, 1e-6), 10, DT, where.blur)
    noise_error = covariance_errors(D, noise_um**2, 2 * 9 * N_TRACKS, DT, where.blur)[1]
    slope = fisher[0, 1] / fisher[0, 0]
    assert abs(best - D) < 4 * (error + slope * noise_error)


@pytest.mark.parametrize("exposure", EXPOSURES)
@pytest.mark.parametrize("noise_um", NOISES_UM)
def test_covariance_estimator(exposure, noise_um):
    where = conditions(exposure)
    steps = _steps(simulated(exposure, noise_um))
    squares, products, *_ = segments.track_moments(steps)
    d, loc_var = covariance.from_moments(squares, products, DT, where.blur)
    # the mean over short tracks scatters at most like n - 1 independent pairs a track and axis
    d_error, loc_error = covariance_errors(D, noise_um**2, 2 * 9 * N_TRACKS, DT, where.blur)
    assert abs(d.mean() - D) < 4 * d_error
    assert abs(loc_var.mean() - noise_um**2) < 4 * loc_error


@pytest.mark.parametrize("exposure", EXPOSURES)
@pytest.mark.parametrize("noise_um", [0.0, 0.3])
def test_standard_errors_of_the_covariance_estimator(exposure, noise_um):
    # A standard deviation of n figures is known to 1/sqrt(2 n); ends of a track cost 1/steps.
    rng = np.random.default_rng(3)
    n, n_steps = 4000, 100
    where = conditions(exposure)
    xy = simulate_tracks(D, n_steps + 1, DT, exposure, noise_um, rng, n_tracks=n)
    squares, products, *_ = segments.track_moments(_steps(xy))
    found = covariance.from_moments(squares, products, DT, where.blur)
    stated = covariance_errors(D, noise_um**2, 2 * n_steps, DT, where.blur)
    for values, error in zip(found, stated, strict=True):
        assert values.std() == pytest.approx(error, rel=4 / np.sqrt(2 * n) + 2 / n_steps)


@pytest.mark.parametrize("exposure", EXPOSURES)
@pytest.mark.parametrize(("n_steps", "noise_um"), [(15, 0.05), (15, 0.2), (30, 0.05), (30, 0.2)])
def test_spread_of_single_tracks_reaches_the_bound(exposure, n_steps, noise_um):
    """Per-track D, noise known, against the Cramer-Rao bound of `brownian.information`.

    With n tracks the ratio is known to sqrt((2 + excess)/(4 n)); the excess kurtosis of an
    estimate with 2 N degrees of freedom is about 12/(2 N). The maximum-likelihood estimate is
    wider than its bound by terms of order 1/N: the specification grants 1.15 at N >= 15.
    """
    rng = np.random.default_rng(4)
    n = 3000
    where = conditions(exposure)
    steps = np.diff(
        simulate_tracks(D, n_steps + 1, DT, exposure, noise_um, rng, n_tracks=n), axis=1
    )
    grid = D * np.geomspace(0.02, 8, 600)
    timing = (DT, where.blur)
    log_l = sine_transform.log_likelihood(
        sine_transform.step_power(steps), 2, grid, noise_um**2, *timing
    )
    best = best_and_interval(log_l, grid)[0]
    bound = 1 / np.sqrt(2 * information(D, noise_um**2, n_steps, *timing)[0, 0])
    ratio = best.std() / bound
    error = np.sqrt((2 + 6 / n_steps) / (4 * n))
    assert 1 - 4 * error < ratio < 1.15
    # bias of the maximum-likelihood D of one track: of order bound^2/D
    assert abs(best.mean() - D) < 4 * bound / np.sqrt(n) + bound**2 / D


@pytest.mark.parametrize("exposure", EXPOSURES)
def test_pooled_noise_is_unbiased_for_mixed_sizes(exposure):
    # A noise from fitted tracks would absorb the diffusion of the fast ones.
    rng = np.random.default_rng(6)
    d = rng.choice([0.3, 2.0, 12.0], N_TRACKS)
    where = conditions(exposure)
    xy = simulate_tracks(d, 11, DT, exposure, 0.1, rng)
    squares, products, _, n_products = segments.track_moments(_steps(xy))
    loc_var = covariance.from_moments(squares, products, DT, where.blur)[1]
    nothing = np.full(N_TRACKS, np.nan)
    pooled = noise.pool(loc_var, n_products.astype(float), nothing, 1e-8)
    assert abs(pooled.measured_um2 - 0.1**2) < 4 * pooled.measured_se_um2
    per_size = [covariance_errors(one, 0.1**2, 2 * 9, DT, where.blur)[1] for one in (0.3, 2, 12)]
    expected = np.sqrt(np.mean(np.square(per_size)) / N_TRACKS)
    # the sandwich error: fourth moments of three sizes, known to some per cent; ends 1/9
    assert pooled.measured_se_um2 == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize("measured", [0.0001, 0.0004, 0.01])
def test_pooled_noise_weighs_measurement_and_prediction(measured):
    rng = np.random.default_rng(7)
    predicted = rng.uniform(1, 3, 500) * 1e-4
    sharp = noise.pool(np.full(500, measured), np.full(500, 9.0), predicted, 1e-8)
    # the measured variance is the same for all: a constant, where the prediction has no say
    assert np.mean(sharp.loc_var_um2) == pytest.approx(measured, rel=0.02)
    scattered = measured + rng.standard_normal(500) * 1.0  # a standard error of 0.04 um^2
    blunt = noise.pool(scattered, np.full(500, 9.0), predicted, 1e-8)
    assert np.allclose(blunt.loc_var_um2, noise.PREDICTION_FACTOR * predicted, rtol=0.02)


def test_pooled_noise_finds_constant_and_factor():
    """Both within 4 standard errors of the weighted line through the groups."""
    rng = np.random.default_rng(17)
    predicted = rng.uniform(0.2, 6, 4000) * 1e-4
    seen = 3e-4 + 1.5 * predicted + 1e-3 * rng.standard_normal(4000)
    found = noise.pool(seen, np.full(4000, 9.0), predicted, 1e-8)
    slope, constant = np.polyfit(predicted, found.loc_var_um2, 1)
    slope_error = 1e-3 / np.sqrt(4000) / predicted.std()
    assert abs(slope - 1.5) < 4 * slope_error
    assert abs(constant - 3e-4) < 4 * slope_error * np.sqrt(np.mean(predicted**2))


@pytest.mark.parametrize("exposure", EXPOSURES)
def test_missed_frames_leave_d_unbiased(exposure):
    rng = np.random.default_rng(8)
    xy = simulated(exposure, 0.1, n_positions=14)
    seen = rng.random(xy.shape[:2]) > 0.2
    gaps = estimate_diffusion(tracks_of(xy, seen=seen), conditions(exposure), d_um2_s=FINE)
    best, error = maximum(gaps.log_likelihood.sum(axis=0), FINE)
    # the noise comes from the recording: its error as above, from pairs of seen neighbours
    where = conditions(exposure)
    n_pairs = 2 * 12 * 0.8**3 * N_TRACKS
    noise_error = covariance_errors(D, 0.01, n_pairs, DT, where.blur)[1]
    fisher = information(D, 0.01, 10, DT, where.blur)
    slope = fisher[0, 1] / fisher[0, 0]
    assert abs(best - D) < 4 * (error + slope * noise_error)


def _steps(xy, seen=None):
    table = tracks_of(xy, seen=seen).table
    return segments.cut(
        table["track_id"].to_numpy(), table["frame"].to_numpy(), table[["x_um", "y_um"]].to_numpy()
    )


@pytest.mark.parametrize("exposure", EXPOSURES)
@pytest.mark.parametrize("noise_um", NOISES_UM)
def test_steps_further_apart_are_uncorrelated(exposure, noise_um):
    # Blur and noise correlate neighbours (r), which widens the error by sqrt(1 + 2 r^2).
    steps = _steps(simulated(exposure, noise_um))
    value, error = segments.lagged_correlation(steps, (1, 2, 3, 4, 5, 6))
    blur = exposure / 6
    variance = 2 * D * DT * (1 - 2 * blur) + 2 * noise_um**2
    r = (2 * D * DT * blur - noise_um**2) / variance
    assert abs(value[0] - r) < 4 * error[0] * np.sqrt(1 + 4 * r**2)
    assert np.all(np.abs(value[1:]) < 4 * error[1:] * np.sqrt(1 + 2 * r**2))
    assert error[1] == pytest.approx(1 / np.sqrt(2 * 8 * N_TRACKS))


def test_filtered_positions_are_correlated():
    # Positions smoothed as y_t = a y_t-1 + (1 - a) x_t have steps with the correlation a^lag.
    rng = np.random.default_rng(9)
    a, n_steps, n_tracks = 0.5, 40, 500
    white = rng.standard_normal((n_tracks, n_steps + 20, 2))
    steps = np.zeros_like(white)
    for t in range(1, white.shape[1]):
        steps[:, t] = a * steps[:, t - 1] + (1 - a) * white[:, t]
    xy = np.cumsum(steps[:, 20:], axis=1)
    value, error = segments.lagged_correlation(_steps(xy), (2, 3, 4))
    # Bartlett: the variance of a correlation is at most (1 + a^2)/(1 - a^2) times that of noise
    widened = error * np.sqrt((1 + a**2) / (1 - a**2))
    assert np.all(np.abs(value - a ** np.array([2, 3, 4])) < 4 * widened)
    assert value[0] > 10 * widened[0]


def test_correlation_never_reaches_over_a_gap_or_into_another_track():
    xy = np.zeros((2, 6, 2))
    xy[0, :, 0] = [0, 1, 2, 9, 3, 4]
    xy[1, :, 0] = [0, 1, 2, 3, 4, 5]
    seen = np.ones((2, 6), bool)
    seen[0, 3] = False
    steps = _steps(xy, seen)
    assert steps.span.tolist() == [1, 1, 2, 1, 1, 1, 1, 1, 1]
    value, error = segments.lagged_correlation(steps, (1, 4, 5))
    assert value[0] == pytest.approx(1.0)
    assert error[:2] == pytest.approx([1 / np.sqrt(2 * 5), 1 / np.sqrt(2)])
    assert np.isnan(value[2])
    assert np.isnan(error[2])


@pytest.mark.parametrize("exposure", EXPOSURES)
def test_displacement_over_lags(exposure):
    # <x(t+m) - x(t)>^2 = 2 D dt (m - 2R) + 2 s2; lags overlap: at most m times fewer are free
    steps = _steps(simulated(exposure, 0.1, n_positions=16))
    lags = (1, 2, 4, 8)
    for lag, value in zip(lags, segments.lagged_displacement(steps, lags), strict=True):
        expected = 2 * D * DT * (lag - exposure / 3) + 2 * 0.1**2
        free = 2 * N_TRACKS * (16 - lag) / lag
        assert abs(value / expected - 1) < 4 * np.sqrt(2 / free)
    assert np.isnan(segments.lagged_displacement(steps, (16,))[0])


def test_flow_correction():
    assert flow_correction(100, 0) == 1
    assert flow_correction(100, 19) == pytest.approx(np.sqrt(100 / 81))
    assert flow_correction(5, 5) == 1
    assert flow_correction(0, 1) == 1


def test_flow_correction_gives_back_what_the_fit_took():
    # 20 steps, one parameter: 5 % of the variance goes with the flow.
    rng = np.random.default_rng(10)
    n, n_sets = 20, 3000
    frame, span, xy = np.arange(n), np.ones(n, np.int64), np.zeros((n, 2))
    ratio = []
    for _ in range(n_sets):
        step = rng.standard_normal((n, 2)) + 3.0
        field = flow_field.fit(frame, span, xy, step, n)
        assert field.parameters == 1
        left = step - field.over_step(frame, span, xy)
        ratio.append((left**2).mean())
    error = np.sqrt(2 / (2 * n * n_sets))
    assert abs(np.mean(ratio) - (1 - 1 / n)) < 4 * error
    assert abs(np.mean(ratio) * flow_correction(n, 1) ** 2 - 1) < 4 * error
