"""Particles that hardly move are no background, and dust is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evsize.detection import detect
from evsize.detection.pattern import estimate_pattern
from evsize.detection.survey import Candidates, decide_polarity
from evsize.detection.visits import visited
from evsize.physics import Conditions
from evsize.settings import DetectionSettings
from evsize.tables import Flag
from tests.detection.drawing import Film, add_spots

SHAPE = (120, 160)
LEVEL, NOISE = 12.0, 2.0
DUST = np.array([[40.0, 90.0]])


def _slow_film(n_frames: int) -> tuple[Film, NDArray[np.float64]]:
    """A saturated spot that creeps by 0.15 px a frame, and a speck of dust."""
    rng = np.random.default_rng(61)
    path = np.array([90.0, 50.0]) + np.outer(np.arange(n_frames), [0.12, 0.09])
    frames = np.empty((n_frames, *SHAPE), np.uint8)
    for k in range(n_frames):
        image = np.full(SHAPE, LEVEL)
        add_spots(image, path[k : k + 1], 4.0, np.array([2e5]))
        add_spots(image, DUST, 2.0, np.array([600.0]))
        frames[k] = np.clip(np.rint(image + rng.normal(0, NOISE, SHAPE)), 0, 255)
    return Film(frames), path


def test_a_slow_particle_leaves_no_ghost_in_the_pattern_and_dust_stays() -> None:
    film, path = _slow_film(120)
    pattern = estimate_pattern(film.frames[::3].copy(), 255.0).mean
    # where it stayed; a median of 40 frames has an error of 1.25 / sqrt(40) noises
    y, x = np.rint(path[60][::-1]).astype(int)
    near = pattern[y - 6 : y + 7, x - 6 : x + 7]
    assert np.abs(near - LEVEL).max() < 4 * 1.25 * NOISE / np.sqrt(40)
    top = 600.0 / (2 * np.pi * (2.0**2 + 1 / 12))
    assert abs(pattern[90, 40] - LEVEL - top) < 4 * 1.25 * NOISE / np.sqrt(40)


def test_a_hot_pixel_where_a_slow_particle_came_by_stays_in_the_pattern() -> None:
    rng = np.random.default_rng(64)
    heat, n_frames = 60.0, 120
    path = np.array([70.0, 50.0]) + np.outer(np.arange(n_frames), [0.3, 0.1])
    hot = np.array([[88, 56], [88, 66], [100, 50]])  # on its way, beside it, and near by
    frames = np.empty((n_frames, *SHAPE), np.uint8)
    for k in range(n_frames):
        image = np.full(SHAPE, LEVEL)
        add_spots(image, path[k : k + 1], 1.5, np.array([2000.0]))
        image[hot[:, 1], hot[:, 0]] += heat
        frames[k] = np.clip(np.rint(image + rng.normal(0, NOISE, SHAPE)), 0, 255)
    stack = frames[::3].copy()
    assert visited(stack, 255.0)[hot[:, 1], hot[:, 0]].any()  # else nothing is tried here
    pattern = estimate_pattern(stack, 255.0).mean
    # the particle's light comes on top in some frames: it may raise the level by a few noises
    assert (np.abs(pattern[hot[:, 1], hot[:, 0]] - LEVEL - heat) < 3 * NOISE).all()
    table = detect(Film(frames), DetectionSettings(engine="fast")).table
    xy = table[["x_px", "y_px"]].to_numpy()
    away = np.hypot(*(path[table["frame"]] - xy).T) > 8
    beside = np.hypot(*(xy[:, None] - hot).transpose(2, 0, 1)).min(axis=1) < 3
    # by the noise's own rate a hot pixel is a spot in fewer than one frame out of fifty
    assert (away & beside).sum() < len(hot) * n_frames / 50


def test_a_saturated_spot_is_one_spot_at_its_middle() -> None:
    film, path = _slow_film(120)
    table = detect(film, DetectionSettings(engine="fast")).table
    strong = table[table["snr"] > 50]
    assert list(strong["frame"]) == list(range(120))
    error = strong[["x_px", "y_px"]].to_numpy() - path
    # a disc of radius 13 px with an edge of 1 px: pixels of the edge alone tell its place
    assert np.sqrt(np.mean(error**2)) < 0.1


def test_the_ring_of_a_bright_spot_does_not_outvote_it() -> None:
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ring = np.rint(50 + 20 * np.column_stack([np.sin(angle), np.cos(angle)])).astype(np.int64)
    place = np.column_stack([np.zeros(12, np.int64), ring])
    spot = Candidates(np.array([900.0]), np.array([6.0]), np.ones(1, bool), np.array([[0, 50, 50]]))
    halo = Candidates(np.full(12, 40.0), np.full(12, 2.0), np.zeros(12, bool), place)
    assert decide_polarity(spot, halo)[0] == 1
    assert decide_polarity(halo, spot)[0] == -1
    # in another frame they are particles of their own
    elsewhere = halo._replace(place=place + np.array([1, 0, 0]))
    assert decide_polarity(spot, elsewhere)[0] == -1


def test_two_spots_in_one_are_marked_and_a_single_one_is_not() -> None:
    rng = np.random.default_rng(62)
    shape = (240, 320)
    frames = np.empty((40, *shape), np.uint8)
    for k in range(40):
        image = np.full(shape, LEVEL)
        pair = np.array([[80.0, 120.0], [89.0, 124.0]]) + rng.uniform(-50, 50, 2)
        add_spots(image, pair, 4.0, np.array([2e4, 1.5e4]))
        single = np.array([[240.0, 120.0]]) + rng.uniform(-50, 50, 2)
        add_spots(image, single, 4.0, np.array([2e4]))
        frames[k] = np.clip(np.rint(image + rng.normal(0, NOISE, shape)), 0, 255)
    at_rest = Conditions(0.166, 0.04, 0.0, 22.0, 0.955)
    table = detect(Film(frames), DetectionSettings(spot_sd_px=4.0), conditions=at_rest).table
    strong = table[table["snr"] > 100]
    merged = (strong["flags"] & int(Flag.MERGED)) > 0
    left = strong["x_px"] < 160
    in_frame = strong[left].groupby("frame")["x_px"].transform("size")
    assert set(strong[left]["frame"]) == set(range(40))
    # where both are seen, each has the other for company
    assert merged[left][in_frame == 1].all()
    assert (in_frame == 1).sum() > 20
    assert not merged[~left].any()
