"""Localisation variance of each track, pooled over the recording."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PREDICTION_ERROR = 0.3
"""Relative standard error granted to a predicted localisation variance: it comes from photon and
camera noise alone and knows nothing of defocus, of smearing or of the fit's own losses."""


@dataclass(frozen=True, slots=True)
class PooledNoise:
    """Localisation noise of a recording.

    Attributes
    ----------
    loc_var_um2 : ndarray, (tracks,)
        Localisation variance of one axis for each track, um^2.
    measured_um2, measured_se_um2 : float
        Pooled covariance estimate and its standard error, um^2; it can be negative.
    predicted_um2 : float
        Mean of what the localisation errors predict, um^2; NaN where there are none.
    """

    loc_var_um2: Floats
    measured_um2: float
    measured_se_um2: float
    predicted_um2: float


def pool(
    loc_var_um2: Floats, n_products: Floats, predicted_um2: Floats, floor_um2: float
) -> PooledNoise:
    """Combine measured and predicted localisation variance.

    The covariance estimate of the localisation variance is linear in the steps, so its mean over
    tracks stays unbiased whatever the mix of sizes: it cannot absorb diffusion. What it lacks
    is precision where particles move fast; there the prediction carries the weight.

    Parameters
    ----------
    loc_var_um2 : ndarray, (tracks,)
        Covariance estimate of each track, um^2, unclipped.
    n_products : ndarray, (tracks,)
        Products of neighbouring steps behind each.
    predicted_um2 : ndarray, (tracks,)
        Mean squared localisation standard error of each track, um^2, NaN where unknown.
    floor_um2 : float
        Smallest variance ever used, um^2.

    Returns
    -------
    PooledNoise
    """
    weights = n_products / max(float(n_products.sum()), 1.0)
    measured = float((weights * loc_var_um2).sum())
    # A track more or less: the sandwich error needs no assumption on the mix of sizes.
    spread = float(np.sqrt((weights**2 * (loc_var_um2 - measured) ** 2).sum()))
    known = np.isfinite(predicted_um2) & (predicted_um2 > 0)
    if not known.all() or not len(known):
        level = max(measured, floor_um2)
        return PooledNoise(np.full(len(weights), level), measured, spread, float("nan"))
    predicted = float((weights * predicted_um2).sum())
    precision = np.array([1 / max(spread, 1e-12) ** 2, 1 / (PREDICTION_ERROR * predicted) ** 2])
    level = float(precision @ np.array([measured, predicted]) / precision.sum())
    scale = max(level, 0.1 * predicted) / predicted
    return PooledNoise(np.maximum(scale * predicted_um2, floor_um2), measured, spread, predicted)
