"""Likelihood of the diffusion coefficient of tracks with missed frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def log_likelihood(
    steps_um: Floats,
    step_frames: NDArray[np.int64],
    d_um2_s: Floats,
    loc_var_um2: Floats | float,
    interval_s: float,
    blur: float,
) -> Floats:
    """Log-likelihood of each diffusion coefficient for tracks with gaps.

    The steps between the positions seen have a tridiagonal covariance: a step over m frames has
    the variance 2 D dt (m - 2R) + 2 s2, and steps that share a position the covariance
    2 D dt R - s2. It is factorised step by step (L D L^T) for all tracks and diffusion
    coefficients at once.

    Parameters
    ----------
    steps_um : ndarray, (tracks, steps, axes)
        Steps between the positions seen, um; shorter tracks are filled up at their end.
    step_frames : ndarray of int, (tracks, steps)
        Frames that each step spans; 0 where a track was filled up.
    d_um2_s : ndarray, (g,)
        Diffusion coefficients, um^2/s.
    loc_var_um2 : float or ndarray, (tracks,)
        Localisation variance of one axis, um^2.
    interval_s : float
        Time between frames, s.
    blur : float
        Motion blur coefficient R, exposure / (6 interval).

    Returns
    -------
    ndarray, (tracks, g)
        Natural logarithm of the Gaussian density of the steps, constant included.
    """
    n_tracks, n_steps, n_axes = steps_um.shape
    travel = 2 * d_um2_s * interval_s
    noise = np.reshape(np.asarray(loc_var_um2, dtype=np.float64), (-1, 1))
    shared = travel * blur - noise
    total = np.zeros((n_tracks, len(travel)))
    ratio = np.zeros_like(total)
    residual = np.zeros((n_axes, *total.shape))
    for index in range(n_steps):
        span = step_frames[:, index, None]
        pivot = travel * (np.maximum(span, 1) - 2 * blur) + 2 * noise - ratio * shared
        residual *= -ratio
        residual += steps_um[:, index, :].T[:, :, None]
        term = n_axes * np.log(2 * np.pi * pivot) + (residual**2).sum(axis=0) / pivot
        total += term if span.all() else np.where(span > 0, term, 0.0)
        ratio = shared / pivot
    return np.asarray(-0.5 * total)
