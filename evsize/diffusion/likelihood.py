"""Likelihoods of all tracks on a grid of diffusion coefficients, and what they leave out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from evsize.diffusion import noise, segments, sight, tridiagonal
from evsize.physics import Conditions

Floats = NDArray[np.float64]

NEAR_SD = 5.0
"""Standard deviations of a step within which an edge of the field counts."""
EVERY = 4
"""Of the diffusion coefficients, those for which it is worked out; between them it is straight."""
AT_A_TIME = 4000
"""Steps worked out at a time, for the memory."""
LEAST_RISE = 0.05
"""Relative rise of the localisation variance over which a slope is taken, at least."""


def evaluate(
    steps: segments.Steps,
    d_um2_s: Floats,
    loc_var_um2: Floats,
    conditions: Conditions,
    paths: sight.Moments | None = None,
) -> Floats:
    """Log-likelihood of every track on the grid, (tracks, g), given the variance of each position.

    Parameters
    ----------
    loc_var_um2 : ndarray, (positions,)
        Localisation variance of one axis, um^2.
    paths : Moments, optional
        What is known of the paths within the exposures; by default nothing.
    """
    return tridiagonal.log_likelihood(
        steps.step_um,
        steps.span,
        steps.start,
        loc_var_um2,
        d_um2_s,
        conditions.frame_interval_s,
        conditions.blur,
        paths,
        steps.sure,
    )


def noise_slope(
    steps: segments.Steps,
    d_um2_s: Floats,
    pooled: noise.PooledNoise,
    loc_var_um2: Floats,
    log_l: Floats,
    conditions: Conditions,
    paths: sight.Moments | None = None,
) -> Floats:
    """Change of every log-likelihood with the localisation variance, (tracks, g), 1/um^2.

    Between the variances used, (positions,), and ones higher by the standard error of their mean.
    """
    if not pooled.shape.shape[1]:
        return np.zeros_like(log_l)
    covariance_of_fit = pooled.influence.T @ pooled.influence + pooled.prior_sd @ pooled.prior_sd.T
    spread = np.sqrt(np.einsum("ij,jk,ik->i", pooled.shape, covariance_of_fit, pooled.shape))
    rise = np.maximum(spread, LEAST_RISE * pooled.loc_var_um2)
    higher = loc_var_um2 + np.repeat(rise, steps.n_positions)
    moved = evaluate(steps, d_um2_s, higher, conditions, paths)
    return np.asarray((moved - log_l) / rise[:, None])


def unseen_steps(
    steps: segments.Steps,
    d_um2_s: Floats,
    loc_var_um2: Floats,
    radius_um: float,
    conditions: Conditions,
) -> Floats:
    """Log-probability that no step went beyond the search radius, where it would not be seen.

    Subtracted from the log-likelihood, it makes up for the long steps at which tracks end. Steps
    count as independent: their correlation by blur and noise is of second order here. Over missed
    frames the radius grows as the standard deviation of the step does.

    Returns
    -------
    ndarray, (tracks, g)
    """
    n_tracks = len(steps.start) - 1
    total = np.zeros((n_tracks, len(d_um2_s)))
    if not np.isfinite(radius_um):
        return total
    owner = steps.owner
    travel = 2 * d_um2_s * conditions.frame_interval_s
    for span in np.unique(steps.span):
        count = np.bincount(owner[(steps.span == span) & steps.sure], minlength=n_tracks)
        variance = travel * (span - 2 * conditions.blur) + 2 * loc_var_um2[:, None]
        reach_um2 = radius_um**2 * (span - 2 * conditions.blur) / (1 - 2 * conditions.blur)
        total += count[:, None] * np.log(-np.expm1(-reach_um2 / (2 * variance)))
    return total


def steps_out(
    steps: segments.Steps,
    from_um: Floats,
    field_um: Floats,
    d_um2_s: Floats,
    loc_var_um2: Floats,
    conditions: Conditions,
) -> Floats:
    """Log-probability that no step left the field of view, where it would not be seen.

    Subtracted from the log-likelihood, as `unseen_steps`: of particles near an edge only the steps
    that stay inside are seen, and these are the short ones (0.8 standard deviations of a step,
    over the side of the field, of the mean square).

    Parameters
    ----------
    from_um : ndarray, (steps, 2)
        Where each step would end in the image if the particle moved with the flow alone, um.
    field_um : ndarray, (2, 2)
        Lower and upper end of the field along x and y, um; infinite where it is not known.
    loc_var_um2 : ndarray, (tracks,)
        Localisation variance of one axis, um^2.

    Returns
    -------
    ndarray, (tracks, g)
    """
    n_tracks = len(steps.start) - 1
    owner = steps.owner
    coarse = d_um2_s[::EVERY]
    total = np.zeros((n_tracks, len(coarse)))
    frames = (steps.span - 2 * conditions.blur)[:, None] * conditions.frame_interval_s
    widest = np.sqrt(2 * coarse.max() * frames[:, 0] + 2 * loc_var_um2[owner])
    for axis in (0, 1):
        low, high = field_um[:, axis]
        inside = np.minimum(from_um[:, axis] - low, high - from_um[:, axis])
        near = np.flatnonzero((inside < NEAR_SD * widest) & steps.sure)
        for first in range(0, len(near), AT_A_TIME):
            rows = near[first : first + AT_A_TIME]
            variance = 2 * coarse * frames[rows] + 2 * loc_var_um2[owner[rows], None]
            sd, place = np.sqrt(variance), from_um[rows, axis, None]
            stays = ndtr((high - place) / sd) - ndtr((low - place) / sd)
            np.add.at(total, owner[rows], np.log(np.maximum(stays, 1e-3)))
    log_d, known = np.log(d_um2_s), np.log(coarse)
    order = np.argsort(known)
    parts = [np.interp(log_d, known[order], part[order]) for part in np.eye(len(coarse))]
    return np.asarray(total @ np.array(parts))
