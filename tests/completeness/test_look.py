"""How brightness looks, learnt from particles whose brightness is known."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.completeness.look import Look, as_it_is, learn

NOISE = 0.2


def seen(rng, true):
    """Light is lost in part above 7, as where spots saturate."""
    lost = 0.5 * np.maximum(true - 7, 0)
    return true - 0.3 - lost + NOISE * rng.standard_normal(len(true))


def test_the_mean_and_the_spread_are_found():
    rng = np.random.default_rng(1)
    true = rng.uniform(3, 9, 2000)
    look = learn(true, seen(rng, true), np.ones(len(true)))
    at = np.array([4.0, 5.0, 6.0, 8.5])
    mean, slope, spread = look.of(at)
    # some 400 tracks lie within the width of a place, whose ends are known half as well
    assert np.allclose(mean, [3.7, 4.7, 5.7, 7.45], atol=6 * NOISE / np.sqrt(400))
    assert np.allclose(slope, [1, 1, 1, 0.5], atol=0.1)
    assert np.allclose(spread, NOISE, atol=4 * NOISE / np.sqrt(2 * 400))


def test_how_many_there_are_of_a_brightness_does_not_matter():
    rng = np.random.default_rng(2)
    even = rng.uniform(3, 7, 4000)
    steep = 3 + 4 * rng.power(3, 4000)
    found = [
        learn(true, seen(rng, true), np.ones(4000)).of(np.array([5.0]))[0] for true in (even, steep)
    ]
    assert abs(found[0] - found[1]) < 5 * NOISE / np.sqrt(400)


def test_tracks_count_by_their_weight():
    rng = np.random.default_rng(3)
    true = rng.uniform(3, 7, 2000)
    wrong = np.arange(2000) % 2 == 0
    look = learn(true, np.where(wrong, true - 3, true), np.where(wrong, 0.0, 1.0))
    assert look.of(np.array([5.0]))[0] == pytest.approx(5.0, abs=1e-6)


def test_what_is_seen_leads_back_to_what_is_there():
    look = Look(np.array([3.0, 5.0, 7.0]), np.array([2.5, 4.5, 5.5]), np.full(3, 0.1))
    true = np.array([3.5, 5.5, 6.9])
    assert np.allclose(look.true_of(look.of(true)[0]), true, atol=0.3)
    flat = Look(np.array([3.0, 5.0, 7.0]), np.array([2.5, 4.5, 4.4]), np.full(3, 0.1))
    assert np.all(np.isfinite(flat.true_of(np.array([0.0, 4.45, 9.0]))))


def test_what_is_seen_as_it_is_stays_what_it_is():
    at = np.array([-4.0, 0.3, 12.0])
    mean, slope, spread = as_it_is().of(at)
    assert np.allclose(mean, at)
    assert np.allclose(slope, 1)
    assert not spread.any()
    assert np.allclose(as_it_is().true_of(at), at)
