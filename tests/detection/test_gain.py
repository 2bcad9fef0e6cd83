"""The gain of the fixed pattern follows the lamp, not what particles left in the pattern."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from evsize.detection import detect
from evsize.detection.model import Level
from evsize.detection.pattern import estimate_pattern, stands_still
from evsize.simulation import in_memory, nanosight, photons_for_snr
from tests.detection.drawing import Film, add_spots

SHAPE = (240, 320)
LEVEL, NOISE = 12.0, 2.0
SPECKS = np.array([[40.0, 50.0], [280.0, 60.0], [60.0, 190.0], [250.0, 200.0]])


def _film(power: NDArray[np.float64], dust: float) -> NDArray[np.uint8]:
    """One frame for each power of the lamp; a saturated spot with a wide skirt moves slowly."""
    rng = np.random.default_rng(71)
    frames = np.empty((len(power), *SHAPE), np.uint8)
    path = np.array([160.0, 120.0]) + np.cumsum(rng.normal(0, 1.5, (len(power), 2)), axis=0)
    for k, light in enumerate(power):
        image = np.full(SHAPE, LEVEL)
        add_spots(image, SPECKS, 2.5, np.full(len(SPECKS), dust))
        add_spots(image, path[k : k + 1], 6.0, np.array([1e5]))
        add_spots(image, path[k : k + 1], 20.0, np.array([1e5]))
        image = light * image + rng.normal(0, NOISE, SHAPE)
        frames[k] = np.clip(np.rint(image), 0, 255)
    return frames


def _gains(level: Level, frames: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.array([level.fit(frame)[1] for frame in frames])


def test_what_a_slow_particle_leaves_in_the_pattern_tells_no_gain() -> None:
    frames = _film(np.ones(50), 0.0)
    pattern = estimate_pattern(frames, 255.0)
    all_pixels = Level(pattern.mean, np.ones(SHAPE, bool), 1, NOISE)
    # the film is one that matters: taken for fixed, its remains tell any gain
    assert _gains(all_pixels, frames).min() > 1.5
    assert _gains(Level(pattern.mean, pattern.fixed, 1, NOISE), frames) == pytest.approx(1.0)


@pytest.mark.parametrize("swing", [0.2, 0.5])
def test_specks_tell_the_gain_beside_a_slow_particle(swing: float) -> None:
    power = 1 + swing * np.sin(1.7 * np.arange(50))
    frames = _film(power, 2000.0)
    pattern = estimate_pattern(frames, 255.0)
    gains = _gains(Level(pattern.mean, pattern.fixed, 1, NOISE), frames)
    # the gain is against the light at which the pattern was taken
    error = gains / np.mean(gains) - power / np.mean(power)
    # least squares on four specks of 2000 grey levels: sum of squares 2000^2 / (4 pi 2.5^2) each,
    # and a twentieth of the lamp's own swing
    contrast = np.sqrt(4 * 2000.0**2 / (4 * np.pi * 2.5**2))
    assert np.sqrt(np.mean(error**2)) < 2 * NOISE / contrast + 0.05 * np.std(power)


@pytest.mark.slow
def test_saturated_particles_everywhere_leave_few_spots_that_are_nobodys() -> None:
    scene = nanosight("300nm:40", exposure_ms=40.0)
    scene = scene.changed(photons_at_100nm=photons_for_snr(scene, 60.0, 6.0))
    frames, truth = in_memory(scene, 400, 378)
    found = detect(Film(frames), conditions=scene.conditions).table
    n = 0
    for frame in range(0, 400, 5):
        xy = truth.loc[truth["frame"] == frame, ["x_px", "y_px"]].to_numpy()
        spots = found.loc[found["frame"] == frame, ["x_px", "y_px"]].to_numpy()
        inside = ((spots > 20) & (spots < np.array(frames.shape[:0:-1]) - 20)).all(axis=1)
        n += int((cKDTree(xy).query(spots[inside])[0] > 8).sum())
    # discs cut by the border are left out; a blank film gives 2.6 weak ones a frame. It was 56
    # where the remains of a particle told the gain.
    assert n / 80 < 2.6


def test_what_stands_still_varies_less_than_it_stands_out() -> None:
    mean = np.full((40, 40), 20.0, np.float32)
    sd = np.full((40, 40), 2.0, np.float32)
    mean[10, 10], sd[10, 10] = 60.0, 20.0  # a speck under a lamp that flickers by half
    mean[20, 20], sd[20, 20] = 26.0, 40.0  # what a particle left
    mean[30, 30], sd[30, 30] = 20.0, 9.0  # where many pass
    still = stands_still(mean, sd, 2.0)
    assert still[10, 10]
    assert not still[20, 20]
    assert not still[30, 30]
    assert still.sum() == still.size - 2
