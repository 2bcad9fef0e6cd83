"""What an uncertain localisation noise does to the likelihoods, against doing it anew."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.diffusion import estimate_diffusion, noise
from evsize.diffusion.likelihood import LEAST_RISE
from evsize.settings import DiffusionSettings
from evsize.simulation import simulate_tracks
from tests.theory.brownian import WATER, maximum, tracks_of


def tracks(n=400, se=np.nan, seed=1, noise_um=0.1):
    rng = np.random.default_rng(seed)
    return tracks_of(simulate_tracks(4.0, 12, 0.04, 0.5, noise_um, rng, n_tracks=n), loc_se_nm=se)


def test_influence_is_the_change_when_a_track_counts_twice():
    rng = np.random.default_rng(1)
    measured = 0.01 + 0.02 * rng.standard_normal(200)
    products = np.full(200, 9.0)
    pooled = noise.pool(measured, products, np.full(200, np.nan), 1e-8)
    doubled = products.copy()
    doubled[3] *= 2
    moved = noise.pool(measured, doubled, np.full(200, np.nan), 1e-8).measured_um2
    # to first order in 1/200
    assert moved - pooled.measured_um2 == pytest.approx(pooled.influence[3, 0], rel=2 / 200)
    assert pooled.influence.sum() == pytest.approx(0, abs=1e-12)
    # and its spread is the standard error
    assert np.sqrt((pooled.influence**2).sum()) == pytest.approx(pooled.measured_se_um2)


def test_the_line_moves_with_the_expectation(monkeypatch):
    rng = np.random.default_rng(2)
    predicted = rng.uniform(1, 4, 800) * 1e-3
    measured = 1e-3 + 1.5 * predicted + 0.002 * rng.standard_normal(800)
    pooled = noise.pool(measured, np.full(800, 9.0), predicted, 1e-8)
    expected = noise.PREDICTION_FACTOR + noise.PREDICTION_ERROR
    monkeypatch.setattr(noise, "PREDICTION_FACTOR", expected)
    moved = noise.pool(measured, np.full(800, 9.0), predicted, 1e-8)
    change = pooled.shape @ pooled.prior_sd[:, 0]
    assert np.allclose(moved.loc_var_um2 - pooled.loc_var_um2, change, rtol=1e-6, atol=1e-12)
    assert np.all(np.abs(pooled.influence.sum(axis=0)) < 1e-9)


def test_slope_is_the_change_of_the_likelihood(monkeypatch):
    # the part of the edges of the field has no slope either
    monkeypatch.setattr("evsize.diffusion.TELL_FIELD", np.inf)
    # between the variance and one that is higher by its standard error, 5 % at least: the same for
    # all tracks here, and so the same as two runs with the noise given
    one = estimate_diffusion(tracks(), WATER)
    level = float(one.loc_sd_um[0] ** 2)
    rise = max(float(np.sqrt((one.noise.influence**2).sum())), LEAST_RISE * level)
    low, high = (
        estimate_diffusion(tracks(), WATER, DiffusionSettings(loc_sd_nm=1e3 * np.sqrt(variance)))
        for variance in (level, level + rise)
    )
    change = (high.log_likelihood - low.log_likelihood) / rise
    # far larger D would reach beyond the search radius, whose part in the likelihood has no slope
    near = np.abs(np.log(one.d_um2_s / 4.0)) < 0.3
    slope, change = one.noise.slope[:, near], change[:, near]
    assert np.allclose(slope, change, rtol=1e-6, atol=1e-6 * np.abs(change).max())


def test_a_noise_given_is_certain():
    found = estimate_diffusion(tracks(), WATER, DiffusionSettings(loc_sd_nm=100))
    assert found.noise.influence.shape == (400, 0)
    assert not found.noise.slope.any()


def test_resampled_noise_widens_as_much_as_the_estimate_scatters():
    """Over 60 recordings, the diameter from the summed likelihoods scatters by sd; resampling the
    tracks alone, noise held, tells less than resampling both. sd is known to 1/sqrt(120) = 9 %."""
    grid = 4.0 * np.geomspace(0.3, 3, 400)
    best, both, alone = [], [], []
    rng = np.random.default_rng(3)
    for seed in range(60):
        made = estimate_diffusion(tracks(100, seed=seed, noise_um=0.2), WATER, d_um2_s=grid)
        best.append(np.log(maximum(made.log_likelihood.sum(axis=0), grid)[0]))
        rows = {True: [], False: []}
        n = len(made.track_id)
        for counts in rng.multinomial(n, np.full(n, 1 / n), 40):
            shift = ((counts - 1) @ made.noise.influence)[0]
            for moved in (True, False):
                log_l = made.log_likelihood + moved * shift * made.noise.slope
                rows[moved].append(np.log(maximum(counts @ log_l, grid)[0]))
        both.append(np.std(rows[True]))
        alone.append(np.std(rows[False]))
    spread = np.std(best)
    assert np.mean(both) == pytest.approx(spread, rel=4 * 0.09)
    assert np.mean(alone) < 0.85 * np.mean(both)
