"""Noise that follows a background which moves."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.detection.pattern import build_model
from evsize.detection.transfer import Transfer, measure_transfer
from tests.detection.drawing import Film, draw_film

GAIN = 0.4
"""Grey levels an electron."""
LEVEL = 40.0


def _film(n_frames: int, amplitude: float, seed: int) -> Film:
    """Frames of photons alone, under a wave of 200 px that moves."""
    rng = np.random.default_rng(seed)
    phase = np.arange(n_frames)[:, None] * 1.7 + np.arange(400) * 2 * np.pi / 200
    light = LEVEL * (1 + amplitude * np.sin(phase))
    electrons = rng.poisson(np.repeat(light[:, None] / GAIN, 256, axis=1))
    return Film(np.rint(GAIN * electrons).astype(np.uint8))


@pytest.mark.parametrize("n_frames", [60, 8], ids=["long", "too short for a pattern"])
def test_crests_and_troughs_are_scaled_to_the_same_noise(n_frames: int) -> None:
    film = _film(n_frames, 0.5, 61)
    scaled = build_model(film, 0, n_frames, 40).scale(film[3], 1)
    light = film[3].mean(axis=0)
    order = np.array_split(np.argsort(light), 4)
    spread = np.array([scaled.images[0][:, k].std() for k in order])
    raw = np.array([film[3][:, k].astype(float).std(axis=0).mean() for k in order])
    assert raw[-1] / raw[0] > 1.4
    # 25,600 pixels: 0.5 % each; 2 % for the slope, and what is left of the wave
    assert spread == pytest.approx(np.full(4, spread.mean()), rel=0.04)
    assert spread.mean() == pytest.approx(1.0, abs=0.05)
    # a flux in units of the local noise comes back to grey levels
    rows, cols = np.full(400, 128), np.arange(400)
    back = scaled.noise_at(rows, cols) * build_model(film, 0, n_frames, 40).pattern.noise[128]
    assert back == pytest.approx(np.sqrt(GAIN * light + 1 / 12), rel=0.08)


def test_the_slope_is_that_of_photons() -> None:
    rng = np.random.default_rng(62)
    surface = np.tile(np.linspace(-2, 2, 60, dtype=np.float32), (40, 1))
    wide = np.repeat(np.repeat(surface, 8, axis=0), 8, axis=1)
    truth = 0.15
    frames = [rng.normal(0, np.sqrt(1 + truth * wide)).astype(np.float32) for _ in range(5)]
    # 85,000 differences over levels of sd 1.2, each square with a spread of 1.5: error 0.004
    found = measure_transfer((frame, surface) for frame in frames)
    assert found.slope == pytest.approx(truth, abs=0.02)
    assert found.usual == pytest.approx(0.0, abs=0.05)
    noise = Transfer(truth, 1.0).noise(np.float32([[1.0, 3.0]]))
    assert noise[0] == pytest.approx([1, np.sqrt(1.3)])


def test_a_steady_film_with_particles_has_no_slope() -> None:
    film, _ = draw_film(np.random.default_rng(63), 40, (256, 320), snr=20, noise=3.0, level=40)
    assert build_model(film, 0, 40, 40).pattern.transfer.slope == 0.0
    dark = build_model(_film(40, 0.0, 64), 0, 40, 40)
    assert dark.pattern.transfer.slope == 0.0
