"""Localisation variance of each track, pooled over the recording."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

Floats = NDArray[np.float64]

TRACKS_PER_GROUP = 40
PREDICTION_FACTOR = 1.3
PREDICTION_ERROR = 0.25
"""What the predicted localisation variance, from camera noise alone, is expected to be multiplied
with, and the standard error of that: drawn spots at rest show 1.3 to 1.5 times the variance of the
bound; the spot's own shot noise, smears and neighbours come on top."""


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
    is precision where particles move fast; there the prediction carries the weight. A constant
    plus a multiple of the prediction is fitted: photon and camera noise scale, while what a smear
    and the neighbours add is there for the brightest spots too.

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
    measured, spread = _mean_and_error(loc_var_um2, n_products)
    known = np.isfinite(predicted_um2) & (predicted_um2 > 0)
    if not known.all() or not len(known):
        level = max(measured, floor_um2)
        return PooledNoise(np.full(len(known), level), measured, spread, float("nan"))
    weights = n_products / max(float(n_products.sum()), 1.0)
    predicted = float(weights @ predicted_um2)
    constant, factor = _line(loc_var_um2, n_products, predicted_um2)
    variance = np.maximum(constant + factor * predicted_um2, 0.1 * predicted_um2)
    variance = np.maximum(variance, floor_um2)
    return PooledNoise(variance, measured, spread, predicted)


def _mean_and_error(values: Floats, weights: Floats) -> tuple[float, float]:
    """Weighted mean over tracks and its sandwich error, which assumes nothing on the sizes."""
    share = weights / max(float(weights.sum()), 1.0)
    mean = float(share @ values)
    return mean, float(np.sqrt((share**2) @ (values - mean) ** 2))


def _line(measured: Floats, weights: Floats, predicted: Floats) -> tuple[float, float]:
    """Constant and factor that turn the predicted into the measured variance.

    Tracks are pooled in groups of like prediction (like brightness), so that bright particles,
    which are large and slow on the whole, tell the constant, and faint ones the factor. What is
    expected of the prediction itself enters as one more group each.
    """
    order = np.argsort(predicted, kind="stable")
    n_groups = int(np.clip(len(order) // TRACKS_PER_GROUP, 1, 8))
    typical = float(np.average(predicted, weights=np.maximum(weights, 1e-9)))
    expected = 1 / PREDICTION_ERROR
    rows = [(0.0, expected), (expected / typical, 0.0)]
    right = [PREDICTION_FACTOR * expected, 0.0]
    for group in np.array_split(order, n_groups):
        mean, error = _mean_and_error(measured[group], weights[group])
        error = max(error, 1e-3 * typical)
        at = float(np.average(predicted[group], weights=np.maximum(weights[group], 1e-9)))
        rows.append((1 / error, at / error))
        right.append(mean / error)
    constant, factor = nnls(np.array(rows), np.array(right))[0]
    return float(constant), float(factor)
