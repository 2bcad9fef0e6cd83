"""Which of the injected particles were found again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def match(
    frame: Ints,
    xy_px: Floats,
    injected_px: Floats,
    original_frame: Ints,
    original_px: Floats,
    reach_px: Floats,
) -> Ints:
    """Injected particle of each spot, -1 for none.

    Parameters
    ----------
    frame : ndarray of int, (spots,)
        Frame of each spot, from 0.
    xy_px : ndarray, (spots, 2)
        Their positions.
    injected_px : ndarray, (frames, n, 2)
        True mean positions.
    original_frame, original_px : ndarray, (m,), (m, 2)
        Spots of the frames as they were: a spot nearer to one of these is none of ours.
    reach_px : ndarray, (n,)
        How far from its true place a particle may be found.

    Returns
    -------
    ndarray of int, (spots,)
        One-to-one in each frame: the nearest spot is a particle's own.
    """
    n_frames, n = injected_px.shape[:2]
    if not len(frame):
        return np.full(0, -1, np.int64)
    # all frames at once: they are laid so far apart that none reaches the next
    apart = 10 * float(reach_px.max()) + 1e5
    number = np.repeat(np.arange(n_frames), n)
    truth = np.column_stack([injected_px.reshape(-1, 2), number * apart])
    spots = np.column_stack([xy_px, frame * apart])
    distance, found = cKDTree(truth).query(spots)
    nearest: Ints = np.asarray(found, np.int64)
    which = nearest % n
    good = distance < reach_px[which]
    if len(original_frame):
        before = np.column_stack([original_px, original_frame * apart])
        good &= cKDTree(before).query(spots)[0] > distance
    # nearest first, then the first spot of each particle and frame
    order = np.argsort(distance, kind="stable")
    order = order[good[order]]
    first = np.unique(nearest[order], return_index=True)[1]
    owner = np.full(len(frame), -1, np.int64)
    owner[order[first]] = which[order[first]]
    return owner
