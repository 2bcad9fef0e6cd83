"""Depths of view that a saved result hands on."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.completeness import from_saved
from evsize.results import Estimate, Value
from evsize.sizing.view import Depths
from evsize.tables import COMPLETENESS

SIZES = np.geomspace(60, 400, 16)
DEPTH_UM = 12 * (1 - np.exp(-((SIZES / 90) ** 3)))


def saved(
    factor=1.0, basis="light sheet assumed Gaussian, 10 um thick as given", depth_um=DEPTH_UM
):
    table = COMPLETENESS.build(
        diameter_nm=SIZES,
        depth_um=depth_um,
        depth_se_um=0.2 * depth_um,
        recovered_diameter_nm=SIZES,
        recovered_se_nm=0.01 * SIZES,
    )
    choices = {"sheet_um": Value(value=10.0, unit="um", source=basis)}
    limit = Estimate(value=80.0, low=75.0, high=86.0)
    return from_saved(table, choices, {}, limit, 400, 2000.0, factor)


def test_depths_are_those_of_the_table():
    found = Depths.of(saved(), SIZES)
    assert np.allclose(np.exp(found.log_depth), DEPTH_UM)
    assert found.counted.tolist() == (SIZES >= 80).tolist()
    # each size errs by 20 %, close ones alike, far ones on their own
    assert np.allclose(np.sqrt((found.log_error**2).sum(axis=1)), 0.2, rtol=1e-6)
    near, far = found.log_error[8] @ found.log_error[9], found.log_error[0] @ found.log_error[-1]
    assert near > 0.9 * 0.04
    assert far < 0.01 * 0.04


def test_a_depth_that_begins_between_two_sizes_is_no_needle():
    # nothing is seen of the third size
    depth_um = np.where(np.arange(16) < 3, 1e-12, DEPTH_UM)
    between = np.exp(np.interp([2.5, 2.9], [2, 3], np.log(SIZES[2:4])))
    found = np.exp(Depths.of(saved(depth_um=depth_um), between).log_depth)
    # straight lines, drawn through eighths of the way in the logarithm of the depth
    assert found == pytest.approx(DEPTH_UM[3] * np.array([0.5, 0.9]), rel=0.02)


def test_another_diameter_is_another_name_for_the_same_depth():
    cold, warm = saved(), saved(1.23)
    assert warm.detection_limit_nm.value == pytest.approx(1.23 * 80)
    assert warm.detection_limit_nm.high == pytest.approx(1.23 * 86)
    before, after = Depths.of(cold, SIZES), Depths.of(warm, 1.23 * SIZES)
    assert np.allclose(before.log_depth, after.log_depth)
    assert warm.table["recovered_diameter_nm"].iloc[0] == pytest.approx(1.23 * 60)


def test_beyond_the_table_the_depth_goes_on_falling_below_and_stays_above():
    beyond = Depths.of(saved(), np.array([40.0, 60.0, 80.0, 400.0, 900.0])).log_depth
    assert beyond[0] < beyond[1] < beyond[2]
    assert beyond[4] == pytest.approx(beyond[3])


def test_a_guess_stays_a_guess():
    assert saved().has_scale
    assert not saved(basis="light sheet assumed Gaussian, 12 um thick: shares only").has_scale
