"""Spots to tracks, around the positions that the flow predicts.

The assignment is the one that trackpy's linker makes, solved by scipy: the same input gives the
same tracks (trackpy's depend on object addresses), knots of any size are solved exactly, and
nothing slow needs to be imported.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def link(
    frame: Ints,
    xy_um: Floats,
    n_frames: int,
    radius_um: float,
    max_gap: int,
    *,
    ahead_um: Floats | None = None,
    cuts: NDArray[np.bool_] | None = None,
) -> Ints:
    """Number the track of each spot, as long as nothing is known of the particles.

    From frame to frame the links with the smallest sum of squared steps are chosen, an end or a
    beginning costing as much as a step of one search radius (Crocker & Grier, J. Colloid
    Interface Sci. 179, 298 (1996)), over a gap too: a wider radius would lose more to wrong links
    than it gains.

    Parameters
    ----------
    frame : ndarray of int, (spots,), ascending
        Frame of each spot.
    xy_um : ndarray, (spots, 2)
        Positions, um.
    n_frames : int
        Frames of the recording.
    radius_um : float
        Largest distance from the position predicted, um.
    max_gap : int
        Frames that a track may miss.
    ahead_um : ndarray, (max_gap + 1, spots, 2), optional
        How far the flow carries each spot over 1, 2, ... frames, um; none if left out.
    cuts : ndarray of bool, (n_frames,), optional
        Frames that show another scene than the one before: no track goes on.

    Returns
    -------
    ndarray of int, (spots,)
        Track of each spot, numbered by first appearance.
    """
    bounds = np.searchsorted(frame, np.arange(n_frames + 1))
    track = np.empty(len(frame), np.int64)
    n_tracks = 0
    alive = np.zeros(0, np.int64)  # last spot of every track that may go on
    for now, (first, last) in enumerate(pairwise(bounds)):
        new = np.arange(first, last)
        if cuts is not None and cuts[now]:
            alive = alive[:0]
        predicted = xy_um[alive]
        if ahead_um is not None:
            predicted = predicted + ahead_um[now - frame[alive] - 1, alive]
        sources, targets = assign(radius_um**2 - _square_distances(predicted, xy_um[new]))
        track[new[targets]] = track[alive[sources]]
        born = np.delete(new, targets)
        track[born] = n_tracks + np.arange(len(born))
        n_tracks += len(born)
        waiting = np.delete(alive, sources)
        alive = np.concatenate([waiting[now - frame[waiting] <= max_gap], new])
    return track


def assign(gain: Floats) -> tuple[Ints, Ints]:
    """Rows and columns of the pairs with the largest sum of gains, each of them above 0."""
    if not gain.size:
        empty = np.zeros(0, np.int64)
        return empty, empty
    rows, columns = linear_sum_assignment(-np.maximum(gain, 0.0))
    linked = gain[rows, columns] > 0
    return rows[linked], columns[linked]


def _square_distances(one_um: Floats, other_um: Floats) -> Floats:
    x, y = (one_um[:, axis, None] - other_um[:, axis] for axis in (0, 1))
    return np.asarray(x * x + y * y)


def ambiguous_share(frame: Ints, start_um: Floats, step_um: Floats, radius_um: float) -> float:
    """Expected share of links in which two neighbours were exchanged.

    For two links a -> b and c -> e the odds of the exchanged pair are
    exp(-(a - c).(b - e) / v) with v the variance of one axis's step.

    Parameters
    ----------
    frame : ndarray of int, (links,)
        Frame in which each link starts.
    start_um, step_um : ndarray, (links, 2)
        Start of each link and the step, flow removed, um.
    radius_um : float
        Largest step, um.
    """
    if len(frame) < 2:
        return 0.0
    variance = max(float((step_um**2).mean()), 1e-12)
    apart = frame[:, None] * (4 * radius_um)
    pairs = cKDTree(np.column_stack([start_um, apart])).query_pairs(
        2 * radius_um, output_type="ndarray"
    )
    a, c = pairs[:, 0], pairs[:, 1]
    end = start_um + step_um
    possible = (((end[c] - start_um[a]) ** 2).sum(axis=1) < radius_um**2) & (
        ((end[a] - start_um[c]) ** 2).sum(axis=1) < radius_um**2
    )
    a, c = a[possible], c[possible]
    exponent = ((start_um[a] - start_um[c]) * (end[a] - end[c])).sum(axis=1) / variance
    wrong = 1 / (1 + np.exp(np.clip(exponent, -50, 50)))
    return float(2 * wrong.sum() / len(frame))
