"""Tracks in, likelihoods out: what is used, what is not, and that nothing is hidden or changed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evsize.diffusion import DISPLACEMENT_LAGS, default_grid, estimate_diffusion
from evsize.results import Tracks
from evsize.settings import DiffusionSettings
from evsize.simulation import simulate_tracks
from evsize.tables import TRACKS, Flag
from tests.theory.brownian import WATER, conditions, frames_of, maximum, tracks_of


def brownian(n_tracks=40, n_positions=12, d_um2_s=4.0, noise_um=0.05, seed=1):
    rng = np.random.default_rng(seed)
    return simulate_tracks(d_um2_s, n_positions, 0.04, 0.5, noise_um, rng, n_tracks=n_tracks)


def test_default_grid_runs_from_10_to_3000_nm():
    diameter = WATER.stokes_einstein_um3_s / default_grid(WATER) * 1e3
    assert len(diameter) == 240
    assert diameter[[0, -1]] == pytest.approx([10, 3000])


def test_nothing_in_nothing_out():
    tracks = Tracks(TRACKS.empty(), np.zeros((0, 2)), 0, frames_of(10), 5.0, {})
    found = estimate_diffusion(tracks, WATER)
    assert found.log_likelihood.shape == (0, 240)
    assert found.rejected == {"too_short": 0, "copy": 0, "stationary": 0}
    assert found.diagnostics["step_correlation_lag_2"] is None
    for name in ("track_id", "n_positions", "first_frame", "x_um", "y_um", "flags", "loc_sd_um"):
        assert getattr(found, name).shape == (0,)


def test_every_track_is_used_or_counted_under_a_reason():
    rng = np.random.default_rng(2)
    xy = brownian(60)
    xy[50:] = 3.0 + 0.01 * rng.standard_normal((10, 12, 2))  # dust
    seen = np.ones(xy.shape[:2], bool)
    seen[:7, 4:] = False  # 4 positions where 5 are needed
    tracks = tracks_of(xy, seen=seen)
    found = estimate_diffusion(tracks, WATER, DiffusionSettings(loc_sd_nm=10))
    assert found.rejected == {"too_short": 7, "copy": 0, "stationary": 10}
    assert found.track_id.tolist() == list(range(7, 50))
    assert found.n_positions.tolist() == [12] * 43
    fewer = estimate_diffusion(tracks, WATER, DiffusionSettings(min_positions=4, loc_sd_nm=10))
    assert fewer.rejected["too_short"] == 0
    assert len(fewer.track_id) == 50


def test_a_slow_particle_is_not_taken_for_dust():
    # 2,000 nm moves 20 nm a step: far less than its localisation error, yet visibly over 100
    d_um2_s = WATER.diffusion_um2_s(2000)
    found = estimate_diffusion(
        tracks_of(brownian(20, 200, d_um2_s, 0.02)), WATER, DiffusionSettings(loc_sd_nm=20)
    )
    assert found.rejected["stationary"] == 0


def test_negative_estimates_stay_negative_and_are_flagged():
    found = estimate_diffusion(tracks_of(brownian(200, 6, 0.3, 0.3)), WATER)
    negative = found.d_cov_um2_s < 0
    assert 0 < negative.sum() < 200
    assert np.array_equal((found.flags & Flag.NEGATIVE_D) > 0, negative)


def test_input_is_not_changed():
    tracks = tracks_of(brownian())
    before = pd.util.hash_pandas_object(tracks.table).to_numpy().copy()
    flow = tracks.flow_um.copy()
    estimate_diffusion(tracks, WATER)
    assert np.array_equal(pd.util.hash_pandas_object(tracks.table).to_numpy(), before)
    assert np.array_equal(tracks.flow_um, flow)


def test_twice_the_same():
    one, two = (estimate_diffusion(tracks_of(brownian()), WATER) for _ in range(2))
    assert np.array_equal(one.log_likelihood, two.log_likelihood)
    assert one.diagnostics == two.diagnostics


def test_flow_is_taken_off_before_anything_else():
    xy = brownian()
    plain = tracks_of(xy)
    carried = np.tile(0.7 * np.arange(12)[:, None] * [1.0, -2.0], (40, 1))
    moved = plain.table.assign(
        x_um=plain.table["x_um"] + carried[:, 0], y_um=plain.table["y_um"] + carried[:, 1]
    )
    flowing = Tracks(moved, carried, 0, plain.frames, 5.0, {})
    still, moving = (estimate_diffusion(each, WATER) for each in (plain, flowing))
    assert np.allclose(moving.log_likelihood, still.log_likelihood, rtol=1e-9, atol=1e-9)
    # a fitted flow took p of M degrees of freedom: D goes up by M/(M - p)
    fitted = Tracks(plain.table, plain.flow_um, 44, plain.frames, 5.0, {})
    known = DiffusionSettings(loc_sd_nm=0)
    grid = 4.0 * np.geomspace(0.01, 3, 2000)
    one, two = (estimate_diffusion(each, WATER, known, d_um2_s=grid) for each in (plain, fitted))
    ratio = maximum(two.log_likelihood.sum(axis=0), grid)[0]
    ratio /= maximum(one.log_likelihood.sum(axis=0), grid)[0]
    assert ratio == pytest.approx(440 / (440 - 44), rel=1e-4)


def test_a_noise_given_is_used_and_named():
    tracks = tracks_of(brownian())
    found = estimate_diffusion(tracks, WATER, DiffusionSettings(loc_sd_nm=50))
    assert np.allclose(found.loc_sd_um, 0.05)
    assert found.choices["loc_sd_nm"].source == "given"
    assert found.choices["loc_sd_nm"].value == pytest.approx(50)


def test_one_absurd_localisation_error_does_not_set_the_noise_of_its_track():
    tracks = tracks_of(brownian(), loc_se_nm=50.0)
    loc_se_nm = np.full(len(tracks.table), 50.0)
    loc_se_nm[5] = 1e5
    absurd = tracks.table.assign(loc_se_nm=loc_se_nm)
    found = estimate_diffusion(Tracks(absurd, tracks.flow_um, 0, tracks.frames, 5.0, {}), WATER)
    assert np.allclose(found.loc_sd_um, found.loc_sd_um[1])


def test_ends_that_were_cut_for_doubt_keep_their_mark():
    tracks = tracks_of(brownian(3))
    flags = tracks.table["flags"].to_numpy().copy()
    flags[11] |= Flag.AMBIGUOUS_END
    flags[13] |= Flag.AMBIGUOUS_END  # not at an end
    marked = Tracks(tracks.table.assign(flags=flags), tracks.flow_um, 0, tracks.frames, 5.0, {})
    found = estimate_diffusion(marked, WATER, DiffusionSettings(loc_sd_nm=50))
    assert ((found.flags & Flag.AMBIGUOUS_END) > 0).tolist() == [True, False, False]


def test_gaps_count_as_the_time_they_take():
    # the same positions, every second frame seen: D from steps of two frames
    xy = brownian(300, 21)
    seen = np.zeros(xy.shape[:2], bool)
    seen[:, ::2] = True
    grid = 4.0 * np.geomspace(0.01, 3, 2000)
    known = DiffusionSettings(loc_sd_nm=50)
    found = estimate_diffusion(tracks_of(xy, seen=seen), WATER, known, d_um2_s=grid)
    best, error = maximum(found.log_likelihood.sum(axis=0), grid)
    assert abs(best - 4.0) < 4 * error
    assert np.isnan(found.d_cov_um2_s).all()  # no pair of neighbouring frames
    assert not (found.flags & Flag.NEGATIVE_D).any()


@pytest.mark.parametrize("exposure", [0.0, 1.0])
def test_the_diameter_is_the_same_over_every_lag(exposure):
    n_tracks, n_positions = 300, 60
    rng = np.random.default_rng(8)
    xy = simulate_tracks(4.0, n_positions, 0.04, exposure, 0.05, rng, n_tracks=n_tracks)
    where = conditions(exposure)
    found = estimate_diffusion(tracks_of(xy), where).diagnostics
    for lag in DISPLACEMENT_LAGS:
        # relative variance of a mean square over overlapping steps of both axes (Qian, Sheetz &
        # Elson, Biophys. J. 60, 910 (1991)), to first order; 4 standard errors, and 0.5 % for the
        # localisation variance that is taken off
        n = 2 * n_tracks * (n_positions - lag)
        error = np.sqrt(2 * (2 * lag**2 + 1) / (3 * lag) / n)
        assert found[f"diameter_from_lag_{lag}_nm"] == pytest.approx(
            where.diameter_nm(4.0), rel=4 * error + 0.005
        )
