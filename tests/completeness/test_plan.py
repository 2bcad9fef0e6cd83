"""How many particles are laid on how many frames."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from evsize.completeness import plan
from evsize.completeness.brightness import Law
from evsize.completeness.optics import Optics
from evsize.physics import Conditions

WINDOW_PX = 8.0
GRID = np.geomspace(10, 1000, 400)


@pytest.mark.parametrize("shape", [(120, 160), (240, 320), (480, 640), (1024, 1280), (2048, 2048)])
def test_enough_particles_in_no_more_frames_than_there_is_time_for(shape):
    px = shape[0] * shape[1]
    effort = plan.effort(64, px, WINDOW_PX, 0.0)
    runs = effort.n_stretches * effort.n_versions
    most = plan.FRAMES_SEARCHED * min(1.0, (plan.USUAL_PX / px) ** 0.6) / 64
    assert plan.FEWEST_STRETCHES <= runs <= most + effort.n_versions / 2
    # rounded to whole stretches; small frames hold few particles, and the time runs out
    enough = effort.at_a_time * (runs + effort.n_versions / 2) >= plan.PARTICLES
    assert enough or runs >= most - effort.n_versions / 2
    # no more than a share of the frame lies near any of them
    assert effort.at_a_time * np.pi * WINDOW_PX**2 <= plan.ADDED_SHARE * px + 2 * 201


def test_large_frames_need_fewer_of_them():
    small, large = (plan.effort(64, px, WINDOW_PX, 0.0) for px in (640 * 480, 1280 * 1024))
    assert large.n_stretches * large.n_versions < 0.5 * small.n_stretches * small.n_versions
    assert large.at_a_time == plan.MOST_AT_A_TIME


def test_thorough_searches_as_many_times_more():
    usual, thorough = (plan.effort(64, 1280 * 1024, WINDOW_PX, 0.0, times) for times in (1, 5))
    runs = [each.n_stretches * each.n_versions for each in (usual, thorough)]
    assert runs[1] == pytest.approx(5 * runs[0], abs=thorough.n_versions / 2)


@pytest.mark.parametrize("n_blocks", [1, 2, 3, 4, 9])
def test_stretches_are_spread_over_the_blocks_and_avoid_what_is_damaged(n_blocks):
    edges = np.linspace(0, 900 * n_blocks, n_blocks + 1).astype(int)
    blocks = [range(a, b) for a, b in pairwise(edges)]
    bad = np.zeros(edges[-1], bool)
    bad[::150] = True
    found = plan.stretches(blocks, bad, 4)
    assert len(found) == 4
    for stretch in found:
        part = range(stretch.first, stretch.first + stretch.n_frames)
        assert not bad[part.start : part.stop].any()
        assert any(block.start <= part[0] and part[-1] < block.stop for block in blocks)
    first = np.array([stretch.first for stretch in found])
    assert np.all(np.diff(first) > 0)
    assert np.ptp(first) > 0.4 * edges[-1]


def drawn_nm(shares):
    law = Law(np.log(200.0), 6.0, 0.1, np.eye(2), 100.0, "", np.zeros(0))
    optics = Optics(10.0, 2.0, 0.8, 1.5, 2.0)
    conditions = Conditions(0.166, 0.04, 0.5, 22.0, 0.95)
    wanted = plan.Sizes(50.0, 500.0, 75.0)
    rng = np.random.default_rng(1)
    runs = plan.draw(64, 8, wanted, law, optics, conditions, 5.0, rng, GRID, shares)
    return np.concatenate([run.diameter_nm for run in runs])


def test_half_of_the_particles_are_like_the_recordings_own_and_half_are_not():
    own = np.exp(-0.5 * (np.log(GRID / 150) / 0.05) ** 2)
    both, others = drawn_nm(own), drawn_nm(np.zeros(len(GRID)))

    def near(sizes):
        return (np.abs(np.log(sizes / 150)) < 0.15).mean()

    # the sequence is spread evenly: to one particle or two of 512, and to a step of the grid
    assert near(both) == pytest.approx(plan.LIKE_OWN + (1 - plan.LIKE_OWN) * near(others), abs=0.02)
    for sizes in (both, others):
        assert sizes.min() < 55
        assert sizes.max() > 450


def test_own_sizes_beyond_those_worth_laying_on_are_left_out():
    own = (GRID > 600).astype(float)
    assert np.array_equal(drawn_nm(own), drawn_nm(np.zeros(len(GRID))))
    half = drawn_nm(own + (GRID < 60))
    assert half.max() <= 500
    assert half.min() >= 50


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 2.9])
def test_where_brightness_grows_slowly_sizes_near_those_seen_are_laid_on(exponent):
    law = Law(np.log(2000.0), exponent, 0.1, np.eye(2), 100.0, "", np.zeros(0))
    optics = Optics(10.0, 2.0, 0.8, 1.5, 2.0)
    conditions = Conditions(0.166, 0.04, 0.5, 22.0, 0.95)
    seen = ((GRID > 80) & (GRID < 200)).astype(float)
    wanted = plan.sizes(optics, law, conditions, 5.0, np.log(4000.0), GRID, seen)
    # to a step of the grid, 1.2 %, at either end
    assert wanted.high_nm == pytest.approx(200 * plan.FAR, rel=0.03)
    assert 80 / plan.FAR / plan.BELOW_LIMIT * 0.97 < wanted.low_nm < 80
    assert wanted.low_nm < wanted.seen_nm < wanted.high_nm
    sizes = np.exp(plan._log_diameters(wanted, np.linspace(0, 1, 200), GRID, seen))
    assert sizes.min() >= wanted.low_nm * 0.999
    assert sizes.max() <= wanted.high_nm * 1.001
