"""Summary figures of known shares, and the systematic error."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from evsize.sizing import summary, systematic

GRID = np.geomspace(10, 3000, 240)
EDGES = summary.bin_edges(GRID)
STEP = np.log(GRID[1] / GRID[0])


def log_normal(median_nm, sd, grid=GRID):
    edges = np.log(summary.bin_edges(grid))
    return np.diff(norm.cdf(edges, np.log(median_nm), sd))


def test_edges_lie_half_way_between():
    assert len(EDGES) == 241
    assert np.allclose(EDGES[1:-1] ** 2, GRID[1:] * GRID[:-1])
    assert GRID[0] / EDGES[0] == pytest.approx(EDGES[-1] / GRID[-1])


@pytest.mark.parametrize("q", [0.01, 0.1, 0.5, 0.9, 0.99])
def test_quantiles_and_cumulative_of_a_log_normal(q):
    # linear within a bin of width h: wrong by at most h/8 of the curve's bend, h^2/(8 sd)
    shares = log_normal(120, 0.2)
    expected = 120 * np.exp(0.2 * norm.ppf(q))
    assert np.log(summary.quantile(shares, EDGES, np.array([q]))[0] / expected) == pytest.approx(
        0, abs=STEP**2 / 0.2
    )
    assert summary.cumulative(shares, EDGES, np.array([expected]))[0] == pytest.approx(
        q, abs=STEP**2 / 0.2
    )


@pytest.mark.parametrize("factor", [0.97, 1.0, 1.004, 1.1])
def test_scaled_shares_are_those_of_scaled_diameters(factor):
    # mass is spread evenly within a bin of width h: of ln(d), the mean stays, the variance grows
    # by at most h^2/4, when the bin is split in the middle
    shares = log_normal(120, 0.2)
    scaled = summary.scaled(shares, EDGES, factor)
    log_d = np.log(GRID)
    assert scaled.sum() == pytest.approx(1)
    assert scaled @ log_d == pytest.approx(shares @ log_d + np.log(factor), abs=1e-9)
    before, after = (p @ log_d**2 - (p @ log_d) ** 2 for p in (shares, scaled))
    assert -1e-9 < after - before < STEP**2 / 4 + 1e-9


def test_nothing_is_lost_where_sizes_leave_the_grid():
    shares = np.zeros(len(GRID))
    shares[[0, -1]] = 0.5
    assert summary.scaled(shares, EDGES, 0.5).sum() == pytest.approx(1)
    assert summary.scaled(shares, EDGES, 2.0).sum() == pytest.approx(1)
    assert summary.scaled(shares, EDGES, 2.0)[-1] == pytest.approx(0.5)


def test_cumulative_is_the_inverse_of_quantile():
    rng = np.random.default_rng(1)
    shares = rng.random(240) ** 4
    q = np.linspace(0.01, 0.99, 50)
    assert np.allclose(summary.cumulative(shares, EDGES, summary.quantile(shares, EDGES, q)), q)


def test_cumulative_at_and_beyond_the_ends():
    shares = log_normal(120, 0.2)
    at = np.array([0.0, EDGES[0], EDGES[-1], 1e6])
    assert summary.cumulative(shares, EDGES, at).tolist() == [0, 0, 1, 1]
    # half-open: all of a bin lies below its upper edge, none below its lower
    one = np.zeros(240)
    one[100] = 3.0
    assert summary.cumulative(one, EDGES, EDGES[100:102]).tolist() == [0, 1]


def test_quantiles_skip_empty_bins():
    shares = np.zeros(240)
    shares[[50, 150]] = 0.5
    low, high = summary.quantile(shares, EDGES, np.array([0.25, 0.75]))
    assert low == pytest.approx(GRID[50])
    assert high == pytest.approx(GRID[150])


@pytest.mark.parametrize("median", [37.3, 100.0, 451.0])
def test_mode_lies_between_the_grid_points(median):
    # a Gaussian in ln d smoothed by another: the parabola of its logarithm is exact
    assert summary.mode(log_normal(median, 0.1), GRID) == pytest.approx(median, rel=1e-3)


def test_mode_at_the_end_of_the_grid():
    shares = np.zeros(240)
    shares[-1] = 1
    assert summary.mode(shares, GRID) == pytest.approx(3000)


def test_smoothing_keeps_the_total_away_from_the_ends():
    assert summary.smoothed(log_normal(100, 0.1), GRID).sum() == pytest.approx(1)


def test_one_peak_of_a_broad_population():
    assert len(summary.tops(log_normal(100, 0.5), GRID)) == 1


def test_two_peaks():
    shares = 0.3 * log_normal(100, 0.08) + 0.7 * log_normal(250, 0.08)
    places = summary.tops(shares, GRID)
    (first, rest), (second, most) = summary.peaks(shares, GRID, places)
    assert [first, second] == pytest.approx([100, 250], rel=2e-3)
    assert [rest, most] == pytest.approx([0.3, 0.7], abs=1e-3)
    low, high = summary.territories(shares, GRID, places)
    assert low[0] == 0
    assert low[1] == high[0]
    assert high[1] == len(GRID)
    assert summary.mode_within(shares, GRID, *low) == pytest.approx(100, rel=2e-3)


def test_a_small_part_is_no_peak():
    shares = 0.04 * log_normal(100, 0.08) + 0.96 * log_normal(250, 0.08)
    assert len(summary.tops(shares, GRID)) == 1
    shares = 0.06 * log_normal(100, 0.08) + 0.94 * log_normal(250, 0.08)
    assert len(summary.tops(shares, GRID)) == 2


def test_a_shallow_valley_divides_nothing():
    # Two equal Gaussians 2.2 sd apart, smoothing included: the valley is at 2 exp(-0.605)/(1 +
    # exp(-2.42)) > 0.8 of the tops; 4 sd apart it is at 0.27.
    sd = np.hypot(0.1, summary.MODE_SD)
    for apart, n in ((2.2, 1), (4.0, 2)):
        shares = log_normal(100, 0.1) + log_normal(100 * np.exp(apart * sd), 0.1)
        assert len(summary.tops(shares, GRID)) == n


def test_figures():
    found = summary.figures(7 * log_normal(100, 0.1), GRID, EDGES)
    d10, d90 = 100 * np.exp(0.1 * norm.ppf([0.1, 0.9]))
    assert found["mean_nm"] == pytest.approx(100 * np.exp(0.1**2 / 2), rel=1e-3)
    assert found["d50_nm"] == pytest.approx(100, rel=2e-3)
    assert found["span"] == pytest.approx((d90 - d10) / 100, rel=2e-2)


def test_systematic_error_is_the_sum_of_its_parts():
    parts = systematic.contributions(0.002, exposure_known=False)
    assert set(parts) == {"temperature", "viscosity", "pixel size", "frame rate", "exposure"}
    assert all(part > 0 for part in parts.values())
    total = np.sqrt(sum(part**2 for part in parts.values()))
    assert systematic.relative_error(0.002, exposure_known=False) == pytest.approx(total)
    assert systematic.contributions(0.002, exposure_known=True)["exposure"] == 0


def test_systematic_error():
    known = systematic.relative_error(0.002, exposure_known=True)
    unknown = systematic.relative_error(0.002, exposure_known=False)
    assert known == pytest.approx(np.sqrt(0.0135**2 + 0.002**2 + 0.01**2 + 0.001**2))
    # a shutter anywhere from shut to open: mean squared steps of 2/3 to 1, about 5/6
    assert np.sqrt(unknown**2 - known**2) == pytest.approx((1 / 3) / np.sqrt(12) / (5 / 6))
