"""Numbers per volume of sizes that are found a little smeared."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.completeness.found import RESOLUTION, as_found

GRID = np.geomspace(10, 3000, 240)
LOG_D = np.log(GRID)
STEEP = 8.0
"""Growth of ln(depth) with ln(diameter) near the detection limit."""
LOG_DEPTH = 1.0 + STEEP * (LOG_D - np.log(60.0))
ERRORS = np.column_stack([np.full(len(GRID), 0.1), 0.2 * (LOG_D - np.log(60.0))])


def log_normal(middle_nm, sd):
    shares = np.exp(-0.5 * ((LOG_D - np.log(middle_nm)) / sd) ** 2)
    return shares / shares.sum()


@pytest.mark.parametrize(("spread", "steep"), [(0.0, 8.0), (0.1, 8.0), (0.25, 5.0)])
def test_smeared_populations_are_counted_right(spread, steep):
    depth = 1.0 + steep * (LOG_D - np.log(60.0))
    truth = log_normal(90.0, max(spread, 0.01))
    seen = log_normal(90.0, np.hypot(max(spread, 0.01), RESOLUTION))
    log_depth, _ = as_found(GRID, depth, ERRORS, truth, 30.0)
    per_volume = (truth * np.exp(-depth)).sum()
    # smeared by 5 % where the depth grows with such a power, so many times too many are counted
    too_many = np.exp((steep * RESOLUTION) ** 2 / 2)
    found = (seen * np.exp(-depth)).sum() / per_volume
    assert found == pytest.approx(too_many, abs=0.01)
    # 2 % of the particles may have any size: they are not counted better than that
    found = (seen * np.exp(-log_depth)).sum() / per_volume
    assert found == pytest.approx(1, abs=0.02 * too_many)


def test_around_a_single_size_all_count_as_that_one():
    at = int(np.argmin(np.abs(GRID - 60)))
    single = np.zeros(len(GRID))
    single[at] = 1.0
    log_depth, errors = as_found(GRID, LOG_DEPTH, ERRORS, single, 50.0)
    near = (np.abs(LOG_D - LOG_D[at]) < 2 * RESOLUTION) & (GRID >= 50)
    assert near.sum() > 4
    # but for the 2 % that may have any size, spread over 240: less than 1 % beside the one
    assert np.allclose(log_depth[near], LOG_DEPTH[at], atol=0.01)
    assert np.allclose(errors[near], ERRORS[at], atol=0.01)


def test_far_from_all_that_was_seen_a_size_keeps_its_depth():
    log_depth, errors = as_found(GRID, LOG_DEPTH, ERRORS, log_normal(60.0, 0.02), 30.0)
    far = (GRID > 200) & (GRID < 2000)
    # alike in all directions: only the curvature of 1/depth is left, (8 x 0.05)^2 / 2
    assert np.allclose(log_depth[far], LOG_DEPTH[far] - (STEEP * RESOLUTION) ** 2 / 2, atol=0.01)
    assert np.allclose(errors[far, 0], 0.1)


def test_below_the_limit_nothing_changes_and_nothing_from_there_counts():
    nothing = np.where(GRID < 50, -30.0, LOG_DEPTH)
    shares = log_normal(55.0, 0.1)
    log_depth, errors = as_found(GRID, nothing, ERRORS, shares, 50.0)
    assert np.array_equal(log_depth[GRID < 50], nothing[GRID < 50])
    assert np.array_equal(errors[GRID < 50], ERRORS[GRID < 50])
    at_limit = np.interp(np.log(50.0), LOG_D, nothing)
    assert (log_depth[GRID >= 50] >= at_limit - 1e-9).all()
