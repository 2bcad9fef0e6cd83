"""Spots to tracks with trackpy's linker, in coordinates that move with the flow."""

from __future__ import annotations

import logging
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def link(frame: Ints, xy_um: Floats, n_frames: int, radius_um: float, max_gap: int) -> Ints:
    """Number the track of each spot.

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
        Track of each spot. Crocker & Grier, J. Colloid Interface Sci. 179, 298 (1996), as
        implemented by trackpy; knots of more than 15 spots are linked with a smaller radius.
    """
    from trackpy.linking import link_iter  # noqa: PLC0415 (2.4 s; only here)

    logging.getLogger("trackpy").setLevel(logging.WARNING)
    bounds = np.searchsorted(frame, np.arange(n_frames + 1))
    levels = [xy_um[a:b] for a, b in pairwise(bounds)]
    ids = [
        np.asarray(numbers, dtype=np.int64)
        for _, numbers in link_iter(
            levels, radius_um, memory=max_gap, adaptive_stop=radius_um / 20, adaptive_step=0.9
        )
    ]
    return np.concatenate(ids) if ids else np.zeros(0, np.int64)


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
