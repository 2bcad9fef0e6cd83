"""Place in the pixel and steadiness against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evsize.qc.steadiness import background_change, spots_change
from evsize.qc.subpixel import FEWEST, locking_rms

N = 20_000


def evenly(n: int = N) -> np.ndarray:
    return (np.arange(n) + 0.5) / n


def test_an_even_spread_is_zero_and_one_place_is_the_largest():
    assert locking_rms(evenly() + 17) == pytest.approx(0, abs=1e-12)
    assert locking_rms(np.full(N, 3.25)) == pytest.approx(1 / math.sqrt(12), rel=1e-6)


@pytest.mark.parametrize("amplitude", [0.02, 0.1, 0.15])
def test_a_sine_of_displacement_has_its_own_rms(amplitude):
    u = evenly()
    moved = u + amplitude * np.sin(2 * math.pi * u)  # monotonic for amplitudes below 1/(2 pi)
    assert locking_rms(moved) == pytest.approx(amplitude / math.sqrt(2), rel=1e-3)


@given(st.floats(0, 1), st.integers(-50, 50))
def test_where_in_the_pixel_makes_no_difference(shift, whole):
    u = evenly(2000)
    moved = u + 0.1 * np.sin(2 * math.pi * u)
    # cut at another place: the constant that is free takes up the shift, to one step of the grid
    assert locking_rms(moved + shift + whole) == pytest.approx(0.1 / math.sqrt(2), abs=2e-3)


def test_chance_is_as_small_as_said():
    rng = np.random.default_rng(0)
    squares = [locking_rms(rng.random(1000)) ** 2 for _ in range(400)]
    # mean of Watson's statistic is 1/12, its variance 1/360
    error = math.sqrt(1 / 360 / 400)
    assert 1000 * np.mean(squares) == pytest.approx(1 / 12, abs=4 * error)


def test_few_positions_are_no_data():
    assert math.isnan(locking_rms(evenly(FEWEST - 1)))


def test_background_in_standard_deviations_of_the_noise():
    noise = np.full(1000, 4.0)
    assert background_change(np.full(1000, 90.0), noise) == 0
    ramp = np.linspace(90, 100, 1000)
    assert background_change(ramp, noise) == pytest.approx(9 / 4, rel=2e-3)  # medians of tenths
    ramp[::7] = np.nan
    assert background_change(ramp, noise) == pytest.approx(9 / 4, rel=1e-2)
    assert math.isnan(background_change(ramp[:40], noise[:40]))


def film(rng, rates, snr, tracks=400, length=20):
    """Tracks whose number in each fifth of 1,000 frames goes as `rates`."""
    share = np.array(rates) / sum(rates)
    part = rng.choice(5, tracks, p=share)
    first = part * 200 + rng.integers(0, 200 - length, tracks)
    frame = (first[:, None] + np.arange(length)).ravel()
    level = np.exp(rng.normal(0, 0.4, tracks)) * np.array(snr)[part]
    return np.repeat(np.arange(tracks), length), frame, np.repeat(level, length), 1000


def test_a_steady_film_is_within_chance():
    found = [spots_change(*film(np.random.default_rng(n), [1] * 5, [9] * 5)) for n in range(200)]
    for name in ("spot_number_change_z", "spot_snr_change_z"):
        # the range of five normal values exceeds 4.92 sd once in 200: over sqrt(2 sd^2), doubled
        # variances, that is 2.5; the limit of the rule is 4
        assert max(one[name] for one in found) < 4


def test_fewer_and_fainter_spots_are_seen():
    rng = np.random.default_rng(1)
    fading = spots_change(*film(rng, [3, 2.5, 2, 1.5, 1], [9] * 5, 800))
    assert fading["spot_number_change"] == pytest.approx(3, rel=0.35)
    assert fading["spot_number_change_z"] > 4
    assert fading["spot_snr_change_z"] < 4
    dimming = spots_change(*film(rng, [1] * 5, [18, 15, 12, 10, 9], 800))
    assert dimming["spot_snr_change"] == pytest.approx(2, rel=0.15)
    assert dimming["spot_snr_change_z"] > 4


def test_few_tracks_tell_nothing():
    found = spots_change(*film(np.random.default_rng(2), [1] * 5, [9] * 5, 60))
    assert all(math.isnan(value) for value in found.values())
    nothing = np.zeros(0, np.int64)
    assert math.isnan(spots_change(nothing, nothing, np.zeros(0), 0)["spot_number_change"])
