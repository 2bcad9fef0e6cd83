"""Likelihoods of all tracks on a grid of diffusion coefficients, and what they leave out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evsize.diffusion import dst, gapped, noise, segments
from evsize.physics import Conditions

Floats = NDArray[np.float64]

NOISE_STEP = 0.05
"""Tracks whose localisation variances differ by less than this share one spectrum."""
GAPPED_AT_ONCE = 64
"""Tracks with gaps, of like length, that are worked on together: what fits a processor's cache."""


def evaluate(
    steps: segments.Steps, d_um2_s: Floats, loc_var_um2: Floats, conditions: Conditions
) -> Floats:
    """Log-likelihood of every track on the grid, by the sine transform or, with gaps, directly.

    Returns
    -------
    ndarray, (tracks, g)
    """
    n_steps = steps.n_positions - 1
    first = steps.first_step
    result = np.zeros((len(n_steps), len(d_um2_s)))
    owner = np.repeat(np.arange(len(n_steps)), n_steps)
    gaps = np.bincount(owner, steps.span > 1, minlength=len(n_steps)) > 0
    level = _noise_level(loc_var_um2)
    timing = (conditions.frame_interval_s, conditions.blur)
    order = np.lexsort((level, n_steps))
    whole = order[~gaps[order]]
    new_group = np.diff(n_steps[whole]).astype(bool) | np.diff(level[whole]).astype(bool)
    for group in np.split(whole, np.flatnonzero(new_group) + 1):
        if len(group):
            index = first[group][:, None] + np.arange(n_steps[group[0]])
            power = dst.step_power(steps.step_um[index])
            variance = float(np.exp(NOISE_STEP * level[group[0]]))
            result[group] = dst.log_likelihood(power, 2, d_um2_s, variance, *timing)
    broken = order[gaps[order]]
    for group in np.split(broken, np.arange(GAPPED_AT_ONCE, len(broken), GAPPED_AT_ONCE)):
        if len(group):
            inside = np.arange(n_steps[group].max()) < n_steps[group][:, None]
            index = np.where(inside, first[group][:, None] + np.arange(inside.shape[1]), 0)
            span = np.where(inside, steps.span[index], 0)
            variances = np.exp(NOISE_STEP * level[group])
            result[group] = gapped.log_likelihood(
                steps.step_um[index], span, d_um2_s, variances, *timing
            )
    return result


def _noise_level(loc_var_um2: Floats) -> NDArray[np.int64]:
    return np.round(np.log(loc_var_um2) / NOISE_STEP).astype(np.int64)


def noise_slope(
    steps: segments.Steps,
    d_um2_s: Floats,
    pooled: noise.PooledNoise,
    log_l: Floats,
    conditions: Conditions,
) -> Floats:
    """Change of every log-likelihood with the localisation variance, (tracks, g), 1/um^2.

    Between the variance used and one that is higher by its standard error.
    """
    if not pooled.shape.shape[1]:
        return np.zeros_like(log_l)
    covariance_of_fit = pooled.influence.T @ pooled.influence + pooled.prior_sd @ pooled.prior_sd.T
    spread = np.sqrt(np.einsum("ij,jk,ik->i", pooled.shape, covariance_of_fit, pooled.shape))
    base = np.exp(NOISE_STEP * _noise_level(pooled.loc_var_um2))
    higher = np.exp(NOISE_STEP * _noise_level(np.maximum(base + spread, base * (1 + NOISE_STEP))))
    moved = evaluate(steps, d_um2_s, higher, conditions)
    return np.asarray((moved - log_l) / (higher - base)[:, None])


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
    owner = np.repeat(np.arange(n_tracks), steps.n_positions - 1)
    travel = 2 * d_um2_s * conditions.frame_interval_s
    for span in np.unique(steps.span):
        count = np.bincount(owner[steps.span == span], minlength=n_tracks)
        variance = travel * (span - 2 * conditions.blur) + 2 * loc_var_um2[:, None]
        reach_um2 = radius_um**2 * (span - 2 * conditions.blur) / (1 - 2 * conditions.blur)
        total += count[:, None] * np.log(-np.expm1(-reach_um2 / (2 * variance)))
    return total
