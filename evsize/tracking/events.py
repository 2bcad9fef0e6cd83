"""Sudden events: scene cuts, stage jumps and pulses, found from the spots and their steps."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.stats import poisson

from evsize.tracking.field import FlowField

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

FALSE_ALARMS = 1e-3
"""Expected in a recording without any event."""
WINDOWS = (1, 2, 4, 8)
"""Lengths of sudden motion looked for, frames."""
CLIP = 3.0
"""Standardised steps count up to this: one wrong link is not a jump."""
FEWEST = 4
"""Steps in agreement that a sudden motion needs."""


def broken_intervals(
    frame: Ints, xy_um: Floats, field: FlowField, kernel_um: float, area_um2: float
) -> Ints:
    """Frames whose spots have no counterpart in the next, where the flow says they should be.

    The share of spots with a counterpart, usual over the recording, is held against the share
    that strewn spots have by chance.

    Parameters
    ----------
    frame : ndarray of int, (spots,), ascending
        Frame of each spot.
    xy_um : ndarray, (spots, 2)
        Positions, um.
    field : FlowField
        The flow, found before linking.
    kernel_um : float
        Spread of the particles' own steps along an axis, um.
    area_um2 : float
        Area of the image, um^2.
    """
    n_frames = len(field.per_frame_um)
    bounds = np.searchsorted(frame, np.arange(n_frames + 1))
    ahead = xy_um + field.over_step(frame, 1, xy_um)
    reach = 2.5 * kernel_um
    n, met, chance = (np.zeros(n_frames) for _ in range(3))
    for now in range(n_frames - 1):
        here, there = ahead[slice(*bounds[now : now + 2])], xy_um[slice(*bounds[now + 1 : now + 3])]
        if not len(here) or not len(there):
            continue
        n[now] = min(len(here), len(there))
        pairs = cKDTree(here).sparse_distance_matrix(cKDTree(there), reach, output_type="ndarray")
        met[now] = min(len(np.unique(pairs["i"])), len(np.unique(pairs["j"])))
        chance[now] = -math.expm1(-max(len(here), len(there)) * math.pi * reach**2 / area_um2)
    if not n.any():
        return np.zeros(0, np.int64)
    usual = float(np.clip(met.sum() / n.sum(), 0.0, 0.98))
    chance = np.clip(chance, 1e-6, 0.99)
    if usual <= chance.max():  # too crowded, or nothing but noise: nobody can tell
        return np.zeros(0, np.int64)
    evidence = met * np.log(chance / usual) + (n - met) * np.log((1 - chance) / (1 - usual))
    return np.flatnonzero(evidence > math.log(n_frames / FALSE_ALARMS))


def shared_displacement(
    here_um: Floats, there_um: Floats, kernel_um: float, area_um2: float
) -> Floats | None:
    """Displacement that most spots of one frame share on their way to the next.

    Parameters
    ----------
    here_um, there_um : ndarray, (spots, 2)
        Where the spots of the one would be without a jump, and those of the other, um.
    kernel_um : float
        Spread of the particles' own steps, um.
    area_um2 : float
        Area of the image, um^2.

    Returns
    -------
    ndarray, (2,), or None
        None where no displacement stands out from chance: the scenes have nothing in common.
    """
    moved = (there_um[None, :, :] - here_um[:, None, :]).reshape(-1, 2)
    reach = 2 * kernel_um
    tree = cKDTree(moved)
    agreeing = np.asarray(tree.query_ball_point(moved, reach, return_length=True))
    best = int(np.argmax(agreeing))
    by_chance = len(moved) * math.pi * reach**2 / area_um2
    trials = len(moved) + area_um2 / (math.pi * reach**2)
    if agreeing[best] < FEWEST or poisson.sf(agreeing[best] - 1, by_chance) * trials > FALSE_ALARMS:
        return None
    near = moved[tree.query_ball_point(moved[best], reach)]
    return np.asarray(np.median(near, axis=0))


def sudden_motion(
    frame: Ints, residual_um: Floats, sd_um: Floats, n_frames: int, blur: float
) -> Ints:
    """Frames from which to the next all particles moved together, beyond the smooth flow.

    Windows of several frames are looked at only where no single interval stands out: what is left
    of a jump when the flow was fitted across it would spread over its neighbours.

    Parameters
    ----------
    frame : ndarray of int, (steps,)
        Frame in which each step over one frame starts.
    residual_um : ndarray, (steps, 2)
        The steps, flow removed, um.
    sd_um : ndarray, (steps,)
        Standard deviation of each particle's own steps along an axis, um.
    n_frames : int
        Frames of the recording.
    blur : float
        R of Berglund: neighbouring steps of one particle correlate by up to R/(1 - 2R).

    Notes
    -----
    In each window of 1 to 8 frames the sum of the steps, standardised and clipped, is normal; its
    square over both axes exceeds 2 ln(trials/alarms) by chance `FALSE_ALARMS` times a recording.
    """
    unit = np.clip(residual_um / sd_um[:, None], -CLIP, CLIP)
    count: Floats = np.bincount(frame, minlength=n_frames).astype(np.float64)
    total = np.column_stack(
        [np.bincount(frame, u, minlength=n_frames).astype(np.float64) for u in unit.T]
    )
    limit = 2 * math.log(n_frames * len(WINDOWS) / FALSE_ALARMS)
    for length in WINDOWS:
        found = np.zeros(n_frames, bool)
        inflation = 1 + 2 * (1 - 1 / length) * blur / (1 - 2 * blur)
        sums = _moving_sum(total, length)
        numbers = _moving_sum(count[:, None], length)[:, 0]
        with np.errstate(invalid="ignore", divide="ignore"):
            square = (sums**2).sum(axis=1) / (numbers * inflation)
        for begin in np.flatnonzero((square > limit) & (numbers >= FEWEST * length)):
            # of a window, the frames that move its way
            part = slice(begin, begin + length)
            found[part] |= total[part] @ sums[begin] > 0.25 * (sums[begin] ** 2).sum() / length
        if found.any():
            return np.flatnonzero(found)
    return np.zeros(0, np.int64)


def _moving_sum(values: Floats, length: int) -> Floats:
    path = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    return np.asarray(path[length:] - path[:-length])


def runs(intervals: Ints) -> list[Ints]:
    """Group intervals that follow one another directly or with one between."""
    if not len(intervals):
        return []
    return np.split(intervals, np.flatnonzero(np.diff(intervals) > 2) + 1)
