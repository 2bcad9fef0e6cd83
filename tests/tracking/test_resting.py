"""Dust is left out, slow particles are not."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.tracking import link, resting
from tests.theory.brownian import WATER, conditions, detections_of, film

REACH = resting.REACH_PX * WATER.pixel_size_um
SIZE = (50.0, 50.0)


def test_hardly_any_slow_particle_stays_for_a_stretch():
    """Each on its own, the spots in the middle have as much past as future; 0.06 % is claimed."""
    d, interval, n = 0.15, 0.04, 400
    stretch = resting.stretch_frames(REACH, d, interval)
    rng = np.random.default_rng(1)
    steps = np.sqrt(2 * d * interval) * rng.standard_normal((n, 2 * stretch, 2))
    xy = np.cumsum(steps, axis=1) + 1e3 * np.arange(n)[:, None, None]
    frame = np.broadcast_to(np.arange(2 * stretch), (n, 2 * stretch))
    order = np.argsort(frame.ravel(), kind="stable")
    found = resting.resting(frame.ravel()[order], xy.reshape(-1, 2)[order], REACH, stretch)
    whose = np.unique(order[found] // (2 * stretch))
    # 0.0006 of the spots; a particle holds about four stretches that do not share most frames
    assert len(whose) <= 4 * 0.0006 * n + 4 * np.sqrt(4 * 0.0006 * n)


def test_a_speck_is_left_out_from_its_arrival_on():
    rng = np.random.default_rng(2)
    frame, xy, _ = film(rng, 10, 300, SIZE, 0.5)
    mine = np.arange(120, 300)
    speck = np.array([20.0, 30.0]) + 0.05 * rng.standard_normal((180, 2))
    frame, xy = np.concatenate([frame, mine]), np.concatenate([xy, speck])
    order = np.argsort(frame, kind="stable")
    found = resting.resting(frame[order], xy[order], REACH, 60)
    is_speck = order >= len(frame) - 180
    assert found[is_speck].all()
    # of the others those that pass within three reaches: pi (3 r)^2 of the area, for its time
    share = np.pi * (resting.WIDER * REACH) ** 2 / 2500 * 180 / 300
    n = (~is_speck).sum()
    assert found[~is_speck].mean() < share + 4 * np.sqrt(5 * share / n)
    detections = detections_of(frame[order], xy[order], 300, SIZE)
    tracks = link(detections, conditions(0.0))
    near = np.hypot(*(tracks.table[["x_um", "y_um"]].to_numpy() - speck[0]).T) < REACH
    assert not near[tracks.table["frame"].to_numpy() >= 120].any()
    assert tracks.diagnostics["resting_spot_share"] == pytest.approx(found.mean())


@pytest.mark.parametrize("diameter_nm", [1000, 3000])
def test_large_particles_are_not_taken_for_dust(diameter_nm):
    where = conditions(0.5)
    step = np.sqrt(2 * where.diffusion_um2_s(diameter_nm) * where.frame_interval_s)
    frame, xy, _ = film(np.random.default_rng(3), 20, 400, SIZE, step)
    stretch = resting.stretch_frames(REACH, where.diffusion_um2_s(3000), where.frame_interval_s)
    # one particle in three hundred may rest by chance
    assert resting.resting(frame, xy, REACH, stretch).mean() < 0.01


def test_nothing_there():
    none = np.zeros(0, np.int64)
    assert resting.resting(none, np.zeros((0, 2)), REACH, 50).shape == (0,)
