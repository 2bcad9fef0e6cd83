"""Localisation variance of each track and position, pooled over the recording."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

Floats = NDArray[np.float64]

NEIGHBOURS = 2
"""Positions to either side over which a predicted variance is averaged: a particle's brightness and
defocus hardly change over five frames, what one frame tells of them is off by up to a half."""
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
        Localisation variance of one axis, as the steps of each track show it, um^2.
    constant_um2, factor, floor_um2 : float
        What turns squared localisation standard errors into variances; see `of_positions`.
    measured_um2, measured_se_um2 : float
        Pooled covariance estimate and its standard error, um^2; it can be negative.
    predicted_um2 : float
        Mean of what the localisation errors predict, um^2; NaN where there are none.
    shape, influence : ndarray, (tracks, parameters)
    prior_sd : ndarray, (parameters, expectations)
        How uncertain the fitted parameters are; see `evsize.results.NoiseUncertainty`.
    """

    loc_var_um2: Floats
    constant_um2: float
    factor: float
    floor_um2: float
    measured_um2: float
    measured_se_um2: float
    predicted_um2: float
    shape: Floats
    influence: Floats
    prior_sd: Floats

    def of_positions(self, predicted_um2: Floats) -> Floats:
        """Localisation variance of positions with these squared standard errors, um^2."""
        if not self.factor:
            return np.full(len(predicted_um2), self.constant_um2)
        return _variance(predicted_um2, self.constant_um2, self.factor, self.floor_um2)


def along_tracks(predicted_um2: Floats, start: NDArray[np.int64]) -> Floats:
    """Average the predicted variance of each position with its neighbours' on the track.

    The standard error of a faint spot comes from brightness and width as one frame shows them. One
    that noise made narrow and bright claims a small error and has a large one: in simulated films
    (300 nm, 0.713 um/px) squared errors were 1.8 times the smallest predictions and 1.3 times the
    largest, and 1.4 to 1.6 times any of the averages; pooled diffusion coefficients fell by 1 %.

    Parameters
    ----------
    predicted_um2 : ndarray, (positions,)
        Squared localisation standard errors, track by track.
    start : ndarray of int, (tracks + 1,)
        First position of each track, and the end of the last.

    Returns
    -------
    ndarray, (positions,)
        NaN all over where one is unknown, since the variances are not used then.
    """
    place = np.arange(len(predicted_um2))
    length = np.diff(start)
    low = np.maximum(place - NEIGHBOURS, np.repeat(start[:-1], length))
    high = np.minimum(place + NEIGHBOURS + 1, np.repeat(start[1:], length))
    total = np.concatenate([[0.0], np.cumsum(predicted_um2)])
    return np.asarray((total[high] - total[low]) / (high - low))


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
        What that estimate is for the localisation standard errors of the track's positions, um^2,
        NaN where unknown.
    floor_um2 : float
        Smallest variance ever used, um^2.

    Returns
    -------
    PooledNoise
    """
    measured, spread = _mean_and_error(loc_var_um2, n_products)
    share = n_products / max(float(n_products.sum()), 1.0)
    known = np.isfinite(predicted_um2) & (predicted_um2 > 0)
    if not known.all() or not len(known):
        constant = max(measured, floor_um2)
        level = np.full(len(known), constant)
        influence = (share * (loc_var_um2 - measured))[:, None]
        one, none = np.ones((len(known), 1)), np.zeros((1, 0))
        scale = (constant, 0.0, floor_um2)
        return PooledNoise(level, *scale, measured, spread, float("nan"), one, influence, none)
    line = _line(loc_var_um2, n_products, predicted_um2)
    shape = np.column_stack([np.ones(len(known)), predicted_um2])
    scale = (float(line.parameters[0]), float(line.parameters[1]), floor_um2)
    return PooledNoise(
        _variance(predicted_um2, *scale),
        *scale,
        measured,
        spread,
        float(share @ predicted_um2),
        shape,
        line.influence,
        line.prior_sd,
    )


def _variance(predicted_um2: Floats, constant_um2: float, factor: float, floor: float) -> Floats:
    least = np.maximum(0.1 * predicted_um2, floor)
    return np.asarray(np.maximum(constant_um2 + factor * predicted_um2, least))


def given(loc_var_um2: float, pooled: PooledNoise) -> PooledNoise:
    """Replace the pooled noise of all tracks by a known variance, um^2."""
    n_tracks = len(pooled.loc_var_um2)
    return replace(
        pooled,
        loc_var_um2=np.full(n_tracks, loc_var_um2),
        constant_um2=loc_var_um2,
        factor=0.0,
        shape=np.zeros((n_tracks, 0)),
        influence=np.zeros((n_tracks, 0)),
        prior_sd=np.zeros((0, 0)),
    )


def _mean_and_error(values: Floats, weights: Floats) -> tuple[float, float]:
    """Weighted mean over tracks and its sandwich error, which assumes nothing on the sizes."""
    share = weights / max(float(weights.sum()), 1.0)
    mean = float(share @ values)
    return mean, float(np.sqrt((share**2) @ (values - mean) ** 2))


@dataclass(frozen=True, slots=True)
class _Line:
    parameters: Floats
    influence: Floats
    prior_sd: Floats


def _line(measured: Floats, weights: Floats, predicted: Floats) -> _Line:
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
    pull = np.zeros((len(order), n_groups))  # of each track on the right-hand side of its group
    for index, group in enumerate(np.array_split(order, n_groups)):
        mean, error = _mean_and_error(measured[group], weights[group])
        error = max(error, 1e-3 * typical)
        at = float(np.average(predicted[group], weights=np.maximum(weights[group], 1e-9)))
        rows.append((1 / error, at / error))
        right.append(mean / error)
        share = weights[group] / max(float(weights[group].sum()), 1.0)
        pull[group, index] = share * (measured[group] - mean) / error
    matrix = np.array(rows)
    parameters = nnls(matrix, np.array(right))[0]
    free = parameters > 0  # a parameter held at 0 stays there
    response = np.zeros(matrix.shape[::-1])
    response[free] = np.linalg.pinv(matrix[:, free])
    return _Line(parameters, pull @ response[:, 2:].T, response[:, :2])
