"""Odds of links: their formula, and that strength keeps particles apart."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evsize.tracking import joint, linking, odds
from evsize.tracking.odds import BORROWED, LENIENCE

AREA_UM2, N_FRAMES, RADIUS_UM = 400.0, 50, 3.0
STEP_VARIANCE = (np.array([0.2]), np.array([100]))


def tracks_of(lengths: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Frame and track of spots of gap-free tracks that begin in frame 0, by frames."""
    frame = np.concatenate([np.arange(n) for n in lengths])
    track = np.repeat(np.arange(len(lengths)), lengths)
    order = np.argsort(frame, kind="stable")
    return frame[order], track[order]


def test_odds_of_equal_spots_are_those_of_going_on_against_end_and_birth() -> None:
    frame, track = tracks_of([40] * 10 + [1] * 60)
    one, usual = np.ones(len(frame)), np.full(len(frame), 0.2)
    learnt = odds.learn(
        frame, one, track, usual, STEP_VARIANCE, (AREA_UM2, N_FRAMES, 0.0), RADIUS_UM, 0
    )
    assert learnt is not None
    spots, links, births = 460, 390, 70
    taken = (links + 1) / (spots + 1)
    share = (links + BORROWED * taken) / (spots + BORROWED)
    births_um2 = (births + BORROWED) / (N_FRAMES * AREA_UM2)
    at = 0.5
    step = math.exp(-(at**2) / (2 * 0.2)) / (2 * math.pi * 0.2)
    expected = math.log(share / (1 - share) / births_um2 * step) + LENIENCE
    first = np.zeros(1, np.int64)
    found = learnt.of(first, 1, first, np.array([at**2]))
    # the density is read off at the nearest of FINENESS squares of the distance
    tolerance = RADIUS_UM**2 / odds.FINENESS / (2 * 0.2)
    assert found[0] == pytest.approx(expected, abs=tolerance)
    assert learnt.of(first, 1, first, np.array([9.01]))[0] == -np.inf


def test_weak_spots_far_apart_are_wrong_links_and_widen_no_more() -> None:
    frame, track = tracks_of([40] * 40)
    strength = np.where(track < 20, 10.0, 5.0)
    known = (STEP_VARIANCE, (AREA_UM2, N_FRAMES, 0.0), RADIUS_UM, 0)
    fall = []
    for far in (0.4, 4.0):
        square = np.where(track < 20, 0.2, far)
        learnt = odds.learn(frame, strength, track, square, *known)
        assert learnt is not None
        weak = learnt.spot_class[20]
        fall.append(learnt.step[0, weak, 0] - learnt.step[0, weak, -1])
    last = (1 - 1 / odds.FINENESS) * RADIUS_UM**2
    assert fall == pytest.approx([last / (2 * 0.2 * odds.WIDEST)] * 2, rel=1e-6)


def test_nothing_is_learnt_from_few_links() -> None:
    frame, track = tracks_of([20] * 10)
    known = (STEP_VARIANCE, (AREA_UM2, N_FRAMES, 0.0), RADIUS_UM, 1)
    one = np.ones(len(frame))
    assert odds.learn(frame, one, track, 0.2 * one, *known) is None


def test_weak_spots_may_have_longer_steps() -> None:
    frame, track = tracks_of([40] * 40)
    strength = np.where(track < 20, 10.0, 5.0)
    square = np.where(track < 20, 0.15, 0.25)  # 0.2 on average
    known = (STEP_VARIANCE, (AREA_UM2, N_FRAMES, 0.0), RADIUS_UM, 0)
    learnt = odds.learn(frame, strength, track, square, *known)
    assert learnt is not None
    n = 20 * 39
    for spot, mean in ((0, 0.15), (20, 0.25)):
        at, more = learnt.spot_class[spot], (mean / 0.2 * n + BORROWED) / (n + BORROWED)
        # the density falls by e over twice the variance
        fall = learnt.step[0, at, 0] - learnt.step[0, at, -1]
        last = (1 - 1 / odds.FINENESS) * RADIUS_UM**2
        assert fall == pytest.approx(last / (2 * 0.2 * more), rel=1e-6)


def test_radius_grows_over_missed_frames_as_the_step_does() -> None:
    frame, track = tracks_of([40] * 10)
    blur = 1 / 12
    known = (STEP_VARIANCE, (AREA_UM2, N_FRAMES, blur), RADIUS_UM, 2)
    one = np.ones(len(frame))
    learnt = odds.learn(frame, one, track, 0.2 * one, *known)
    assert learnt is not None
    growth = np.sqrt((np.array([1, 2, 3]) - 2 * blur) / (1 - 2 * blur))
    assert learnt.radius_um == pytest.approx(RADIUS_UM * growth)


def test_strength_keeps_strong_particles_from_linking_to_noise() -> None:
    """Strong walkers that leave for good, among as many weak spots that are there once."""
    rng = np.random.default_rng(5)
    side, step = 30.0, 0.5
    rows = []
    for walker in range(300):
        first, length = rng.integers(0, 95), rng.integers(3, 12)
        path = rng.uniform(0, side, 2) + np.cumsum(rng.normal(0, step, (length, 2)), axis=0)
        rows += [
            (first + k, *p, walker, rng.normal(20, 2))
            for k, p in enumerate(path)
            if first + k < 100
        ]
    once = len(rows)
    rows += [
        (rng.integers(0, 100), *rng.uniform(0, side, 2), -1 - k, rng.normal(5, 0.5))
        for k in range(once)
    ]
    table = np.array(rows)
    table = table[np.argsort(table[:, 0], kind="stable")]
    frame, name = table[:, 0].astype(np.int64), table[:, 3].astype(np.int64)
    xy, snr = table[:, 1:3], table[:, 4]
    reach = 4.29 * step
    before = linking.link(frame, xy, 100, reach, 0)
    variance = (np.array([step**2]), np.array([100]))
    usual, still = np.full(len(frame), step**2), np.zeros((1, len(frame), 2))
    after = before
    for _ in range(3):
        learnt = odds.learn(frame, snr, after, usual, variance, (side**2, 100, 0.0), reach, 0)
        assert learnt is not None
        after, _ = joint.link(frame, xy, learnt, still, np.zeros(100, bool))
    (right_before, mixed_before), (right_after, mixed_after) = (
        _right_and_mixed(frame, name, track) for track in (before, after)
    )
    assert right_after >= right_before
    # what is borrowed from other classes leaves links to noise odds of about 4 at no distance:
    # over 2 step variances x ln 4 of the disc that is searched, a seventh of its area
    assert mixed_after < mixed_before / 7 + 4 * (mixed_before / 7) ** 0.5


def _right_and_mixed(frame: np.ndarray, name: np.ndarray, track: np.ndarray) -> tuple[int, int]:
    """Number of links of one walker, and of a walker with a weak spot."""
    order = np.lexsort((frame, track))
    linked = np.diff(track[order]) == 0
    a, b = name[order][:-1][linked], name[order][1:][linked]
    return int((a == b).sum()), int(((a < 0) != (b < 0)).sum())
