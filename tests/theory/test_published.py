"""Closed forms of the papers, reproduced from simulated trajectories.

The papers' own tables could not be consulted; what is reproduced are the equations that their
figures draw, and for Walker 2012, whose numbers could not be confirmed, the elementary law of the
single-track estimates that any such deconvolution undoes.
"""

from __future__ import annotations

import numpy as np
import pytest

from evsize.diffusion import covariance, segments
from evsize.simulation import simulate_tracks
from tests.theory import sine_transform
from tests.theory.brownian import conditions, information, tracks_of

D = 1.0
DT = 0.04


@pytest.mark.parametrize("n_steps", [20, 100])
@pytest.mark.parametrize(("exposure", "noise_um"), [(0.0, 0.05), (1.0, 0.2), (0.5, 0.3)])
def test_variance_of_the_covariance_estimator(n_steps, exposure, noise_um):
    """Vestergaard, Blainey & Flyvbjerg 2014: with e = s2/(D dt) - 2R, N steps of one axis,

    var(D)/D^2 = (6 + 4 e + 2 e^2)/N + 4 (1 + e)^2/N^2.

    Terms of order 1/N^2 depend on how the mean over N - 1 products is taken: 1 % at N = 100. The
    variance of 20,000 estimates is known to sqrt((2 + 12/N)/20000) = 1.2 %.
    """
    n_tracks = 10_000
    xy = simulate_tracks(
        D, n_steps + 1, DT, exposure, noise_um, np.random.default_rng(5), n_tracks=n_tracks
    )
    table = tracks_of(xy).table
    steps = np.diff(xy, axis=1)
    squares = (steps**2).mean(axis=1)
    products = (steps[:, 1:] * steps[:, :-1]).mean(axis=1)
    d, _ = covariance.from_moments(squares, products, DT, conditions(exposure).blur)
    e = noise_um**2 / (D * DT) - exposure / 3
    expected = (6 + 4 * e + 2 * e**2) / n_steps + 4 * (1 + e) ** 2 / n_steps**2
    error = np.sqrt((2 + 12 / n_steps) / (2 * n_tracks))
    assert d.var() / D**2 == pytest.approx(expected, rel=4 * error + 1 / n_steps)
    # and the package's own moments are the same, averaged over the axes
    cut = segments.cut(
        table["track_id"].to_numpy(), table["frame"].to_numpy(), table[["x_um", "y_um"]].to_numpy()
    )
    assert np.allclose(segments.track_moments(cut)[0], squares.mean(axis=1))


@pytest.mark.parametrize("x", [0.05, 0.5, 3.0])
def test_bound_with_noise_unknown(x):
    """Michalet & Berglund 2012: without blur, long tracks of N steps, x = s2/(D dt),

    sd(D)/D = sqrt(2/N) sqrt(1 + 2 sqrt(1 + 2x)), to order 1/sqrt(N).
    """
    n_steps = 4000
    fisher = information(D, x * D * DT, n_steps, DT, 0.0)
    bound = np.sqrt(np.linalg.inv(fisher)[0, 0]) / D
    expected = np.sqrt(2 / n_steps) * np.sqrt(1 + 2 * np.sqrt(1 + 2 * x))
    assert bound == pytest.approx(expected, rel=2 / np.sqrt(n_steps))


def test_law_of_single_track_estimates():
    """Without noise and blur D of n steps of two axes is a sum of 2n squared normals.

    That is gamma with shape n: its relative spread is 1/sqrt(n), the mean of 1/D is
    larger by n/(n - 1). Of 20,000 tracks the spread is known to 0.6 %.
    """
    n_steps, n_tracks = 12, 20_000
    xy = simulate_tracks(D, n_steps + 1, DT, 0.0, 0.0, np.random.default_rng(6), n_tracks=n_tracks)
    power = sine_transform.step_power(np.diff(xy, axis=1))
    best = power.sum(axis=1) / (4 * DT * n_steps)
    error = np.sqrt((2 + 6 / n_steps) / (4 * n_tracks))
    assert best.std() / D == pytest.approx(1 / np.sqrt(n_steps), rel=4 * error)
    inverse = (D / best).mean()
    assert inverse == pytest.approx(n_steps / (n_steps - 1), rel=4 / np.sqrt(n_steps * n_tracks))
