"""Means and contrasts against closed forms, and the coverage that theory promises."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evsize.batch.replicates import contrast, mean, paired_contrast

NONE = np.full(9, np.nan)
numbers = st.lists(st.floats(-100, 100), min_size=2, max_size=8).map(np.array)


def test_three_replicates() -> None:
    found = mean(np.array([1.0, 2.0, 3.0]), NONE[:3])
    assert found.value == 2
    assert found.sd == pytest.approx(1)
    assert found.high - found.value == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)


def test_one_replicate_knows_its_own_error_only() -> None:
    found = mean(np.array([5.0]), np.array([0.1]))
    assert (found.low, found.high) == pytest.approx((5 - 0.1959964, 5 + 0.1959964))
    assert math.isnan(found.sd)
    assert math.isnan(mean(np.array([5.0]), NONE[:1]).low)
    assert math.isnan(mean(NONE[:0], NONE[:0]).value)


def test_equal_values_do_not_hide_their_errors() -> None:
    found = mean(np.array([5.0, 5.0]), np.array([0.3, 0.4]))
    assert found.high - 5 == pytest.approx(1.959964 * math.sqrt(0.125) / math.sqrt(2), rel=1e-6)


@pytest.mark.parametrize("n", [2, 3, 6])
def test_coverage(n: int) -> None:
    """Normal replicates with normal errors: exactly 95 %, whatever the share of the latter."""
    rng, trials = np.random.default_rng(n), 4000
    values = 7 + rng.normal(0, 0.8, (trials, n)) + rng.normal(0, 0.6, (trials, n))
    inside = sum(found.low <= 7 <= found.high for found in (mean(row, NONE[:n]) for row in values))
    error = math.sqrt(0.95 * 0.05 / trials)
    assert inside / trials == pytest.approx(0.95, abs=4 * error)


def test_welch_by_hand() -> None:
    first, second = np.array([1.0, 2.0, 3.0]), np.array([4.0, 6.0, 8.0, 10.0])
    found = contrast(first, second)
    v1, v2 = 1 / 3, (20 / 3) / 4
    freedom = (v1 + v2) ** 2 / (v1**2 / 2 + v2**2 / 3)
    half = stats.t.ppf(0.975, freedom) * math.sqrt(v1 + v2)
    assert (found.low, found.high) == pytest.approx((5 - half, 5 + half))
    oracle = stats.ttest_ind(second, first, equal_var=False).confidence_interval()
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high))
    pooled = math.sqrt((2 * 1 + 3 * 20 / 3) / 5)
    assert found.hedges_g == pytest.approx(5 / pooled * (1 - 3 / 19))


def test_pairs_by_hand() -> None:
    found = paired_contrast(np.array([1.0, 10.0, 100.0]), np.array([3.0, 11.0, 103.0]))
    half = 4.302653 / math.sqrt(3)
    assert (found.value, found.low, found.high) == pytest.approx((2, 2 - half, 2 + half), rel=1e-6)


@pytest.mark.parametrize("test", [contrast, paired_contrast])
def test_without_spread_or_replicates(test) -> None:
    one = np.array([1.0])
    assert math.isnan(test(one, one + 1).low)
    same = test(np.array([0.1, 0.1]), np.array([0.3, 0.3]))
    # units that happen to agree, and nothing else known of their errors: no interval, not one of 0
    assert same.value == pytest.approx(0.2)
    assert math.isnan(same.low)
    assert math.isnan(same.hedges_g)


@pytest.mark.parametrize("test", [contrast, paired_contrast])
def test_errors_within_are_the_least_there_is(test) -> None:
    first, second = np.array([0.1, 0.1]), np.array([0.3, 0.3])
    errors = (np.array([0.03, 0.03]), np.array([0.04, np.nan]))
    same = test(first, second, errors)
    half = 1.959964 * math.sqrt(0.03**2 / 2 + 0.04**2 / 2)
    assert (same.low, same.high) == pytest.approx((0.2 - half, 0.2 + half), rel=1e-6)
    apart = (np.array([0.1, 0.5]), np.array([0.3, 0.1]))
    assert test(*apart, errors).low == test(*apart).low  # the spread is wider: it holds them


@given(numbers, numbers)
def test_the_order_only_turns_the_sign(first, second) -> None:
    one, other = contrast(first, second), contrast(second, first)
    assert one.value == -other.value
    np.testing.assert_allclose([one.low, one.high], [-other.high, -other.low], atol=1e-9)


@given(numbers, st.floats(-5, 5))
def test_shifts_shift(values, by) -> None:
    one, other = mean(values, NONE[: len(values)]), mean(values + by, NONE[: len(values)])
    np.testing.assert_allclose(
        [other.value, other.low, other.high],
        np.array([one.value, one.low, one.high]) + by,
        atol=1e-6,
    )
