"""Background that is slow in space, beside spots as bright as they come."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.detection.scaling import BIN_PX
from evsize.detection.slow import slow_surface

CELL_PX = 40
WIDE = 2 * CELL_PX


def _surface(image: np.ndarray) -> np.ndarray:
    height, width = image.shape
    shape = height // BIN_PX, BIN_PX, width // BIN_PX, BIN_PX
    bins = image.reshape(shape).mean(axis=(1, 3)).astype(np.float32)
    cells = np.full((height // WIDE, width // WIDE), np.median(image), np.float32)
    return slow_surface(bins, cells, CELL_PX, 1)


def test_a_bright_spot_inside_one_bin_is_no_background() -> None:
    """It is as wide as a pixel: no neighbour of its bin stands out."""
    image = np.random.default_rng(71).normal(0, 1, (240, 320))
    before = _surface(image)
    image[123:126, 163:166] += 300.0
    # what is left out makes the mean of its surroundings a little rougher: a bin has 1/8 noises
    assert np.abs(_surface(image) - before).max() < 0.1


@pytest.mark.parametrize("part", [(80, 160), (40, 240)], ids=["a patch", "most of the frame"])
def test_where_all_is_bright_the_surroundings_tell_the_background(part: tuple[int, int]) -> None:
    """A crowd of bright spots leaves no free bin within the box."""
    image = np.random.default_rng(72).normal(5.0, 1, (240, 320))
    first, last = part
    for y in range(first, last, 6):
        for x in range(first, last, 6):
            image[y, x] += 2000.0
    assert _surface(image) == pytest.approx(5.0, abs=0.3)


def test_a_frame_that_is_bright_all_over_has_a_finite_background() -> None:
    image = np.zeros((160, 160))
    image[::4, ::4] = 1e4
    assert np.isfinite(_surface(image)).all()


def test_of_a_wave_as_much_stays_as_the_mean_leaves_and_little_more_at_the_border() -> None:
    """A mean over 5 bins, run twice, passes K of a wave, hence two of them leave (1 - K)^2."""
    length_px = 150.0
    x = (np.arange(80) + 0.5) * BIN_PX
    half = np.pi * BIN_PX / length_px
    passed = (np.sin(5 * half) / (5 * np.sin(half))) ** 2
    worst = np.zeros(80)
    for phase in np.linspace(0, 2 * np.pi, 24, endpoint=False):
        wave = np.tile(np.sin(2 * np.pi * x / length_px + phase), (60, 1)).astype(np.float32)
        bins = np.float32(0.3) * wave
        left = slow_surface(bins, np.zeros((6, 8), np.float32), CELL_PX, 1) / np.float32(0.3) - wave
        worst = np.maximum(worst, np.abs(left[30]))
    assert worst[20:60].max() == pytest.approx((1 - passed) ** 2, rel=0.02)
    # the mean of a slope over half a box leans to one side: run twice, it left 0.24 there
    assert worst[0] < 0.2
