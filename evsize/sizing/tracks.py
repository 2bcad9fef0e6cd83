"""The diameter of each track on its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HALF_WIDTH = 1.9207
"""Fall of the log-likelihood at the ends of a 95 % interval (chi-square, 1 degree of freedom)."""


def best_and_interval(log_likelihood: Floats, grid: Floats) -> tuple[Floats, Floats, Floats]:
    """Maximum-likelihood value and likelihood-ratio interval of each track.

    Parameters
    ----------
    log_likelihood : ndarray, (tracks, g)
        On the grid.
    grid : ndarray, (g,)
        Logarithmic grid of diameters, ascending.

    Returns
    -------
    best, low, high : ndarray, (tracks,)
        On the grid's scale; an interval that reaches the end of the grid ends there.
    """
    n_grid = len(grid)
    log_grid = np.log(grid)
    step = log_grid[1] - log_grid[0]
    rows = np.arange(len(log_likelihood))
    top = log_likelihood.argmax(axis=1) if len(rows) else np.zeros(0, int)
    peak = log_likelihood[rows, top]
    inner = (top > 0) & (top < n_grid - 1)
    left = log_likelihood[rows, np.maximum(top - 1, 0)]
    right = log_likelihood[rows, np.minimum(top + 1, n_grid - 1)]
    curvature = left - 2 * peak + right
    bent = inner & (curvature < 0)
    shift = np.where(bent, 0.5 * (left - right) / np.where(bent, curvature, 1.0), 0.0)
    height = peak - np.where(bent, 0.25 * (left - right) * shift, 0.0)
    best = log_grid[top] + shift * step
    inside = log_likelihood >= (height - HALF_WIDTH)[:, None]
    first = inside.argmax(axis=1) if len(rows) else np.zeros(0, int)
    last = n_grid - 1 - inside[:, ::-1].argmax(axis=1) if len(rows) else np.zeros(0, int)
    low = _crossing(log_likelihood, log_grid, rows, first, -1, height - HALF_WIDTH)
    high = _crossing(log_likelihood, log_grid, rows, last, 1, height - HALF_WIDTH)
    return np.exp(best), np.exp(np.minimum(low, best)), np.exp(np.maximum(high, best))


def _crossing(
    log_likelihood: Floats,
    log_grid: Floats,
    rows: NDArray[np.int64],
    end: NDArray[np.int64],
    direction: int,
    level: Floats,
) -> Floats:
    outside = np.clip(end + direction, 0, len(log_grid) - 1)
    here, there = log_likelihood[rows, end], log_likelihood[rows, outside]
    fall = np.maximum(here - there, 1e-12)
    share = np.clip((here - level) / fall, 0, 1)
    return np.asarray(log_grid[end] + share * (log_grid[outside] - log_grid[end]))
