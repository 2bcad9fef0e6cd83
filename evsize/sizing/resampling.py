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
SUCCESSORS = 20
"""Later tracks that are kept in mind for each track."""


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
    at most one earlier and one later track, the likeliest pairs first: by the distance that a
    particle diffuses in the time between, the time itself, and how well the two sizes agree. A
    pair joined wrongly does no harm to the spread of a resampled figure, for two particles are
    independent; a pair missed makes it too small. So everything within reach is joined.

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
    order = np.argsort(start_s, kind="stable")
    sorted_start = start_s[order]
    earlier, later, score = [], [], []
    for track in range(len(order)):
        after = order[np.searchsorted(sorted_start, end_s[track], side="right") :]
        gap = start_s[after] - end_s[track]
        variance = (d_um2_s[track] + d_um2_s[after]) * gap  # 2 D t of one axis, D the mean of both
        square = ((start_um[after] - end_um[track]) ** 2).sum(axis=1) / variance
        near = np.flatnonzero(square < REACH**2)
        if not len(near):
            continue
        after = after[near]
        odds = log_same_size[kind[track], kind[after]] - square[near] / 2
        odds -= np.log(variance[near]) + RETURNS * np.log(gap[near])
        best = np.argsort(-odds, kind="stable")[:SUCCESSORS]
        earlier.append(np.full(len(best), track))
        later.append(after[best])
        score.append(odds[best])
    if not score:
        return np.arange(len(order))
    return _chains(
        np.concatenate(earlier), np.concatenate(later), np.concatenate(score), len(order)
    )


def _chains(earlier: Ints, later: Ints, score: Floats, n_tracks: int) -> Ints:
    following, followed = np.full(n_tracks, -1), np.zeros(n_tracks, bool)
    for pair in np.argsort(-score, kind="stable"):
        one, other = earlier[pair], later[pair]
        if following[one] < 0 and not followed[other]:
            following[one], followed[other] = other, True
    particle = np.full(n_tracks, -1, np.int64)
    for number, first in enumerate(np.flatnonzero(~followed)):
        track = int(first)
        while track >= 0:
            particle[track] = number
            track = int(following[track])
    return particle


def effective_number(unit: Ints, weights: Floats) -> float:
    """Number of equal units that the units amount to, weighing as much as their tracks."""
    total = np.bincount(unit, weights)
    return float(total.sum() ** 2 / (total**2).sum())


def weights(unit: Ints, n_resamples: int, rng: np.random.Generator) -> Floats:
    """How often each track is drawn in each resample of units, (resamples, tracks)."""
    n_units = int(unit.max()) + 1
    counts = rng.multinomial(n_units, np.full(n_units, 1 / n_units), size=n_resamples)
    return np.asarray(counts[:, unit], dtype=np.float64)
