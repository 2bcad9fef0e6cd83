"""Evidence that two peaks are two: against every distribution that has one peak in their place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

Floats = NDArray[np.float64]

N_MODES = 12
"""Places tried for the one peak."""
ENOUGH = 0.02
"""Gain in log-likelihood at which a fit has converged."""


def gain(
    likelihood: Floats, counts: Floats, first: int, second: int, others: Sequence[int] = ()
) -> tuple[float, Floats]:
    """Log-likelihood that a second peak gains over the best distribution with one.

    Parameters
    ----------
    likelihood : ndarray, (groups, sizes)
        Likelihood of each size for each group of tracks.
    counts : ndarray, (groups,)
        Tracks in each group.
    first, second : int
        Sizes at which the two peaks stand, `first` < `second`.
    others : sequence of int
        Sizes at which further peaks stand, granted to both.

    Returns
    -------
    total : float
        Gain in log-likelihood, 0 or more.
    each : ndarray, (groups,)
        Gain of a track of each group.

    Notes
    -----
    A distribution with one peak at m is a mixture of even ones that reach from m to either side
    (Khinchin); with two peaks, of those around either. Both are fitted by maximum likelihood
    without any smoothness, so a skewed or flat-topped population is no evidence for two. Mixing
    weights by the constrained Newton method of Wang, J. R. Stat. Soc. B 69, 185 (2007).
    """
    sums = np.concatenate([np.zeros((len(likelihood), 1)), np.cumsum(likelihood, axis=1)], axis=1)
    places = np.unique(np.linspace(first, second, N_MODES).round().astype(int))
    granted = [_around(sums, other) for other in others]
    one = [_fit([_around(sums, int(place)), *granted], counts) for place in places]
    best = max(one, key=lambda mixed: float(counts @ np.log(mixed)))
    two = _fit([_around(sums, first), _around(sums, second), *granted], counts)
    each = np.log(two) - np.log(best)
    return max(float(counts @ each), 0.0), each


def _around(sums: Floats, mode: int) -> Floats:
    """Likelihoods (groups, 2 sizes) of even distributions from `mode` down and up to each size."""
    n_sizes = sums.shape[1] - 1
    low, high = np.arange(mode + 1), np.arange(mode + 1, n_sizes + 1)
    down = (sums[:, [mode + 1]] - sums[:, low]) / (mode + 1 - low)
    up = (sums[:, high] - sums[:, [mode]]) / (high - mode)
    return np.column_stack([down, up])


def _fit(blocks: Sequence[Floats], counts: Floats) -> Floats:
    """Likelihood (groups,) of each track under the best mixture of all columns."""
    parts = np.maximum(np.column_stack(blocks), 1e-300)
    root = np.sqrt(counts)
    heavy = np.sqrt(counts.sum()) * 1e2  # shares sum to 1
    shares = np.full(parts.shape[1], 1 / parts.shape[1])
    for _ in range(5):
        shares = shares * (parts.T @ (counts / (parts @ shares))) / counts.sum()
    mixed = np.maximum(parts @ shares, 1e-300)
    value = float(counts @ np.log(mixed))
    for _ in range(50):
        scaled = parts / mixed[:, None]
        use = np.flatnonzero((shares > 1e-9) | (counts @ scaled > counts.sum() * 0.999))
        matrix = np.vstack([root[:, None] * scaled[:, use], np.full((1, len(use)), heavy)])
        wanted = nnls(matrix, np.append(2 * root, heavy))[0]
        target = np.zeros_like(shares)
        target[use] = wanted / wanted.sum()
        step, gained = 1.0, 0.0
        while step > 1e-3:
            tried = np.maximum(parts @ (shares + step * (target - shares)), 1e-300)
            gained = float(counts @ np.log(tried)) - value
            if gained > 0:
                break
            step /= 2
        if gained <= 0:
            break
        shares = shares + step * (target - shares)
        mixed, value = tried, value + gained
        if gained < ENOUGH:
            break
    return np.asarray(mixed)
