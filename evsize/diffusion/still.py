"""Tracks of what does not move: dust, hot pixels, stuck particles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_POSITIONS = 11


def stationary(
    seen_um: Floats,
    carried_um: Floats,
    start: Ints,
    loc_var_um2: Floats,
    log_l: Floats,
    d_um2_s: Floats,
) -> NDArray[np.bool_]:
    """Tracks that stay within their localisation error.

    Parameters
    ----------
    seen_um, carried_um : ndarray, (positions, 2)
        Positions as seen, and less the flow.
    start : ndarray of int, (tracks + 1,)
        First position of each track, and the end of the last.
    loc_var_um2 : ndarray, (tracks,)
        Localisation variance, um^2.
    log_l : ndarray, (tracks, g)
        Log-likelihoods.
    d_um2_s : ndarray, (g,)
        Their diffusion coefficients, um^2/s.

    Notes
    -----
    Of eleven positions or more, which scatter by less than twice the localisation error. Either
    they do so less the flow, and the slowest diffusion coefficient fits best; or as they are
    seen, while less the flow they scatter by twice the variance and more: then it is the flow
    that was not there, and what stays would seem to move.
    """
    seen, carried = (_variance_um2(xy, start) for xy in (seen_um, carried_um))
    most = 4 * loc_var_um2
    slowest = np.argmax(log_l, axis=1) == np.argmin(d_um2_s) if len(log_l) else seen > 0
    stays = (slowest & (carried < most)) | ((seen < most) & (seen < 0.5 * carried))
    return np.asarray((np.diff(start) >= LEAST_POSITIONS) & stays)


def _variance_um2(xy_um: Floats, start: Ints) -> Floats:
    """Variance of each track's positions, mean of both axes, um^2."""
    if len(start) < 2:
        return np.zeros(0)
    count = np.diff(start)
    centre = np.add.reduceat(xy_um, start[:-1]) / count[:, None]
    square = np.square(xy_um - np.repeat(centre, count, axis=0)).mean(axis=1)
    return np.asarray(np.add.reduceat(square, start[:-1]) / count)
