"""What stays where it is, with and without a flow going by."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.diffusion.still import stationary

LOC_SD_UM, N = 0.1, 60
SLOW_FIRST = np.array([0.1, 1.0, 10.0])


def judged(seen_um, flow_um, best=0):
    """Whether one track, whose best diffusion coefficient is that one, stays."""
    n = len(seen_um)
    log_l = np.where(np.arange(3) == best, 0.0, -5.0)[None, :]
    start = np.array([0, n], np.int64)
    variance = np.array([LOC_SD_UM**2])
    return bool(stationary(seen_um, seen_um - flow_um, start, variance, log_l, SLOW_FIRST)[0])


def noise(n=N):
    return LOC_SD_UM * np.random.default_rng(8).standard_normal((n, 2))


def flow(per_frame_um, n=N):
    return np.arange(n)[:, None] * np.array([per_frame_um, 0.0])


@pytest.mark.parametrize("per_frame_um", [0.0, 0.01, 0.015, 0.02, 0.1, 2.0])
def test_what_stays_is_found_whatever_flow_was_fitted(per_frame_um):
    # the fitted flow moves what stays, and fits a faster diffusion the more it does
    best = 0 if per_frame_um < 0.05 else 2
    assert judged(noise(), flow(per_frame_um), best)


@pytest.mark.parametrize("per_frame_um", [0.01, 0.02, 0.1, 2.0])
def test_a_particle_that_goes_with_the_flow_does_not_stay(per_frame_um):
    # steps of half the localisation error: over 60 frames they spread by sqrt(60/6)/2 = 1.6 of it
    moves = np.cumsum(0.5 * LOC_SD_UM * np.random.default_rng(9).standard_normal((N, 2)), axis=0)
    assert not judged(noise() + moves + flow(per_frame_um), flow(per_frame_um), best=1)


def test_ten_positions_are_too_few_to_tell():
    assert judged(noise(11), flow(0.0, 11))
    assert not judged(noise(10), flow(0.0, 10))


def test_without_tracks():
    none = np.zeros((0, 2))
    start = np.zeros(1, np.int64)
    assert len(stationary(none, none, start, np.zeros(0), np.zeros((0, 3)), SLOW_FIRST)) == 0
