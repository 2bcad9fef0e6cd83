"""The brightness law from tracks whose sizes and brightnesses are both uncertain."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.completeness.brightness import RAYLEIGH, fit_law, focus_brightness, local_median

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


def test_short_faint_tracks_of_one_size_tell_no_exponent_either():
    rng = np.random.default_rng(8)
    log_l, grid, light, error, weight = _in_order(tracks(rng, np.full(400, 100.0), RAYLEIGH, 0.1))
    # every third track grazes the sheet: an eleventh of the positions, of a tenth of the brightness
    grazing = np.arange(len(light)) % 3 == 0
    light = np.where(grazing, light - np.log(10), light)
    law = fit_law(log_l, grid, light, error, np.where(grazing, 0.2, 1.0) * weight)
    assert law is not None
    assert "assumed" in law.source
    assert law.at(np.array([100.0]))[0] == pytest.approx(5.0, abs=0.1)


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
    return log_l, GRID, focus, error, np.ones(len(focus))


def test_a_local_median_follows_a_bend_and_not_what_is_far_off():
    rng = np.random.default_rng(7)
    x = rng.uniform(0, 8, 800)
    true = -0.3 * np.exp(-((x - 3) ** 2) / 4)
    y = true + 0.1 * rng.standard_normal(800)
    y[rng.random(800) < 0.15] -= 2  # a tenth or so is another particle's
    at = np.array([0.5, 3.0, 7.0, 20.0, np.nan])
    found = local_median(x, y, np.ones(800), at)
    # 15 % on one side shift a median by a fifth of a deviation; 80 values near each place
    expected = np.array([-0.3 * np.exp(-6.25 / 4), -0.3, 0.0, 0.0])
    assert np.all(np.abs(found[:4] - expected) < 0.08)
    assert np.isnan(found[4])
