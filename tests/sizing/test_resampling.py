"""Tracks joined to particles, and the particles drawn anew."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.sizing import resampling

ONE_KIND = np.zeros((1, 1))


def joined(start_um, end_um, start_s, end_s, d=1.0, kind=None, same=ONE_KIND):
    n = len(start_s)
    kind = np.zeros(n, np.int64) if kind is None else np.asarray(kind)
    return resampling.particles(
        np.asarray(start_um, float),
        np.asarray(end_um, float),
        np.asarray(start_s, float),
        np.asarray(end_s, float),
        np.full(n, d),
        kind,
        same,
    )


def test_tracks_within_reach_are_joined_and_others_not():
    # 2 D t = 2 um^2 over 1 s: a reach of 3 sd is 4.2 um
    start = [[0, 0], [3, 0], [0, 20]]
    unit = joined(start, start, [0, 2, 2], [1, 3, 3])
    assert unit[0] == unit[1]
    assert unit[2] != unit[0]


def test_tracks_at_the_same_time_are_two_particles():
    unit = joined([[0, 0], [0.1, 0]], [[0, 0], [0.1, 0]], [0, 0.5], [1, 1.5])
    assert unit[0] != unit[1]


def test_the_likeliest_earlier_track_is_continued():
    # two tracks end, one begins beside the second
    start = [[0, 0], [3, 0], [2.5, 0]]
    unit = joined(start, start, [0, 0, 2], [1, 1, 3])
    assert unit[2] == unit[1] != unit[0]


def test_sizes_decide_between_neighbours():
    same = np.array([[3.0, -9.0], [-9.0, 3.0]])
    start = [[0, 0], [2, 0], [1.5, 0]]
    unit = joined(start, start, [0, 0, 2], [1, 1, 3], kind=[0, 1, 0], same=same)
    assert unit[2] == unit[0] != unit[1]


def test_a_particle_that_blinks_is_one_particle():
    """A Brownian path cut into ten tracks, a second apart, alone: nine of ten gaps are bridged.

    Each gap is bridged with the probability exp(-REACH^2/2 x 2/2) = 0.99 of a plane step within
    three sd; 20 particles have 180 gaps, so 4 sd below the mean leaves more than 170.
    """
    rng = np.random.default_rng(1)
    joins = 0
    for _ in range(20):
        steps = rng.standard_normal((19, 2)) * np.sqrt(2 * 1.0 * 1.0)
        path = np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])
        times = np.arange(20.0)
        unit = joined(path[::2], path[1::2], times[::2], times[1::2])
        joins += 10 - len(set(unit))
    assert joins > 170


def test_units_have_no_holes():
    rng = np.random.default_rng(2)
    start = rng.uniform(0, 30, (50, 2))
    t = np.sort(rng.uniform(0, 60, 50))
    unit = joined(start, start + 1, t, t + 1)
    assert set(unit) == set(range(unit.max() + 1))
    assert joined(np.zeros((0, 2)), np.zeros((0, 2)), [], []).shape == (0,)


def test_resampling_takes_whole_units_and_keeps_their_number():
    rng = np.random.default_rng(2)
    unit = np.repeat(np.arange(10), 5)
    counts = resampling.weights(unit, 400, rng).reshape(400, 10, 5)
    assert np.array_equal(counts, np.broadcast_to(counts[:, :, :1], counts.shape))
    counts = counts[:, :, 0]
    assert np.all(counts.sum(axis=1) == 10)
    # multinomial: the count of a unit varies by 1 - 1/10
    assert counts.var() == pytest.approx(0.9, rel=4 * np.sqrt(3 / 4000))


def test_effective_number():
    assert resampling.effective_number(np.repeat(np.arange(4), 3), np.ones(12)) == pytest.approx(4)
    unit, weights = np.array([0, 1, 2]), np.array([1.0, 2.0, 3.0])
    assert resampling.effective_number(unit, weights) == pytest.approx(36 / 14)
