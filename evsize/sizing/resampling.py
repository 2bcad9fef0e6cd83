"""Resampling of independent units: as many tracks of one size as one particle leaves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def units(log_d: Floats, part: Floats, rng: np.random.Generator) -> Ints:
    """Put tracks of like size together, in each unit as many as one particle leaves.

    Parameters
    ----------
    log_d : ndarray, (tracks,)
        ln(diameter) of each track, drawn from what is known of it: tracks of one unit are of one
        size, but tell it with errors of their own.
    part : ndarray, (tracks,)
        Part that each track is of all that its particle leaves.
    rng : Generator
        Puts tracks of equal size in order.

    Returns
    -------
    ndarray of int, (tracks,)
        Unit of each track, from 0 without holes.

    Notes
    -----
    One particle leaves many tracks, so tracks are no independent sample, and those of small, fast
    particles cannot be joined again one by one. For the spread of a resampled figure it matters
    how much of it rests on one particle, not which tracks are whose: two particles are
    independent, whatever their sizes. So tracks that could be of one particle are put together at
    random, up to what one particle leaves.
    """
    order = np.lexsort((rng.random(len(log_d)), log_d))
    upto = np.cumsum(part[order])
    unit = np.empty(len(log_d), np.int64)
    unit[order] = np.floor(upto - part[order] / 2)
    return np.asarray(np.unique(unit, return_inverse=True)[1], np.int64)


def effective_number(unit: Ints, weights: Floats) -> float:
    """Number of equal units that the units amount to, weighing as much as their tracks."""
    total = np.bincount(unit, weights)
    return float(total.sum() ** 2 / (total**2).sum())


def weights(unit: Ints, n_resamples: int, rng: np.random.Generator) -> Floats:
    """How often each track is drawn in each resample of units, (resamples, tracks)."""
    n_units = int(unit.max()) + 1
    counts = rng.multinomial(n_units, np.full(n_units, 1 / n_units), size=n_resamples)
    return np.asarray(counts[:, unit], dtype=np.float64)
