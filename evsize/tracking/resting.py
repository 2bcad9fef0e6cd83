"""Spots that stay where they are for longer than any particle would: dust, stuck particles."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

REACH_PX = 1.5
"""Spots this near each other in different frames may be the same resting thing."""
COVERED = 0.8
"""Share of a stretch of frames in which a resting thing is seen, at least."""
STAYS = 6.0
"""Stretch in units of reach^2/D. Of Brownian particles 0.02 % spend 80 % of it within reach of
where they were at its begin, middle or end (20,000 simulated; 1.6 % where it is 3 units), more
where they are seen less than ten times a unit."""
SHORTEST = 50
WIDER = 3.0
"""What is within so many reaches of a resting thing belongs to it, or is disturbed by it."""
LARGEST_NM = 3000.0
"""Diameter of the slowest particle that must not be taken for one at rest."""


def stretch_frames(reach_um: float, slowest_um2_s: float, interval_s: float) -> int:
    """Frames over which hardly any particle stays within reach.

    Parameters
    ----------
    reach_um : float
        Radius of a place, um.
    slowest_um2_s : float
        Diffusion coefficient of the slowest particle, um^2/s.
    interval_s : float
        Time from frame to frame, s.
    """
    return max(SHORTEST, math.ceil(STAYS * reach_um**2 / slowest_um2_s / interval_s))


def resting(frame: Ints, xy_um: Floats, reach_um: float, stretch: int) -> Bools:
    """Spots at, or close to, places where something is seen in most frames of a stretch.

    Leaving a place out asks nothing of the steps of the particles that pass it.

    Parameters
    ----------
    frame : ndarray of int, (spots,), ascending
        Frame of each spot.
    xy_um : ndarray, (spots, 2)
        Positions in the image, um.
    reach_um : float
        Size of a place, um.
    stretch : int
        Frames, from `stretch_frames`; the stretch ends, begins or has its middle at the spot.
    """
    result = np.zeros(len(frame), bool)
    if len(frame) < COVERED * stretch:
        return result
    tree = cKDTree(xy_um)
    count = np.asarray(tree.query_ball_point(xy_um, reach_um, return_length=True))
    for spot in np.flatnonzero(count >= COVERED * stretch):
        seen = np.unique(frame[tree.query_ball_point(xy_um[spot], reach_um)])
        now = frame[spot]
        begins = np.array([now - stretch + 1, now - stretch // 2, now])
        inside = np.searchsorted(seen, begins + stretch) - np.searchsorted(seen, begins)
        result[spot] = inside.max() >= COVERED * stretch
    if not result.any():
        return result
    slow = frame[:, None] * (WIDER * reach_um / stretch)
    places = np.column_stack([xy_um, slow])
    return np.asarray(cKDTree(places[result]).query(places)[0] <= WIDER * reach_um)
