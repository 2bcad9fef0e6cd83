"""The brightness law from tracks whose sizes and brightnesses are both uncertain."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.completeness.brightness import fit_law, focus_brightness
from evsize.completeness.law_fit import RAYLEIGH
from evsize.completeness.look import as_it_is, learn

GRID = np.geomspace(30, 600, 80)


def tracks(rng, diameter_nm, exponent, scatter, size_error=0.2):
    """Likelihoods and brightnesses of tracks; ln(brightness) of 100 nm is 5."""
    found = np.log(diameter_nm) + size_error * rng.standard_normal(len(diameter_nm))
    log_l = -0.5 * ((np.log(GRID) - found[:, None]) / size_error) ** 2
    light = 5 + exponent * np.log(diameter_nm / 100) + scatter * rng.standard_normal(len(found))
    return log_l, light + 0.1 * rng.standard_normal(len(found)), np.full(len(found), 0.1)


@pytest.mark.parametrize("exponent", [5.0, 6.0])
@pytest.mark.parametrize("scatter", [0.1, 0.4])
def test_law_is_found_though_sizes_are_uncertain(exponent, scatter):
    rng = np.random.default_rng(3)
    diameter = 110 * np.exp(0.3 * rng.standard_normal(1500))
    law = fit_law(*_in_order(tracks(rng, diameter, exponent, scatter)))
    assert law is not None
    # sizes err by 20 %, so a track tells the exponent's line to 0.2 x 6; 1,500 of them, four errors
    level_se = np.hypot(0.2 * exponent, scatter) / np.sqrt(1500)
    assert abs(law.at(np.array([110.0]))[0] - 5 - exponent * np.log(1.1)) < 5 * level_se
    assert abs(law.exponent - exponent) < 5 * level_se / 0.3


def test_one_size_tells_no_exponent():
    rng = np.random.default_rng(4)
    law = fit_law(*_in_order(tracks(rng, np.full(400, 100.0), RAYLEIGH, 0.1)))
    assert law is not None
    assert law.exponent == pytest.approx(RAYLEIGH, abs=0.01)
    assert "assumed" in law.source
    assert np.sqrt(law.covariance[1, 1]) > 0.9
    # what is known is the brightness of that size
    line = np.array([1.0, np.log(law.middle_nm / 100)])
    assert np.sqrt(line @ law.covariance @ line) < 0.1
    assert law.at(np.array([100.0]))[0] == pytest.approx(5.0, abs=0.1)


@pytest.mark.parametrize("size_nm", [97.0, 98.2, 99.4, 100.6, 101.8, 103.0, 104.2, 105.4])
def test_one_size_anywhere_between_those_of_the_grid_has_its_brightness(size_nm):
    rng = np.random.default_rng(9)
    grid = np.geomspace(10, 3000, 240)
    found = np.log(size_nm) + 0.15 * rng.standard_normal(300)
    log_l = -0.5 * ((np.log(grid) - found[:, None]) / 0.15) ** 2
    light = 5 + 0.1 * rng.standard_normal(300)
    law = fit_law(log_l, grid, light, np.full(300, 0.1), np.ones(300), as_it_is())
    assert law is not None
    # all fall on one size of the grid, hence to half a step of it, times the exponent, and four
    # standard errors of the brightness: 0.07 + 4 x 0.14 / sqrt(300)
    half_step = RAYLEIGH * np.log(grid[1] / grid[0]) / 2
    at_size = law.at(np.array([np.exp(found.mean())]))[0]
    assert abs(at_size - 5) < half_step + 4 * np.hypot(0.1, 0.1) / np.sqrt(300)


def test_rare_sizes_and_all_but_some_tracks_are_not_needed():
    rng = np.random.default_rng(10)
    diameter = 110 * np.exp(0.3 * rng.standard_normal(6000))
    log_l, grid, *rest = _in_order(tracks(rng, diameter, 6.0, 0.3))
    law = fit_law(log_l, grid, *rest)
    assert law is not None
    # as of a quarter of them: the tolerance of 1,500 tracks
    level_se = np.hypot(0.2 * 6.0, 0.3) / np.sqrt(1500)
    assert abs(law.at(np.array([110.0]))[0] - 5 - 6 * np.log(1.1)) < 5 * level_se


def test_short_faint_tracks_of_one_size_tell_no_exponent_either():
    rng = np.random.default_rng(8)
    log_l, grid, light, error, weight, look = _in_order(
        tracks(rng, np.full(400, 100.0), RAYLEIGH, 0.1)
    )
    # every third track grazes the sheet: an eleventh of the positions, of a tenth of the brightness
    grazing = np.arange(len(light)) % 3 == 0
    light = np.where(grazing, light - np.log(10), light)
    law = fit_law(log_l, grid, light, error, np.where(grazing, 0.2, 1.0) * weight, look)
    assert law is not None
    assert "assumed" in law.source
    assert law.at(np.array([100.0]))[0] == pytest.approx(5.0, abs=0.1)


@pytest.mark.parametrize("exponent", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("spread", [0.4, 0.55])
def test_light_that_is_not_scattered_has_its_own_exponent(exponent, spread):
    rng = np.random.default_rng(11)
    diameter = 110 * np.exp(spread * rng.standard_normal(800))
    law = fit_law(*_in_order(tracks(rng, diameter, exponent, 0.1)))
    assert law is not None
    # a track tells the line to its scatter, its error and what sizes of 20 % error leave; five
    # standard errors, and as much as the free mixture is off (a tenth)
    each = np.sqrt(0.1**2 + 0.1**2 + (0.2 * exponent) ** 2)
    assert abs(law.exponent - exponent) < 5 * each / np.sqrt(800) / spread + 0.1
    assert law.grows
    assert law.source == "fitted to the tracks"


@pytest.mark.parametrize("sizes", ["two", "many"])
def test_equal_brightness_of_several_sizes_tells_no_smallest_one(sizes):
    rng = np.random.default_rng(12)
    several = 110 * np.exp(0.4 * rng.standard_normal(300))
    diameter = np.where(np.arange(300) % 2, 100.0, 250.0) if sizes == "two" else several
    law = fit_law(*_in_order(tracks(rng, diameter, 0.0, 0.1)))
    assert law is not None
    assert not law.grows
    assert "not surely grow" in law.source
    # whatever the size; known as the mean of 300 brightnesses, each to 0.14
    level = law.at(np.array([60.0, 110.0, 250.0]))
    assert np.allclose(level, 5, atol=5 * 0.14 / np.sqrt(300))
    assert np.allclose(level, level[0], atol=0.01)


def test_a_few_others_beside_one_size_do_not_tell_the_exponent():
    rng = np.random.default_rng(13)
    # one track in twenty, of equal brightness: two particles taken for one, pieces of tracks
    other = np.arange(500) % 20 == 0
    diameter = np.where(other, np.exp(rng.uniform(np.log(50), np.log(500), 500)), 100.0)
    law = fit_law(*_in_order(tracks(rng, diameter, 0.0, 0.1)))
    assert law is not None
    assert "assumed" in law.source
    assert law.exponent == pytest.approx(RAYLEIGH, abs=0.01)


def test_tracks_of_one_particle_tell_no_more_than_one_of_it():
    rng = np.random.default_rng(15)
    log_l, seen, error = tracks(rng, rng.choice([90.0, 150.0, 250.0], 120), 4.5, 0.2)
    once = fit_law(log_l, GRID, seen, error, np.ones(120), as_it_is())
    # each four times, each worth a quarter; and as if each were a particle of its own
    again = [np.repeat(of_track, 4, axis=0) for of_track in (log_l, seen, error)]
    same = fit_law(again[0], GRID, *again[1:], np.full(480, 0.25), as_it_is())
    many = fit_law(again[0], GRID, *again[1:], np.ones(480), as_it_is())
    assert once is not None
    assert same is not None
    assert many is not None
    assert same[:3] == pytest.approx(once[:3], abs=0.02)
    assert same.covariance == pytest.approx(once.covariance, rel=0.05, abs=1e-5)
    # that would be believed too much, and what is expected of the exponent too little
    assert many.covariance[0, 0] < 0.3 * once.covariance[0, 0]
    assert many.exponent < once.exponent < RAYLEIGH


def test_too_few_tracks_tell_nothing():
    rng = np.random.default_rng(5)
    assert fit_law(*_in_order(tracks(rng, np.full(5, 100.0), 6.0, 0.1))) is None


def test_what_the_width_says_of_depth_is_added():
    rng = np.random.default_rng(6)
    owner = np.repeat(np.arange(50), 20)
    widening = rng.uniform(0, 3, len(owner))
    light = 7.0 - 0.5 * widening
    focus, error = focus_brightness(owner, 51, light, 2.0 + widening, 2.0, 0.5, 10.0)
    assert np.allclose(focus[:50], 7.0)
    assert np.isnan(focus[50])
    assert np.all(error >= 0)


def _in_order(made):
    log_l, focus, error = made
    return log_l, GRID, focus, error, np.ones(len(focus)), as_it_is()


def seen_from_the_sheet(rng, true):
    """Mean ln(brightness) of tracks at random depths, which no width tells; those above 3.5."""
    seen = true - 2 * rng.uniform(0, 1.5, len(true)) ** 2 + 0.1 * rng.standard_normal(len(true))
    return seen, seen > 3.5


def test_light_lost_out_of_focus_is_told_by_particles_of_other_sizes():
    rng = np.random.default_rng(7)
    # those laid on are of all brightnesses, the recording's own of one size nearly
    laid = rng.uniform(3.5, 9.0, 6000)
    seen, found = seen_from_the_sheet(rng, laid)
    look = learn(laid[found], seen[found], np.ones(found.sum()))
    diameter = 100 * np.exp(0.2 * rng.standard_normal(2500))
    log_l, true, _ = tracks(rng, diameter, RAYLEIGH, 0.1)
    seen, found = seen_from_the_sheet(rng, true)
    assert found.sum() > 1000
    own = log_l[found], GRID, seen[found], np.zeros(found.sum()), np.ones(found.sum()), look
    law = fit_law(*own)
    assert law is not None
    # as if nothing were known of the light lost, the level would be 0.7 to 1 too low; the light
    # lost spreads by 0.6 and is no normal distribution: a fifth of it is allowed for
    assert abs(law.level - 5) < 0.2 * 0.6 + 5 * np.hypot(0.6, 1.2) / np.sqrt(found.sum())
