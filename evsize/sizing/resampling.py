"""Resampling of independent units: the particles, as far as their tracks can be joined again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REACH = 3.0
"""How far a particle may have moved between two of its tracks, in standard deviations."""
RETURNS = 1.5
"""A particle that diffuses out of the light sheet comes back after a time t with a density that
falls as t^-1.5, as all first returns of Brownian motion do."""


def particles(
    start_um: Floats,
    end_um: Floats,
    start_s: Floats,
    end_s: Floats,
    d_um2_s: Floats,
    kind: Ints,
    log_same_size: Floats,
) -> Ints:
    """Join the tracks that one particle may have left.

    One particle leaves many tracks, so tracks are no independent sample. Each track is joined to
    the earlier track that it most likely continues: by the distance that a particle diffuses in
    the time between, the time itself, and how well the two sizes agree. Tracks joined wrongly do
    little harm to the spread of a resampled figure, for two particles are independent; those
    missed make it too small. So every track that has an earlier one within reach is joined, and
    several may be joined to one.

    Parameters
    ----------
    start_um, end_um : ndarray, (tracks, 2)
        First and last position, moving with the flow, um.
    start_s, end_s : ndarray, (tracks,)
        Their times, s.
    d_um2_s : ndarray, (tracks,)
        Diffusion coefficient to expect of each track, um^2/s.
    kind : ndarray of int, (tracks,)
        Row of each track in `log_same_size`.
    log_same_size : ndarray, (kinds, kinds)
        Logarithm of the odds, from the sizes alone, that two tracks are of one particle.

    Returns
    -------
    ndarray of int, (tracks,)
        Particle of each track, from 0 without holes.
    """
    by_end = np.argsort(end_s, kind="stable")
    sorted_end = end_s[by_end]
    particle = np.arange(len(start_s))
    for track in np.argsort(start_s, kind="stable"):
        before = by_end[: np.searchsorted(sorted_end, start_s[track], side="left")]
        gap = start_s[track] - end_s[before]
        variance = (d_um2_s[track] + d_um2_s[before]) * gap  # 2 D t of one axis, D the mean of both
        square = ((start_um[track] - end_um[before]) ** 2).sum(axis=1) / variance
        near = np.flatnonzero(square < REACH**2)
        if len(near):
            before = before[near]
            odds = log_same_size[kind[track], kind[before]] - square[near] / 2
            odds -= np.log(variance[near]) + RETURNS * np.log(gap[near])
            particle[track] = particle[before[np.argmax(odds)]]
    return np.asarray(np.unique(particle, return_inverse=True)[1], np.int64)


def effective_number(unit: Ints, weights: Floats) -> float:
    """Number of equal units that the units amount to, weighing as much as their tracks."""
    total = np.bincount(unit, weights)
    return float(total.sum() ** 2 / (total**2).sum())


def weights(unit: Ints, n_resamples: int, rng: np.random.Generator) -> Floats:
    """How often each track is drawn in each resample of units, (resamples, tracks)."""
    n_units = int(unit.max()) + 1
    counts = rng.multinomial(n_units, np.full(n_units, 1 / n_units), size=n_resamples)
    return np.asarray(counts[:, unit], dtype=np.float64)
