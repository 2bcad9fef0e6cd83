"""Positions against their standard error, the Cramer-Rao bound and the mean of a path."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from evsize.detection.filtering import matched_filter
from evsize.detection.moments import measure_spots
from evsize.detection.plan import rest_weight_px
from evsize.detection.scaling import halve
from tests.detection.drawing import add_spots

SIZE = 48
MIDDLE = SIZE // 2


def smaller(frame: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """A frame, and the same two and four times smaller, each of unit noise."""
    half, quarter = (np.zeros((SIZE // k, SIZE // k), np.float32) for k in (2, 4))
    halve(frame, half)
    halve(half, quarter)
    return frame, half, quarter


def measure(image: NDArray[np.float64], sd: float, smear_sd: float = 0.0) -> NDArray[np.float64]:
    """Measure the spot in the middle of an image of unit noise."""
    frame = image.astype(np.float32)
    filtered = matched_filter(frame, 1.1 * sd)
    near = filtered[MIDDLE - 7 : MIDDLE + 8, MIDDLE - 7 : MIDDLE + 8]
    row, col = np.unravel_index(near.argmax(), near.shape)
    place = (np.array([row + MIDDLE - 7]), np.array([col + MIDDLE - 7]))
    images = smaller(frame)
    level = np.zeros(1, np.int64)
    snr = np.array([float(near.max())])
    widths = (sd, rest_weight_px(sd, smear_sd), 9.0, smear_sd)
    result: NDArray[np.float64] = measure_spots(images, place, level, snr, widths)
    return result[0]


@pytest.mark.parametrize("sd", [0.9, 1.7, 3.0])
@pytest.mark.parametrize("snr", [8.0, 10.0, 40.0])
def test_spots_at_rest_are_unbiased_and_near_the_bound(sd: float, snr: float) -> None:
    rng = np.random.default_rng(11)
    total = np.hypot(sd, 12**-0.5)
    flux = snr * 2 * np.sqrt(np.pi) * total
    errors, told, fluxes = [], [], []
    for _ in range(400):
        xy = MIDDLE + rng.uniform(-0.5, 0.5, 2)
        image = rng.normal(0, 1, (SIZE, SIZE))
        add_spots(image, xy[None], sd, np.array([flux]))
        spot = measure(image, total)
        errors.append([spot[1] - xy[0], spot[0] - xy[1]])
        told.append(spot[5])
        fluxes.append(spot[2])
    e = np.array(errors)
    spread = e.std()
    assert np.all(np.abs(e.mean(axis=0)) < 4 * spread / np.sqrt(len(e)))
    # a weight wider than the spot by 5 % costs 0.1 %, a spot found by its own noise some per cent
    # (0.5/SNR); the standard error of a standard deviation of 800 numbers is 2.5 %
    assert spread < (1 + 0.5 / snr) * np.sqrt(2) * total / snr * 1.08
    assert np.median(told) == pytest.approx(spread, rel=0.2)
    assert np.median(fluxes) == pytest.approx(flux, rel=4 * 2 / snr / np.sqrt(400) + 0.02)


def smear(
    rng: np.random.Generator, sd_px: float, spot_sd: float
) -> tuple[NDArray[np.float64], ...]:
    """A unit spot smeared along a Brownian path, the path's mean, its brightest place."""
    steps = rng.normal(0, sd_px * np.sqrt(6 / 60), (60, 2))
    path = np.cumsum(steps, axis=0)
    path += MIDDLE + rng.uniform(-0.5, 0.5, 2) - path.mean(axis=0)
    image = np.zeros((SIZE, SIZE))
    add_spots(image, path, spot_sd, np.full(60, 1 / 60))
    bright = np.unravel_index(image.argmax(), image.shape)
    return image, path.mean(axis=0), np.array(bright[::-1], float)


@pytest.mark.parametrize("sd_px", [1.0, 1.9])
def test_a_smear_is_where_the_particle_was_on_average(sd_px: float) -> None:
    rng = np.random.default_rng(12)
    errors, towards = [], []
    for _ in range(500):
        image, mean, bright = smear(rng, sd_px, 1.7)
        spot = measure(image * 3000 + rng.normal(0, 1, image.shape), np.hypot(1.7, 12**-0.5), sd_px)
        errors.append([spot[1] - mean[0], spot[0] - mean[1]])
        towards.append(bright - mean)
    e, b = np.ravel(errors), np.ravel(towards)
    trend = np.sum(e * b) / np.sum(b * b)
    assert abs(trend) < 0.1  # a fit as narrow as the spot goes 0.7 of the way
    assert abs(np.mean(e)) < 4 * np.std(e) / np.sqrt(len(e))


def test_a_neighbour_does_not_pull() -> None:
    rng = np.random.default_rng(13)
    sd, errors = 1.7, []
    for _ in range(200):
        xy = np.array([[MIDDLE, MIDDLE], [MIDDLE + 8.0, MIDDLE + 1.0]]) + rng.uniform(-0.5, 0.5, 2)
        image = rng.normal(0, 1, (SIZE, SIZE))
        add_spots(image, xy, sd, np.array([300.0, 300.0]))
        frame = image.astype(np.float32)
        images = smaller(frame)
        place = np.rint(xy).astype(np.int64).T
        order = np.argsort(place[1], kind="stable")
        found = measure_spots(
            images,
            (place[1][order], place[0][order]),
            np.zeros(2, np.int64),
            np.full(2, 50.0),
            (1.72, 2.2, 9.0, 0.0),
        )
        errors.append(found[:, 1] - xy[order, 0])
    mean = np.mean(errors, axis=0)
    spread = np.std(errors, axis=0)
    assert np.all(np.abs(mean) < 0.1)
    assert np.all(spread < 0.15)
