"""Tracks put together as particles leave them, and drawn anew."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.sizing import resampling


def test_units_hold_as_much_as_one_particle_leaves():
    rng = np.random.default_rng(1)
    unit = resampling.units(rng.normal(4.6, 0.2, 4000), np.full(4000, 0.04), rng)
    # 25 tracks of a 25th each; the first and the last unit may hold half as many
    counts = np.bincount(unit)
    assert len(counts) in (160, 161)
    assert np.all(counts[1:-1] == 25)


def test_tracks_of_a_unit_are_of_one_size():
    rng = np.random.default_rng(2)
    log_d = np.repeat([4.0, 5.0, 6.0], 100)
    unit = resampling.units(log_d, np.full(300, 0.1), rng)
    mixed = [u for u in set(unit) if len(set(log_d[unit == u])) > 1]
    assert len(mixed) <= 2  # one at each border


def test_a_track_that_is_all_of_its_particle_is_its_own_unit():
    rng = np.random.default_rng(3)
    assert len(set(resampling.units(rng.normal(4, 0.1, 50), np.ones(50), rng))) == 50


def test_units_have_no_holes():
    rng = np.random.default_rng(2)
    part = rng.uniform(0.01, 3, 50)
    unit = resampling.units(rng.normal(4, 0.1, 50), part, rng)
    assert set(unit) == set(range(unit.max() + 1))


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
