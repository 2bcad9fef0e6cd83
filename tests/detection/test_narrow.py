"""Spots narrower than a pixel, and single bright pixels, which are none."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from evsize.detection import detect
from evsize.settings import DetectionSettings
from evsize.tables import Flag
from tests.detection.drawing import Film, add_spots, flux_for_snr, lattice, match

SHAPE = (160, 224)
N_FRAMES = 12
SETTINGS = DetectionSettings(spot_sd_px=0.84)
"""As wide as spots are on the whole where most of the particles are out of focus."""


def noisy(rng: np.random.Generator, image: NDArray[np.float64]) -> NDArray[np.uint16]:
    return np.rint(image + rng.normal(400, 4, SHAPE)).astype(np.uint16)


@pytest.mark.parametrize("sd", [0.4, 0.5, 0.6])
def test_narrow_spots_are_found_and_located_by_the_fine_filter(sd: float) -> None:
    rng = np.random.default_rng(5)
    frames, truth = [], []
    for _ in range(N_FRAMES):
        xy = lattice(rng, SHAPE, 30)
        image = np.zeros(SHAPE)
        add_spots(image, xy, sd, np.full(len(xy), flux_for_snr(30.0, sd, 4.0)))
        frames.append(noisy(rng, image))
        truth.append(xy)
    table = detect(Film(np.array(frames), 65535.0), SETTINGS).table
    off = []
    for frame, xy in enumerate(truth):
        found = table.loc[table["frame"] == frame, ["x_px", "y_px"]].to_numpy()
        mine, theirs = match(found, xy, 1.5)
        off.append(found[mine] - xy[theirs])
    n_true = sum(len(xy) for xy in truth)
    assert sum(len(d) for d in off) >= 0.99 * n_true
    # drawn spots with this weight are off by 0.04 to 0.06 px at this SNR, half of it from where
    # in a pixel they lie; the spot twice as wide that a coarser image shows is off by 0.3 px
    assert np.sqrt(np.mean(np.concatenate(off) ** 2)) < 0.08


@pytest.mark.parametrize("height", [10.0, 30.0, 200.0])
def test_single_bright_pixels_are_no_spots_at_any_width(height: float) -> None:
    rng = np.random.default_rng(6)
    frames, hot = [], []
    for _ in range(N_FRAMES):
        image = np.zeros(SHAPE)
        yx = rng.integers(8, np.array(SHAPE) - 8, (20, 2))
        image[yx[:, 0], yx[:, 1]] = 4.0 * height
        frames.append(noisy(rng, image))
        hot.append(yx[:, ::-1].astype(float))
    table = detect(Film(np.array(frames), 65535.0), SETTINGS).table
    strong = table[(table["flags"] & int(Flag.WEAK)) == 0]
    n_found = 0
    for frame, xy in enumerate(hot):
        found = strong.loc[strong["frame"] == frame, ["x_px", "y_px"]].to_numpy()
        n_found += len(match(found, xy, 3.0)[0])
    # light of noise in the four pixels around, 2 noises, makes a tenth of the faintest look whole
    assert n_found <= (0.2 if height == 10.0 else 0.01) * 20 * N_FRAMES
