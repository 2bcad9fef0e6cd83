"""How much of a recording belongs to one particle, told without knowing which tracks are its."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.sizing import dwell, resampling

INTERVAL_S = 0.1
DURATION_S = 30.0
FIELD_UM = 60.0
D_UM2_S = 4.0


def in_a_layer(seed: int, half_um: float, flow_um_s: float = 0.0, d_um2_s: float = D_UM2_S):
    """Tracks of Brownian particles while they are in a layer and in the field, and whose they are.

    The liquid reaches far beyond both, so that none comes back from a wall; with a flow the field
    moves through it.
    """
    rng = np.random.default_rng(seed)
    n_frames = round(DURATION_S / INTERVAL_S)
    room = np.array([FIELD_UM, FIELD_UM, 0.0]) / 2 + 2 * np.sqrt(2 * d_um2_s * DURATION_S)
    room[2] += half_um
    low, high = -room, room + np.array([abs(flow_um_s) * DURATION_S, 0, 0])
    n = rng.poisson(20 * np.prod(high - low) / (FIELD_UM**2 * 2 * half_um))
    tracks, owner = [], []
    for particle in range(n):
        steps = np.sqrt(2 * d_um2_s * INTERVAL_S) * rng.standard_normal((n_frames, 3))
        path = rng.uniform(low, high) + np.cumsum(steps, axis=0)
        in_field = path[:, 0] - flow_um_s * INTERVAL_S * np.arange(n_frames)
        seen = (np.abs(path[:, 2]) < half_um) & (np.abs(path[:, 1]) < FIELD_UM / 2)
        frames = np.flatnonzero(seen & (np.abs(in_field) < FIELD_UM / 2))
        for part in np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1):
            if len(part) > 4:
                middle = (path[part[0], :2] + path[part[-1], :2]) / 2
                middle = middle - [flow_um_s * INTERVAL_S * part.mean(), 0]
                tracks.append((path[part[0], :2], path[part[-1], :2], middle, part[0], part[-1]))
                owner.append(particle)
    start, end, middle, first, last = (
        np.array(column, float) for column in zip(*tracks, strict=True)
    )
    found = dwell.Tracks(
        start, end, middle, first * INTERVAL_S, last * INTERVAL_S, np.full(len(start), d_um2_s)
    )
    return found, np.array(owner)


def followed_s(tracks: dwell.Tracks, owner: np.ndarray) -> float:
    """Time for which the particle of a position is followed, mean over the positions."""
    length = tracks.end_s - tracks.start_s + INTERVAL_S
    whole = np.bincount(owner, length)
    return float((whole**2).sum() / whole.sum())


@pytest.mark.parametrize(("half_um", "flow_um_s"), [(3.0, 0.0), (6.0, 0.0), (6.0, 6.0)])
def test_time_of_a_particle_is_told_without_joining_its_tracks(half_um, flow_um_s):
    """Mean ratio of five recordings to the truth: within three of its standard errors and 10 %.

    The 10 % are for what the model leaves out: particles lost at the sides, and tracks of fewer
    than five positions.
    """
    ratios = []
    for seed in range(5):
        tracks, owner = in_a_layer(seed, half_um, flow_um_s)
        found = dwell.seconds_in_view(tracks, INTERVAL_S, tracks.d_um2_s)
        length = tracks.end_s - tracks.start_s + INTERVAL_S
        ratios.append(np.average(found, weights=length) / followed_s(tracks, owner))
    error = np.std(ratios, ddof=1) / np.sqrt(len(ratios))
    assert abs(np.mean(ratios) - 1) < 3 * error + 0.1


def test_overlap_is_the_share_of_a_layer_that_stays():
    rng = np.random.default_rng(3)
    n = 200_000
    for ratio in (0.1, 1.0, 10.0):  # half width squared over D t
        z = rng.uniform(-1, 1, n) + np.sqrt(2 / ratio) * rng.standard_normal(n)
        share = np.mean(np.abs(z) < 1)
        assert dwell.overlap(np.array(ratio)) == pytest.approx(share, abs=4 * 0.5 / np.sqrt(n))


def test_particles_that_never_leave_are_units_of_their_own():
    rng = np.random.default_rng(4)
    start = rng.uniform(0, FIELD_UM, (20, 2))
    whole = np.full(20, DURATION_S)
    tracks = dwell.Tracks(start, start + 1, start + 0.5, 0 * whole, whole, np.full(20, 0.1))
    found = dwell.seconds_in_view(tracks, INTERVAL_S, tracks.d_um2_s)
    assert np.all(found >= whole)
    unit = resampling.units(rng.normal(4, 0.1, 20), (whole + INTERVAL_S) / found, rng)
    assert len(set(unit)) >= 19  # the whole recording, but for rounding


@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_tracks_are_no_obstacle(n):
    rng = np.random.default_rng(n)
    start = rng.uniform(0, FIELD_UM, (n, 2))
    begin = rng.uniform(0, 25, n)
    tracks = dwell.Tracks(start, start + 1, start + 0.5, begin, begin + 2, np.full(n, D_UM2_S))
    found = dwell.seconds_in_view(tracks, INTERVAL_S, tracks.d_um2_s)
    assert np.all((found >= 2) & (found <= DURATION_S))


def test_tracks_that_one_particle_may_have_left_are_one_unit():
    rng = np.random.default_rng(5)
    path = np.cumsum(np.sqrt(2 * D_UM2_S) * rng.standard_normal((20, 2)), axis=0)
    times = np.arange(20.0)
    tracks = dwell.Tracks(
        path[::2], path[1::2], path[::2], times[::2], times[1::2], np.full(10, D_UM2_S)
    )
    found = dwell.seconds_in_view(tracks, 1.0, tracks.d_um2_s)
    assert np.all(found == 20)
    assert resampling.units(rng.normal(4, 0.1, 10), 2 / found, rng).max() == 0
