"""Background, noise and thresholds against what was put in."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.detection import detect
from evsize.detection.filtering import filter_noise, matched_filter
from evsize.detection.maxima import maxima_and_minima
from evsize.detection.model import FrameModel
from evsize.detection.pattern import estimate_pattern, flat_noise, smooth_noise
from evsize.detection.threshold import noise_peaks_per_px, threshold_for
from evsize.physics import Conditions
from evsize.tables import Flag
from tests.detection.drawing import Film, draw_film

NANOSIGHT = Conditions(0.166, 1 / 25, 0.5, 22.0, 0.955)


def test_noise_peaks_are_as_many_as_theory_says() -> None:
    rng = np.random.default_rng(21)
    found = {3.5: 0, 4.0: 0}
    for _ in range(12):
        m = matched_filter(rng.normal(0, 1, (512, 512)).astype(np.float32), 1.8)
        for threshold in found:
            found[threshold] += len(maxima_and_minima(m, threshold, np.inf, 10000)[0][0])
    for threshold, n in found.items():
        expected = 12 * 512**2 * noise_peaks_per_px(threshold, 1.8)
        # the law holds for high thresholds; it leaves out terms of 1 / threshold^2
        assert abs(n - expected) < 4 * np.sqrt(expected) + 0.1 * expected
    assert noise_peaks_per_px(threshold_for(1e-5, 1.8), 1.8) == pytest.approx(1e-5, rel=1e-6)


@pytest.mark.parametrize("noise", [0.7, 3.0])
def test_pattern_and_noise_are_recovered_whatever_passes(noise: float) -> None:
    rng = np.random.default_rng(22)
    film, _ = draw_film(rng, 60, (128, 160), snr=25, noise=noise, level=40)
    fixed = np.zeros((128, 160))
    fixed[30, 40] = 60.0
    fixed[:, 100] = 8.0
    frames = np.clip(np.rint(film.frames + fixed), 0, 255).astype(np.uint8)
    pattern = estimate_pattern(frames[:50].copy())
    rest = pattern.mean - 40 - fixed
    assert np.median(pattern.noise) == pytest.approx(np.hypot(noise, 12**-0.5), rel=0.1)
    assert np.median(np.abs(rest)) * 1.4826 < 1.5 * noise / np.sqrt(50) + 0.1
    z = FrameModel(pattern, 40, is_flat=False).scale(frames[3], 1).images[0]
    assert abs(z[30, 40]) < 5
    assert abs(np.median(z[:, 100])) < 0.3


def test_a_blinking_pixel_is_noisier_and_a_patch_is_not() -> None:
    sd = np.full((64, 64), 2.0, np.float32)
    sd[20, 20] = 30.0
    sd[40:47, 40:47] = 9.0
    noise = smooth_noise(sd, np.full_like(sd, 20.0), np.zeros(sd.shape, bool), 1.0)
    assert noise[20, 20] == pytest.approx(30.0)
    assert noise[43, 43] == pytest.approx(2.0, rel=0.05)


def test_where_a_small_bright_particle_stayed_no_pixel_is_hot() -> None:
    y, x = np.mgrid[:64, :64]
    sd = (2 + 300 * np.exp(-0.5 * ((y - 40) ** 2 + (x - 40) ** 2))).astype(np.float32)
    sd[36, 36] += 200.0
    level, slow = np.full_like(sd, 20.0), np.hypot(y - 40, x - 40) < 8
    noise = smooth_noise(sd, level, slow, 1.0)
    assert noise[36, 36] == sd[36, 36]
    noise[36, 36] = 2.0
    assert noise[slow] == pytest.approx(2.0, rel=0.05)
    # the middle of what is small and not known to have moved is its own
    assert smooth_noise(sd, level, np.zeros_like(slow), 1.0)[40, 40] > 100


def test_a_bright_patch_that_stands_still_keeps_its_noise() -> None:
    sd, mean = np.full((64, 64), 2.0, np.float32), np.full((64, 64), 20.0, np.float32)
    sd[40:47, 40:47], mean[40:47, 40:47] = 5.0, 60.0
    noise = smooth_noise(sd, mean, np.zeros(sd.shape, bool), 1.0)
    assert noise[43, 43] == pytest.approx(5.0)
    assert noise[20, 20] == pytest.approx(2.0, rel=0.05)


def test_noise_of_one_frame() -> None:
    rng = np.random.default_rng(23)
    frame = (20 + np.linspace(0, 40, 256) + rng.normal(0, 2.5, (200, 256))).astype(np.float32)
    assert flat_noise(frame, 0.0) == pytest.approx(2.5, rel=0.03)


def test_the_filter_sees_no_background_however_it_moves() -> None:
    rng = np.random.default_rng(24)
    y, x = np.mgrid[:240, :320]
    frames = np.stack(
        [
            40 + 0.05 * x + 6 * np.sin((x + y - 2 * k) / 40) + rng.normal(0, 3, x.shape)
            for k in range(30)
        ]
    )
    frames = np.clip(np.rint(frames), 0, 255).astype(np.uint8)
    result = detect(Film(frames), conditions=NANOSIGHT)
    strong = (result.table["flags"] & int(Flag.WEAK)) == 0
    assert strong.sum() / 30 < 2
    assert 0.8 < float(result.choices["filter_noise"].value or 0) < 1.6


def test_flicker_and_dust_are_not_spots() -> None:
    rng = np.random.default_rng(25)
    y, x = np.mgrid[:160, :200]
    dust = sum(
        60 * np.exp(-((x - a) ** 2 + (y - b) ** 2) / 8.0)
        for a, b in ((50, 50), (150, 90), (90, 130))
    )
    power = 1 + 0.2 * rng.normal(size=40)
    frames = power[:, None, None] * (30 + dust) + rng.normal(0, 2, (40, 160, 200))
    result = detect(Film(np.clip(np.rint(frames), 0, 255).astype(np.uint8)), conditions=NANOSIGHT)
    strong = result.table[(result.table["flags"] & int(Flag.WEAK)) == 0]
    assert len(strong) / 40 < 1.5


def test_filter_noise_is_not_fooled_by_spots() -> None:
    film, _ = draw_film(np.random.default_rng(26), 1, (256, 256), snr=30, noise=3.0)
    z = ((film.frames[0].astype(np.float32) - 40) / np.float32(np.hypot(3, 12**-0.5))).copy()
    assert filter_noise(matched_filter(z, 1.6), 6) == pytest.approx(1.0, rel=0.05)
