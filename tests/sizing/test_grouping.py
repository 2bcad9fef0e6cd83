"""Tracks put together by their likelihoods: nothing of weight is lost."""

from __future__ import annotations

import numpy as np

from evsize.sizing import grouping
from evsize.sizing.deconvolution import Deconvolution
from evsize.sizing.summary import bin_edges, figures
from tests.theory.brownian import WATER, likelihoods_of

GRID = np.geomspace(20, 1000, 160)


def log_likelihood(n, seed=1):
    rng = np.random.default_rng(seed)
    d = WATER.stokes_einstein_um3_s / (120 * np.exp(0.4 * rng.standard_normal(n))) * 1e3
    n_steps = 4 + rng.exponential(15, n).astype(int)
    return likelihoods_of(d, n_steps, 0.05, WATER, rng, GRID).log_likelihood


def test_few_tracks_stay_apart():
    assert grouping.alike(log_likelihood(50), np.log(GRID)).tolist() == list(range(50))


def test_groups_change_no_figure_by_a_tenth_of_its_error(monkeypatch):
    """3,000 tracks know the mean of ln d to sqrt(0.4^2 + 0.25^2)/sqrt(3000) = 0.9 %.

    The error of the 10th percentile of a normal is 1.7 times as large, of the median 1.25.
    """
    log_l = log_likelihood(3000)
    grouped = Deconvolution(log_l, GRID)
    monkeypatch.setattr(grouping, "FEW", 10**6)
    each = Deconvolution(log_l, GRID)
    assert len(grouped.likelihood) < 600
    assert len(each.likelihood) == 3000
    edges = bin_edges(GRID)
    for strength in (1e4, 1e1):
        one, other = (
            figures(made.fit(np.ones(3000), strength).shares, GRID, edges)
            for made in (grouped, each)
        )
        for name, factor in (("mean_nm", 1), ("d10_nm", 1.7), ("d50_nm", 1.25), ("d90_nm", 1.7)):
            assert abs(np.log(one[name] / other[name])) < 0.1 * 0.009 * factor, name


def test_means():
    rows = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    assert grouping.means(rows, np.array([1, 0, 1])).tolist() == [[3.0, 4.0], [3.0, 4.0]]
