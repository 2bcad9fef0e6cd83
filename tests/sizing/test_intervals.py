"""Intervals from resamples, where their coverage is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, t

from evsize.sizing import intervals


def test_many_even_units_give_percentiles():
    resampled = 5 + norm.ppf((np.arange(4000) + 0.5) / 4000)
    low, high = intervals.interval(5.0, resampled, 0.0, 1e6)
    assert [low, high] == pytest.approx([5 - 1.96, 5 + 1.96], abs=0.01)


def test_few_units_give_students_t():
    resampled = norm.ppf((np.arange(4000) + 0.5) / 4000)
    low, high = intervals.interval(0.0, resampled, 0.0, 4.0)
    wide = t.ppf(0.975, 4) * np.sqrt(1 + 1 / 4)
    assert [low, high] == pytest.approx([-wide, wide], rel=0.02)


def test_the_figure_lies_within():
    resampled = np.linspace(1, 2, 200)
    low, high = intervals.interval(2.5, resampled, 0.0, 50.0)
    assert low <= 2.5 <= high
    same = intervals.interval(1.0, np.ones(200), 0.0, 50.0)
    assert same == (1.0, 1.0)


def test_skewness_and_freedom():
    even = np.tile([1.0, -1.0], 20)
    skewed, freedom = intervals.skewness_and_freedom(even, np.arange(40))
    assert skewed == 0
    assert freedom == 39
    one = np.r_[10.0, -np.full(39, 10 / 39)]
    skewed, freedom = intervals.skewness_and_freedom(one, np.arange(40))
    assert skewed > 0.1
    assert freedom < 3  # one unit alone tells the spread
    assert intervals.skewness_and_freedom(np.zeros(5), np.arange(5)) == (0.0, 4.0)


def test_coverage_of_a_skewed_mean():
    """Means of 30 draws of a log-normal with sd 0.8: plain percentiles hold 89 %, these more.

    2000 trials tell a coverage of 93 % to 0.6 points.
    """
    rng = np.random.default_rng(3)
    n, trials, sd = 30, 1000, 0.8
    true = np.exp(sd**2 / 2)
    held = plain = 0
    for _ in range(trials):
        x = np.exp(sd * rng.standard_normal(n))
        resampled = rng.multinomial(n, np.full(n, 1 / n), 200) @ x / n
        skewed, freedom = intervals.skewness_and_freedom(x - x.mean(), np.arange(n))
        low, high = intervals.interval(x.mean(), resampled, skewed, freedom)
        held += low <= true <= high
        low, high = np.quantile(resampled, [0.025, 0.975])
        plain += low <= true <= high
    error = np.sqrt(0.95 * 0.05 / trials)
    assert plain / trials < 0.95 - 4 * error  # what is mended
    assert held / trials > plain / trials + 2 * error
    assert held / trials > 0.92 - 2 * error
