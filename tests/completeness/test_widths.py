"""Defocus read off the change of brightness and width along tracks."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.completeness.optics import Optics
from evsize.completeness.widths import fall, sharp_px2, spot_variance_px2


def test_width_of_a_gaussian_spot_is_read_off_its_snr():
    # the answer of a filter of width 2 and unit norm to a unit Gaussian spot, by sums over pixels
    x = np.arange(-40, 41)
    kernel = np.exp(-0.5 * (x / 2.0) ** 2)
    kernel /= np.sqrt((kernel**2).sum())
    for sd in (1.5, 2.5, 4.0):
        spot = np.exp(-0.5 * (x / sd) ** 2) / (np.sqrt(2 * np.pi) * sd)
        answer = float(kernel @ spot) ** 2
        found = spot_variance_px2(
            np.array([300.0]), np.array([300 * answer / 1.7]), np.array([1.7]), 2.0
        )
        assert np.allclose(found, sd**2, rtol=1e-3)


def films(rng, widening_px2_um2, noisy=True, n_tracks=300, length=40):
    """Depths that wander, and what noise makes of brightness and SNR."""
    z = rng.uniform(-4, 4, (n_tracks, 1)) + np.cumsum(
        0.6 * rng.standard_normal((n_tracks, length)), axis=1
    )
    light = rng.uniform(5, 6, (n_tracks, 1)) - 0.08 * z**2
    log_snr = light - np.log((9 + widening_px2_um2 * z**2) / 2)
    noise = rng.standard_normal((2, n_tracks, length)) / np.exp(log_snr) * noisy
    track, frame = np.nonzero(log_snr > np.log(5))
    keep = log_snr > np.log(5)
    return track, frame, (light + noise[0])[keep], (log_snr + noise[1])[keep]


def test_fall_is_found_though_brightness_is_noisy():
    for widening in (0.0, 0.8):
        score = []
        for seed in range(8):
            found, error = fall(*films(np.random.default_rng(seed), widening))
            # without noise: the same tracks, the same positions
            true, _ = fall(*films(np.random.default_rng(seed), widening, noisy=False))
            assert found is not None
            assert error < 0.1
            score.append((found - true) / error)
        # eight seeds: the mean of unit normals errs by 0.35; what choosing by SNR adds is no more
        assert abs(np.mean(score)) < 4 * 0.35
    assert abs(true - 1.0) > 0.3


def test_spots_that_keep_their_width_fall_as_their_light():
    found, _ = fall(*films(np.random.default_rng(3), 0.0, noisy=False))
    assert abs(found - 1) < 1e-9


def test_tracks_that_go_over_to_another_particle_do_not_spoil_it():
    score = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        track, frame, light, log_snr = films(rng, 0.8)
        true, _ = fall(track, frame, light, log_snr)
        # in a tenth of the tracks the second half is three times as bright, not so its SNR
        gone = (track % 10 == 0) & (frame >= 20)
        found, error = fall(track, frame, light + np.log(3.0) * gone, log_snr)
        score.append((found - true) / error)
    # a tenth of the tracks are cut: the rest differs by less than a third of the error, and the
    # mean of eight by less still; compared across the jump, they would be off by several errors
    assert abs(np.mean(score)) < 0.33


def test_few_tracks_tell_nothing():
    assert fall(*films(np.random.default_rng(1), 0.8, n_tracks=10))[0] is None


def test_optics_take_the_fall_that_they_are_given():
    optics = Optics(10.0, 3.0, 0.9, 2.0, 1.0)
    told = optics.with_fall(1.4, 1.0)
    assert told.fall(1.0) == pytest.approx(1.4)
    assert optics.with_fall(optics.fall(1.0), 1.0).widening_px2_um2 == pytest.approx(0.9)
    assert optics.with_fall(0.9, 1.0).widening_px2_um2 == 0


def test_focus_is_the_low_end_of_the_widths_less_its_noise():
    rng = np.random.default_rng(2)
    snr = np.full(5000, 20.0)
    in_focus = (3.0 + 6.0) * (1 + 1.2 / snr * rng.standard_normal(5000)) - 6.0
    assert abs(sharp_px2(in_focus, snr, np.sqrt(6.0)) - 3.0) < 0.15
