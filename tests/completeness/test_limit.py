"""The detection limit from counts whose expectation is known."""

from __future__ import annotations

import numpy as np
import pytest

from evsize.completeness.limit import half_recovered


def test_half_recovered_is_where_half_is_recovered():
    rng = np.random.default_rng(1)
    log_d = rng.uniform(np.log(50), np.log(200), 400)
    looked = rng.integers(0, 30, 400).astype(float)
    share = 1 / (1 + np.exp(-18 * (log_d - np.log(83))))
    found = half_recovered(log_d, rng.binomial(looked.astype(int), share).astype(float), looked)
    assert found is not None
    at, error = found
    assert abs(at - np.log(83)) < 4 * error
    assert error < 0.02


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_no_limit_where_all_or_nothing_is_found(share):
    log_d = np.linspace(4, 6, 200)
    assert half_recovered(log_d, np.full(200, 20 * share), np.full(200, 20.0)) is None


def test_what_is_hidden_far_from_the_limit_does_not_move_it():
    rng = np.random.default_rng(3)
    log_d = rng.uniform(np.log(50), np.log(300), 80)
    looked = np.full(80, 10.0)
    share = 1 / (1 + np.exp(-18 * (log_d - np.log(83))))
    recovered = rng.binomial(10, share).astype(float)
    before = half_recovered(log_d, recovered, looked)
    # one of 230 nm stays next to another for half of the hundred frames it is in focus
    after = half_recovered(
        np.append(log_d, np.log(230)), np.append(recovered, 50.0), np.append(looked, 100.0)
    )
    assert before is not None
    assert after is not None
    assert abs(before[0] - np.log(83)) < 4 * before[1]
    assert abs(after[0] - before[0]) < 0.1 * before[1]


@pytest.mark.parametrize("log_odds", [-2.2, 2.2])
def test_a_curve_that_hardly_rises_is_no_error(log_odds):
    log_d = np.linspace(np.log(50), np.log(300), 400)
    # half would be found twenty e-foldings away from all sizes laid on
    share = 1 / (1 + np.exp(-(log_odds + 0.1 * (log_d - log_d.mean()))))
    found = half_recovered(log_d, 1000 * share, np.full(400, 1000.0))
    assert found is None or np.isfinite(found).all()
