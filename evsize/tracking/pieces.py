"""Which positions of a linked track count, and where it is cut into pieces.

Whether a step counts may depend on where it starts and on the other particles, never on where it
ends: choosing among steps by their length changes D.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def drop_weak_starts(track: Ints, weak: Bools) -> Bools:
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


def in_company(frame: Ints, xy_um: Floats, reach_um: float) -> Bools:
    """Spots with another one within `reach_um` in the same frame."""
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


def inside_border(xy_um: Floats, size_um: tuple[float, float], border_um: float) -> Bools:
    """Spots at least `border_um` from the sides of an image of `size_um`.

    Near the border a particle stays in view only if it happens to step inwards; the steps seen
    there are too small on average (D falls by 0.8 step / image side).
    """
    high = np.asarray(size_um) - border_um
    return np.asarray(np.all((xy_um >= border_um) & (xy_um <= high), axis=1))


def cut_where_not(track: Ints, good: Bools) -> tuple[Ints, Bools]:
    """End tracks at the first spot that is not good, and start anew at the next that is.

    The step that ends at a spot which is not good still counts; the one that starts there does
    not.

    Parameters
    ----------
    track : ndarray of int, (spots,)
        Track of each spot, sorted by track, then frame.
    good : ndarray of bool, (spots,)
        Spots from which a step may start.

    Returns
    -------
    track : ndarray of int, (spots,)
        New numbers: a track that is cut is several.
    keep : ndarray of bool, (spots,)
        False where a spot belongs to no step that counts.
    """
    same = np.concatenate([[False], track[1:] == track[:-1]])[: len(track)]
    after_good = np.concatenate([[False], good[:-1]])[: len(track)] & same
    starts = ~same | (good & ~after_good)
    return np.cumsum(starts).astype(np.int64), good | after_good
