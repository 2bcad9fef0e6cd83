"""What one step of the sizing hands to the next: weights, noise, units, limits, words."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, t

from evsize.physics import Conditions, water_viscosity_mpas
from evsize.results import Completeness, Estimate, Likelihoods, NoiseUncertainty
from evsize.settings import SizingSettings
from evsize.sizing import diameter_grid, distribution, intervals, size, summary
from evsize.sizing.deconvolution import Deconvolution
from evsize.sizing.view import Depths

WATER = Conditions(0.166, 0.04, 0.5, 22.0, water_viscosity_mpas(22.0))
SETTINGS = SizingSettings(n_bootstrap=60, n_sizes=120, max_diameter_nm=1000, seed=1)
GRID = diameter_grid(SETTINGS)


def likelihoods(diameter_nm, n_positions, error=0.12, **more) -> Likelihoods:
    """Tracks of known sizes, each read with the same relative error."""
    n = len(diameter_nm)
    found = np.log(diameter_nm) + error * np.random.default_rng(5).standard_normal(n)
    return Likelihoods(
        track_id=np.arange(n),
        n_positions=np.broadcast_to(n_positions, n),
        first_frame=more.pop("first_frame", np.zeros(n, np.int64)),
        x_um=more.pop("x_um", np.zeros(n)),
        y_um=more.pop("y_um", np.zeros(n)),
        d_um2_s=WATER.stokes_einstein_um3_s / GRID * 1e3,
        log_likelihood=-0.5 * ((np.log(GRID) - found[:, None]) / error) ** 2,
        d_cov_um2_s=np.ones(n),
        loc_sd_um=np.full(n, 0.02),
        flags=np.zeros(n, np.uint32),
        rejected={},
        choices={},
        **more,
    )


def test_every_resample_weighs_a_track_by_its_positions():
    diameter = np.repeat([90.0, 240.0], 300)
    found = size(likelihoods(diameter, np.repeat([10, 40], 300)), WATER, SETTINGS)
    small = found.classes[1].fraction
    assert small.value == pytest.approx(10 / (10 + 40), abs=0.01)
    # the numbers of both kinds are drawn anew: p (1 - p) sqrt(1/300 + 1/300), known from 60
    # resamples to 9 %; four times that
    half = 1.96 * 0.2 * 0.8 * np.sqrt(2 / 300)
    assert (small.high - small.low) / 2 == pytest.approx(half, rel=4 * 0.09)


def test_tracks_of_a_particle_that_stays_are_few_units():
    # 80 slow particles in view all the time, each followed in six stretches of 95 frames
    rng = np.random.default_rng(6)
    n, stretches, long = 80, 6, 95
    d_um2_s = WATER.diffusion_um2_s(400)
    step_um = np.sqrt(2 * d_um2_s * WATER.frame_interval_s)
    path = rng.uniform(0, 100, (n, 1, 2)) + np.cumsum(
        step_um * rng.standard_normal((n, 100 * stretches, 2)), axis=1
    )
    first = np.tile(100 * np.arange(stretches), n)
    who = np.repeat(np.arange(n), stretches)
    start, end = path[who, first], path[who, first + long - 1]
    one = likelihoods(
        np.full(n * stretches, 400.0),
        long,
        x_um=(start + end)[:, 0] / 2,
        y_um=(start + end)[:, 1] / 2,
        first_frame=first,
        last_frame=first + long - 1,
        start_um=start,
        end_um=end,
    )
    units = size(one, WATER, SETTINGS).choices["independent_units"].value
    # who wanders out and in again in those 24 s is few: between a track each and a particle each
    # the units are near the latter; a factor of two is what their number matters by, sqrt(2)
    assert n / 2 < units < 2 * n


def test_shares_below_the_limit_are_told_in_percent_of_the_class():
    known = Completeness(
        diameter_nm=GRID,
        log_depth=np.zeros(len(GRID)),
        log_error=np.zeros((len(GRID), 0)),
        detection_limit_nm=Estimate(value=70.0),
        area_um2=8000.0,
        n_frames=500,
    )
    found = size(likelihoods(np.full(300, 120.0), 20), WATER, SETTINGS, completeness=known)
    assert found.classes[1].name == "exosome-size"  # 40 to 160 nm
    assert "40 to 70 nm not seen and not counted, 25 % of its range" in found.classes[1].note


def test_parts_of_the_systematic_error_make_up_the_whole():
    found = size(likelihoods(np.full(50, 100.0), 20), WATER, SETTINGS, viscosity_se=0.01)
    parts = found.distribution.systematic_parts_percent
    assert found.distribution.systematic_percent == pytest.approx(
        np.sqrt(sum(part**2 for part in parts.values()))
    )
    assert parts["viscosity"] == pytest.approx(1.0)


def test_the_kernel_is_as_wide_as_it_says():
    spike = np.zeros(len(GRID))
    spike[60] = 1.0
    spread = summary.smoothed(spike, GRID)
    variance = spread @ np.log(GRID / GRID[60]) ** 2
    # cut at 4 standard deviations it lacks 2 * 4 * phi(4) = 0.0011 of its variance; the steps of
    # the grid, 0.04 where the kernel is 0.05 wide, round it by as much again
    assert variance == pytest.approx(summary.MODE_SD**2, rel=0.003)


def test_other_noise_moves_the_likelihoods_along_their_slopes():
    log_d = np.log(GRID)
    log_l = np.tile(-0.5 * ((log_d - np.log(100)) / 0.2) ** 2, (5, 1))
    slope = np.tile(np.sin(3 * log_d), (5, 1))
    shape, nothing = np.full((5, 1), 2.0), np.zeros((5, 1))
    made = Deconvolution(log_l, GRID, NoiseUncertainty(slope, shape, nothing, np.zeros((1, 0))))
    moved = made.with_noise(np.array([0.7])).likelihood
    assert moved == pytest.approx(Deconvolution(log_l + 0.7 * 2.0 * slope, GRID).likelihood)
    assert not np.allclose(moved, made.likelihood, rtol=0.05)


def test_what_few_resamples_do_not_reach_is_extrapolated():
    n, freedom = 50, 3.0
    resampled = norm.ppf((np.arange(n) + 0.5) / n)
    wanted = t.ppf(0.975, freedom) * np.sqrt(1 + 1 / freedom)
    assert wanted > resampled.max() * 1.3
    low, high = intervals.interval(0.0, resampled, 0.0, freedom)
    # the 98 % quantile is read off at 98 % of the way from the first to the last of 50, a place
    # too low by up to one of them: norm.ppf(0.97) / norm.ppf(0.98) = 0.92 of what is wanted
    assert 0.91 * wanted < high < wanted
    assert low == pytest.approx(-high)


def test_particles_beyond_the_grid_count_at_its_ends():
    depths = Depths.alike(len(GRID))
    edges = summary.bin_edges(GRID)
    amount, square = depths.amounts(np.array([1.0, 5e4, 5e4]), np.array([2.0, 3.0, 4.0]), edges)
    assert amount[[0, -1]].tolist() == [2.0, 7.0]
    assert square[[0, -1]].tolist() == [4.0, 25.0]
    assert amount.sum() == 9.0


def test_the_evidence_for_two_peaks_grants_all_others(monkeypatch):
    asked = []

    def evidence(_mixture, _once, _unit, first, second, others):
        asked.append((first, second, others))
        return distribution.EVIDENCE

    monkeypatch.setattr(distribution, "_evidence", evidence)
    edges = np.log(summary.bin_edges(GRID))
    shares = sum(np.diff(norm.cdf(edges, np.log(nm), 0.08)) for nm in (60, 130, 280)) / 3
    a, b, c = summary.tops(shares, GRID)
    assert distribution._supported(None, None, None, shares, GRID) == [a, b, c]
    assert asked == [(a, b, [c]), (b, c, [a])]
