"""Resampling of independent units: blocks of space and time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def blocks(x_um: Floats, y_um: Floats, t_s: Floats, side: int = 4, seconds: float = 10.0) -> Ints:
    """Assign each track to a block.

    One particle leaves many tracks, near each other in space and time; tracks are therefore no
    independent sample, but blocks of the image over some seconds nearly are.

    Parameters
    ----------
    x_um, y_um : ndarray, (tracks,)
        Mean position of each track, um.
    t_s : ndarray, (tracks,)
        Start of each track, s.
    side : int
        Blocks along each side of the image.
    seconds : float
        Length of a block, s.

    Returns
    -------
    ndarray of int, (tracks,)
        Block of each track, from 0 without holes.
    """
    if not len(x_um):
        return np.zeros(0, np.int64)

    def cell(values: Floats, n: int) -> Ints:
        low, width = values.min(), np.ptp(values)
        return np.asarray(np.minimum((values - low) / (width or 1) * n, n - 1), dtype=np.int64)

    n_times = max(1, round(float(np.ptp(t_s)) / seconds))
    label = (cell(t_s, n_times) * side + cell(x_um, side)) * side + cell(y_um, side)
    return np.asarray(np.unique(label, return_inverse=True)[1], dtype=np.int64)


def weights(block: Ints, base: Floats, n_resamples: int, rng: np.random.Generator) -> Floats:
    """Weights of the tracks in each bootstrap resample of blocks, (resamples, tracks)."""
    n_blocks = int(block.max()) + 1
    counts = rng.multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), size=n_resamples)
    return np.asarray(counts[:, block] * base)
