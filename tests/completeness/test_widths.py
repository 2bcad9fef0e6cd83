"""Defocus read off the change of brightness and width along tracks."""

from __future__ import annotations

import numpy as np

from evsize.completeness.widths import fading, sharp_px2, spot_variance_px2


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


def films(rng, fading_per_px2, n_tracks=300, length=40):
    """Depths that wander, and what noise makes of brightness and width."""
    step = 0.6
    z = rng.uniform(-4, 4, (n_tracks, 1)) + np.cumsum(
        step * rng.standard_normal((n_tracks, length)), axis=1
    )
    widening = 0.8 * z**2
    light = rng.uniform(4, 6, (n_tracks, 1)) - fading_per_px2 * widening
    snr = np.exp(light) / (widening + 9)
    noise = rng.standard_normal((2, n_tracks, length)) / snr
    keep = snr > 4
    track, frame = np.nonzero(keep)
    variance = ((3 + widening + 6) * (1 + noise[0] + noise[1]) - 6)[keep]
    return track, frame, (light + noise[0])[keep], variance, snr[keep]


def test_fading_is_found_though_widths_are_noisy():
    score = []
    for seed in range(8):
        track, frame, light, variance, snr = films(np.random.default_rng(seed), 0.09)
        found, error = fading(track, frame, light, variance, snr, 25.0)
        assert found is not None
        assert error < 0.02
        score.append((found - 0.09) / error)
    # eight seeds: the mean of unit normals errs by 0.35; what selection by SNR adds is no more
    assert abs(np.mean(score)) < 4 * 0.35


def test_no_change_of_depth_tells_nothing():
    rng = np.random.default_rng(1)
    track, frame = np.divmod(np.arange(4000), 40)
    variance = 3 + 0.5 * rng.standard_normal(4000)
    light = 5 + 0.1 * rng.standard_normal(4000)
    assert fading(track, frame, light, variance, np.full(4000, 20.0), 25.0)[0] is None


def test_focus_is_the_low_end_of_the_widths_less_its_noise():
    rng = np.random.default_rng(2)
    snr = np.full(5000, 20.0)
    in_focus = (3.0 + 6.0) * (1 + 1.2 / snr * rng.standard_normal(5000)) - 6.0
    assert abs(sharp_px2(in_focus, snr, np.sqrt(6.0)) - 3.0) < 0.15
