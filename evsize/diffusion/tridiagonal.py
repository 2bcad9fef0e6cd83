"""Likelihood of the diffusion coefficient of tracks, each position with its own localisation error.

Berglund, Phys. Rev. E 82, 011917 (2010), without his assumption that every position of a track is
known equally well: a track ends where its particle leaves the focus, so its last positions are its
worst, and their error, taken for a mean one, looks like diffusion.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from evsize.diffusion.sight import Moments

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def log_likelihood(
    step_um: Floats,
    span: Ints,
    start: Ints,
    loc_var_um2: Floats,
    d_um2_s: Floats,
    interval_s: float,
    blur: float,
    paths: Moments | None = None,
    sure: NDArray[np.bool_] | None = None,
) -> Floats:
    """Log-likelihood of each diffusion coefficient for every track.

    The steps between the positions seen have a tridiagonal covariance: a step over m frames
    between positions a and b has the variance 2 D dt (m - 2R) + s2_a + s2_b, and steps that share
    position b the covariance 2 D dt R - s2_b. It is factorised step by step (L D L^T).

    A frame seen or missed tells of the path within its exposure. With the moments h (half), c
    (halves) and u (missed) of `paths`, all less 1, a step's variance grows by
    2 D dt R (2 h_a + 2 h_b + 6 (m - 1) u), the covariance by 2 D dt R c_b.

    Parameters
    ----------
    step_um : ndarray, (steps, axes)
        Steps between the positions seen, track after track, um.
    span : ndarray of int, (steps,)
        Frames that each step spans.
    start : ndarray of int, (tracks + 1,)
        First position of each track; the last entry is the number of positions.
    loc_var_um2 : ndarray, (positions,)
        Localisation variance of one axis, um^2.
    d_um2_s : ndarray, (g,)
        Diffusion coefficients, um^2/s.
    interval_s : float
        Time between frames, s.
    blur : float
        Motion blur coefficient R, exposure / (6 interval).
    paths : Moments, optional
        By default nothing is known of the paths.
    sure : ndarray of bool, (steps,), optional
        Steps that count; by default all. What lies before one left out and what lies behind it
        are taken as independent.

    Returns
    -------
    ndarray, (tracks, g)
        Natural logarithm of the Gaussian density of the steps, constant included.
    """
    total = np.empty((len(start) - 1, len(d_um2_s)))
    travel = 2 * interval_s * np.asarray(d_um2_s, np.float64)
    paths = paths or Moments.alike(len(loc_var_um2), len(travel))
    _factorise(
        np.ascontiguousarray(step_um, np.float64),
        np.asarray(span, np.int64),
        np.asarray(start, np.int64),
        np.asarray(loc_var_um2, np.float64),
        travel,
        blur,
        np.ones(len(span), np.bool_) if sure is None else sure,
        (paths.half, paths.halves, paths.missed, paths.strength, paths.way),
        total,
    )
    return total


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _factorise(
    step_um: Floats,
    span: Ints,
    start: Ints,
    loc_var_um2: Floats,
    travel: Floats,
    blur: float,
    sure: NDArray[np.bool_],
    paths: tuple[Floats, Floats, Floats, Ints, Ints],
    total: Floats,
) -> None:
    half, halves, missed, strength, way = paths
    n_axes, n_sizes = step_um.shape[1], len(travel)
    pivot, ratio = np.empty(n_sizes), np.empty(n_sizes)
    residual = np.empty((n_axes, n_sizes))
    for track in range(len(start) - 1):
        first = start[track] - track  # step; a track has one step fewer than positions
        n_steps = start[track + 1] - start[track] - 1
        total[track] = 0.0
        ratio[:] = 0.0
        residual[:] = 0.0
        for index in range(n_steps):
            step = first + index
            if not sure[step]:
                ratio[:] = 0.0
                continue
            place = start[track] + index
            before, after = loc_var_um2[place], loc_var_um2[place + 1]
            a, b = way[place], way[place + 1]
            k, n = strength[place], strength[place + 1]
            for size in range(n_sizes):
                # covariance with the step before, through the position between them
                shared = travel[size] * blur * (1 + halves[a, k, size]) - before
                over = shared * ratio[size]  # ratio: 1 / pivot of the step before
                told = 2 * (half[a, k, size] + half[b, n, size])
                told += 6 * (span[step] - 1) * missed[k, size]
                variance = travel[size] * (span[step] - 2 * blur + blur * told)
                pivot[size] = variance + before + after - over * shared
                square = 0.0
                for axis in range(n_axes):
                    left = step_um[step, axis] - over * residual[axis, size]
                    residual[axis, size] = left
                    square += left * left
                ratio[size] = 1 / pivot[size]
                total[track, size] -= 0.5 * (
                    square * ratio[size] + n_axes * np.log(2 * np.pi * pivot[size])
                )
