"""Resampling of independent units: as many tracks of one size as one particle leaves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evsize.physics import Conditions
from evsize.results import Likelihoods
from evsize.sizing import dwell

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def particle_units(
    likelihoods: Likelihoods,
    conditions: Conditions,
    posterior: Floats,
    log_d: Floats,
    rng: np.random.Generator,
) -> Ints:
    """Unit of each track of a recording: each as many tracks of one size as one particle leaves.

    Parameters
    ----------
    likelihoods : Likelihoods
        When and where the tracks begin and end; every track is a unit where that is not known.
    conditions : Conditions
        Frame interval, and what turns diameters into diffusion coefficients.
    posterior : ndarray, (tracks, sizes)
        What is known of the size of each track, as shares that sum to 1.
    log_d : ndarray, (sizes,)
        ln(diameter, nm), ascending.
    rng : Generator
        Draws a size for each track, and puts tracks of equal size in order.
    """
    start, end, last = likelihoods.start_um, likelihoods.end_um, likelihoods.last_frame
    if start is None or end is None or last is None:
        return np.arange(len(likelihoods.track_id))
    upto = np.cumsum(posterior, axis=1)
    drawn = log_d[(upto < rng.random(len(upto))[:, None] * upto[:, -1:]).sum(axis=1)]
    interval_s = conditions.frame_interval_s
    scale = conditions.stokes_einstein_um3_s * 1e3
    followed = dwell.Tracks(
        start,
        end,
        np.column_stack([likelihoods.x_um, likelihoods.y_um]),
        np.asarray(likelihoods.first_frame * interval_s, np.float64),
        np.asarray(last * interval_s, np.float64),
        scale / np.exp(posterior @ log_d),
    )
    whole = dwell.seconds_in_view(followed, interval_s, scale / np.exp(drawn)) / interval_s
    return units(drawn, likelihoods.n_positions / whole, rng)


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
