"""Spots to tracks, in coordinates that move with the flow.

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


def link(frame: Ints, xy_um: Floats, n_frames: int, radius_um: float, max_gap: int) -> Ints:
    """Number the track of each spot.

    From frame to frame the links with the smallest sum of squared steps are chosen, an end or a
    beginning costing as much as a step of one search radius (Crocker & Grier, J. Colloid
    Interface Sci. 179, 298 (1996)). Over a gap the radius stays the same: a wider one gains the
    rare long step and loses more to wrong links.

    Parameters
    ----------
    frame : ndarray of int, (spots,), ascending
        Frame of each spot.
    xy_um : ndarray, (spots, 2)
        Positions in coordinates that move with the flow, um.
    n_frames : int
        Frames of the recording.
    radius_um : float
        Largest step, um.
    max_gap : int
        Frames that a track may miss.

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
        sources, targets = _assign(alive, new, xy_um, radius_um)
        track[new[targets]] = track[alive[sources]]
        born = np.delete(new, targets)
        track[born] = n_tracks + np.arange(len(born))
        n_tracks += len(born)
        waiting = np.delete(alive, sources)
        alive = np.concatenate([waiting[now - frame[waiting] <= max_gap], new])
    return track


def _assign(alive: Ints, new: Ints, xy_um: Floats, radius_um: float) -> tuple[Ints, Ints]:
    """Pairs (position in `alive`, position in `new`) of the best assignment."""
    if not len(alive) or not len(new):
        empty = np.zeros(0, np.int64)
        return empty, empty
    square = ((xy_um[alive][:, None, :] - xy_um[new][None, :, :]) ** 2).sum(axis=2)
    gain = np.minimum(square - radius_um**2, 0.0)
    sources, targets = linear_sum_assignment(gain)
    linked = gain[sources, targets] < 0
    return sources[linked], targets[linked]


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


def border_cuts(
    track: Ints, xy_um: Floats, size_um: tuple[float, float], border_um: float
) -> tuple[Ints, NDArray[np.bool_]]:
    """End tracks where they enter the border of the image, and start anew where they leave it.

    Near the border a particle stays in view only if it happens to step inwards; the steps seen
    there are too small on average (D falls by 0.8 step / image side). Whether a step counts may
    therefore depend on where it starts, and never on where it ends.

    Parameters
    ----------
    track : ndarray of int, (spots,)
        Track of each spot, sorted by track, then frame.
    xy_um : ndarray, (spots, 2)
        Positions in the image, um.
    size_um : (float, float)
        Width and height of the image, um.
    border_um : float
        Width of the border, um.

    Returns
    -------
    track : ndarray of int, (spots,)
        New numbers: a track that crosses the border is several.
    keep : ndarray of bool, (spots,)
        False where a spot belongs to no step that starts inside.
    """
    high = np.asarray(size_um) - border_um
    inside = np.all((xy_um >= border_um) & (xy_um <= high), axis=1)
    same = np.concatenate([[False], track[1:] == track[:-1]])[: len(track)]
    came_from_inside = np.concatenate([[False], inside[:-1]])[: len(track)] & same
    keep = inside | came_from_inside
    starts = ~same | (inside & ~came_from_inside)
    return np.cumsum(starts).astype(np.int64), keep


def in_company(frame: Ints, xy_um: Floats, reach_um: float) -> NDArray[np.bool_]:
    """Spots with another one within `reach_um` in the same frame.

    Spots that overlap pull at each other's position, and two particles that meet may be
    exchanged. Leaving such positions out asks nothing of the particle's own steps, and so does not
    choose among them.
    """
    result = np.zeros(len(frame), bool)
    if reach_um <= 0 or len(frame) < 2:
        return result
    apart = frame[:, None] * (4 * reach_um)
    pairs = cKDTree(np.column_stack([xy_um, apart])).query_pairs(reach_um, output_type="ndarray")
    result[pairs.ravel()] = True
    return result


def split(track: Ints, frame: Ints, longest_span: int) -> Ints:
    """Number anew the tracks (sorted) that are missing for longer than `longest_span` frames."""
    if not len(track):
        return track
    new = (np.diff(track) != 0) | (np.diff(frame) > longest_span)
    return np.concatenate([[0], np.cumsum(new)]).astype(np.int64)


def drop_weak_starts(track: Ints, weak: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep each track from its first strong spot on; weak spots only continue tracks.

    Parameters
    ----------
    track : ndarray of int, (spots,)
        Track of each spot, sorted by track, then frame.
    weak : ndarray of bool, (spots,)

    Returns
    -------
    ndarray of bool, (spots,)
        Spots to keep.
    """
    if not len(track):
        return np.zeros(0, bool)
    start = np.concatenate([[True], track[1:] != track[:-1]])
    strong_so_far = np.cumsum(~weak)
    before: Ints = (strong_so_far - ~weak)[start]
    owner = np.cumsum(start) - 1
    return np.asarray(strong_so_far - before[owner] > 0)
