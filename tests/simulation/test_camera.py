"""Noise and range of the camera against the photon transfer law."""

import numpy as np
import pytest
from scipy import stats

from evsize.errors import UsageError
from evsize.simulation import Camera, Disturbances, in_memory, nanosight
from evsize.simulation.rendering import Sensor


@pytest.mark.parametrize("background_e", [3.7, 20.0, 180.3, 4000.0])
def test_mean_and_variance_of_the_noise(background_e):
    camera = Camera(bit_depth=16, gain_e=0.5, offset=100, read_noise_e=2.5)
    scene = nanosight(
        "", background_e=background_e, camera=camera, photons_at_100nm=1.0, height_px=200
    )
    frames, truth = in_memory(scene, 2, 1)
    assert len(truth) == 0
    n = frames.size
    variance = (background_e + 2.5**2) / 0.5**2 + 1 / 12
    mean = 100 + background_e / 0.5
    assert abs(frames.mean() - mean) < 4 * np.sqrt(variance / n)
    # Kurtosis of a Poisson number adds 1/mean to the variance of the variance.
    assert abs(frames.var() / variance - 1) < 4 * np.sqrt((2 + 1 / background_e) / n)


@pytest.mark.parametrize("mean", [0.0, 0.4, 1.0, 7.3, 30.0, 255.9, 300.2])
def test_photon_numbers_are_poisson(mean):
    camera = Camera(bit_depth=16, gain_e=1.0, offset=0.0, read_noise_e=0.0)
    sensor = Sensor(nanosight(camera=camera))
    drawn = sensor.expose(np.full((200, 200), mean), np.random.default_rng(0)).ravel()
    if mean == 0:
        assert not drawn.any()
        return
    low, high = stats.poisson.ppf([0.001, 0.999], mean).astype(int)
    edges = np.unique(np.linspace(low, high, 12).astype(int))
    expected = np.diff(np.concatenate([[0], stats.poisson.cdf(edges, mean), [1]])) * drawn.size
    bins = np.concatenate([[-1], edges, [10**6]])
    counts = np.histogram(drawn, bins + 0.5)[0]
    keep = expected > 5
    chi2 = np.sum((counts[keep] - expected[keep]) ** 2 / expected[keep])
    assert stats.chi2.sf(chi2, keep.sum() - 1) > 1e-4


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_clipping_at_full_scale(bits):
    camera = Camera(bit_depth=bits, gain_e=0.02, offset=10)
    scene = nanosight("400nm:60", height_px=100, width_px=100, camera=camera)
    frames, _ = in_memory(scene, 2, 3)
    assert frames.dtype == (np.uint8 if bits == 8 else np.uint16)
    assert frames.max() == 2**bits - 1 == camera.white_level


def test_black_level_clips_at_zero():
    camera = Camera(offset=0.0, read_noise_e=8.0, gain_e=1.0)
    frames, _ = in_memory(nanosight("", background_e=0.0, camera=camera), 1, 3)
    # Half of the pixels would be negative; rounding moves zero to half a level.
    share = stats.norm.cdf(0.5 / 8)
    assert abs(np.mean(frames == 0) - share) < 4 * np.sqrt(share * (1 - share) / frames.size)


def test_disturbances_are_where_they_should_be():
    trouble = Disturbances(hot_pixels=5, hot_pixel_e=5000, dust=1, dust_e=2000, gradient=0.5)
    scene = nanosight("", height_px=60, width_px=300, disturbances=trouble, background_e=100)
    frames, _ = in_memory(scene.changed(camera=Camera(bit_depth=16, gain_e=1)), 20, 5)
    mean = frames.mean(axis=0)
    assert np.sum(mean > 4000) == 5
    left, right = np.median(mean[:, :20]), np.median(mean[:, -20:])
    # Background from 75 to 125 e over the width, black level 4, each median over 20 columns.
    assert right - left == pytest.approx(50 * 280 / 299, abs=4 * np.sqrt(125 / 20 / 1200) * 2)
    calm, _ = in_memory(scene.changed(disturbances=Disturbances()), 1, 5)
    assert calm.max() < frames.max()


def test_flicker_and_wave():
    trouble = Disturbances(flicker=0.1)
    scene = nanosight("", background_e=400, camera=Camera(bit_depth=16, gain_e=1, offset=0))
    levels = in_memory(scene.changed(disturbances=trouble, height_px=50), 200, 7)[0].mean((1, 2))
    spread = levels.std(ddof=1) / 400
    assert abs(spread / 0.1 - 1) < 4 / np.sqrt(2 * 199)
    wave = Disturbances(wave=0.5, wave_length_px=100, wave_px_s=250)
    columns = in_memory(scene.changed(disturbances=wave, width_px=300), 3, 7)[0].mean(axis=1)
    # 10 px a frame: the profile moves along.
    assert np.corrcoef(columns[1, 10:], columns[0, :-10])[0, 1] > 0.99
    assert np.corrcoef(columns[1], columns[0])[0, 1] < 0.9


@pytest.mark.parametrize(
    "wrong",
    [
        {"exposure_ms": 41.0},
        {"pixel_size": 0.1},
        {"camera": {"bits": 8}},
        {"camera": {"bit_depth": 9}},
        {"optics": {"psf": "airy"}},
        {"medium": "syrup"},
        {"height_px": 0},
        {"population": "100"},
    ],
)
def test_scene_refuses(wrong):
    with pytest.raises(UsageError):
        nanosight(**wrong)
    with pytest.raises(UsageError):
        nanosight().changed(**wrong)
