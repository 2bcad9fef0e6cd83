"""Mixture of sizes that explains the likelihoods of all tracks, by expectation-maximisation.

Walker, Meas. Sci. Technol. 23, 065605 (2012); Silmore et al., ACS Nano 13, 3940 (2019).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def relative_likelihood(log_likelihood: Floats) -> Floats:
    """Likelihoods scaled to 1 at each track's best size: constants a track do not matter."""
    return np.asarray(np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True)))


def fit(
    likelihood: Floats,
    weights: Floats,
    *,
    start: Floats | None = None,
    tolerance: float = 1e-6,
    max_iterations: int = 1000,
) -> tuple[Floats, int]:
    """Maximise sum_tracks w log sum_sizes p L for one or many sets of weights at once.

    Parameters
    ----------
    likelihood : ndarray, (tracks, sizes)
        From `relative_likelihood`.
    weights : ndarray, (sets, tracks)
        Weight of each track in each set; a row a resample.
    start : ndarray, (sizes,), optional
        Shares to start from; equal shares by default.
    tolerance : float
        Stop when no set gains more than this in mean log-likelihood over an iteration.
    max_iterations : int
        Stop after so many iterations in any case.

    Returns
    -------
    shares : ndarray, (sets, sizes)
        Each row sums to 1.
    iterations : int
        Iterations done.
    """
    n_sets, n_sizes = len(weights), likelihood.shape[1]
    weights = weights / weights.sum(axis=1, keepdims=True)
    first = np.full(n_sizes, 1 / n_sizes) if start is None else start
    shares = np.repeat(first[None], n_sets, axis=0)
    before = np.full(n_sets, -np.inf)
    for iteration in range(1, max_iterations + 1):
        mixed = np.maximum(shares @ likelihood.T, 1e-300)
        now = (weights * np.log(mixed)).sum(axis=1)
        shares = shares * ((weights / mixed) @ likelihood)
        shares /= shares.sum(axis=1, keepdims=True)
        if np.all(now - before < tolerance):
            return shares, iteration
        before = now
    return shares, max_iterations
