"""Effective depth of view against size, and the size below which half is missed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline

Floats = NDArray[np.float64]

KNOT_SPACING = 0.3
"""Of the correction to the expected depth, in ln(diameter)."""
PENALTIES = tuple(10.0**k for k in range(-2, 5))
HALF = 0.5
FEWEST_AT_FOCUS = 15


@dataclass(frozen=True)
class DepthFit:
    """Smooth effective depth on a grid of diameters.

    Attributes
    ----------
    log_depth : ndarray, (sizes,)
        ln of the depth, um.
    log_error : ndarray, (sizes, k)
        Change of `log_depth` with each of k independent errors, a standard deviation at a time.
    dispersion : float
        Variance of the recovered frames of a particle over their mean.
    """

    log_depth: Floats
    log_error: Floats
    dispersion: float


def fit_depth(
    log_d: Floats,
    recovered: Floats,
    exposure: Floats,
    expected_um: Floats,
    grid_log_d: Floats,
    grid_expected_um: Floats,
) -> DepthFit:
    """Fit the effective depth to what was recovered of each injected particle.

    Parameters
    ----------
    log_d : ndarray, (n,)
        ln(diameter / nm) of each particle.
    recovered : ndarray, (n,)
        Frames in which it was found in a track that would be used.
    exposure : ndarray, (n,)
        Frames looked at over the height of its box, scaled to the area of the image, 1/um: the
        expectation of `recovered` is depth times this.
    expected_um, grid_expected_um : ndarray
        Depth expected from optics and thresholds, of each particle and on the grid: only the
        ratio to it is fitted.
    grid_log_d : ndarray, (sizes,)
        Where the depth is wanted.

    Notes
    -----
    A log-linear model of counts with a penalised spline (Eilers & Marx, Stat. Sci. 11, 89 (1996))
    and a dispersion of its own, since the frames of one particle are no independent counts; the
    penalty is the one with the least generalised cross-validation score.
    """
    low, high = float(log_d.min()), float(log_d.max())
    offset = np.log(np.maximum(expected_um * exposure, 1e-12))
    basis = _basis(np.clip(log_d, low, high), low, high)
    second = np.diff(np.eye(basis.shape[1]), n=2, axis=0)
    best: tuple[float, Floats, Floats, float] | None = None
    for strength in PENALTIES:
        prior = strength * second.T @ second + 1e-3 * np.eye(basis.shape[1])
        theta, mean = _fit(basis, recovered, offset, prior)
        weighted = (basis * mean[:, None]).T @ basis
        freedom = float(np.trace(np.linalg.solve(weighted + prior, weighted)))
        pearson = float(np.sum((recovered - mean) ** 2 / np.maximum(mean, 1e-9)))
        deviance = _deviance(recovered, mean)
        score = deviance / (1 - freedom / len(recovered)) ** 2
        if best is None or score < best[0]:
            # counts of one particle: errors from what the particles really scatter by
            bread = np.linalg.inv(weighted + prior)
            meat = (basis * (recovered - mean)[:, None] ** 2).T @ basis
            best = (score, theta, bread @ meat @ bread, pearson / max(len(recovered) - freedom, 1))
    assert best is not None
    _, theta, covariance, dispersion = best
    rows = _basis(np.clip(grid_log_d, low, high), low, high)
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    log_depth = np.log(np.maximum(grid_expected_um, 1e-12)) + rows @ theta
    return DepthFit(log_depth, rows @ root, dispersion)


def _basis(log_d: Floats, low: float, high: float) -> Floats:
    n = max(3, int(np.ceil((high - low) / KNOT_SPACING)))
    step = (high - low) / n
    knots = low + step * np.arange(-3, n + 4)
    inside = np.clip(log_d, low, high - 1e-9)
    return np.asarray(BSpline.design_matrix(inside, knots, 3).toarray())


def _fit(basis: Floats, count: Floats, offset: Floats, prior: Floats) -> tuple[Floats, Floats]:
    theta = np.full(basis.shape[1], np.log(max(count.sum(), 1.0) / np.exp(offset).sum()))
    for _ in range(60):
        mean = np.exp(np.clip(offset + basis @ theta, -30, 15))
        gradient = basis.T @ (count - mean) - prior @ theta
        information = (basis * mean[:, None]).T @ basis + prior
        step = np.linalg.solve(information, gradient)
        theta = theta + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-6:
            break
    return theta, np.exp(np.clip(offset + basis @ theta, -30, 15))


def _deviance(count: Floats, mean: Floats) -> float:
    ratio = np.where(count > 0, count / np.maximum(mean, 1e-12), 1.0)
    return float(2 * np.sum(count * np.log(ratio) - (count - mean)))


def half_recovered(log_d: Floats, recovered: Floats, looked: Floats) -> tuple[float, float] | None:
    """ln(diameter) of which half is recovered at best focus, and its standard error.

    Parameters
    ----------
    log_d : ndarray, (n,)
        ln(diameter / nm) of each particle.
    recovered, looked : ndarray, (n,)
        Its frames at best focus: those in which it was recovered, and all.

    Returns
    -------
    tuple of float or None
        Logistic regression; None where what was injected does not reach down to the limit.
    """
    use = looked > 0
    if use.sum() < FEWEST_AT_FOCUS:
        return None
    x, k, n = log_d[use], recovered[use], looked[use]
    middle = float(x.mean())
    design = np.column_stack([np.ones_like(x), x - middle])
    theta = np.array([0.0, 10.0])
    # a weak expectation of the slope: the brightness goes with the sixth power of the diameter
    prior, expected = np.diag([1e-6, 1e-2]), np.array([0.0, 15.0])
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(design @ theta, -30, 30)))
        weight = np.maximum(n * p * (1 - p), 1e-9)
        information = (design * weight[:, None]).T @ design + prior
        step = np.linalg.solve(information, design.T @ (k - n * p) - prior @ (theta - expected))
        theta = theta + step / max(1.0, float(np.abs(step).max()) / 3)
        if np.abs(step).max() < 1e-6:
            break
    if theta[1] <= 0 or k.sum() < 0.2 * n.sum() * 0.2 or (k / n).mean() > 0.97:
        return None
    p = 1 / (1 + np.exp(-np.clip(design @ theta, -30, 30)))
    scores = design * (k - n * p)[:, None]
    bread = np.linalg.inv(information)
    covariance = bread @ (scores.T @ scores) @ bread
    at = middle - theta[0] / theta[1]
    slope = np.array([-1 / theta[1], theta[0] / theta[1] ** 2])
    return at, float(np.sqrt(max(slope @ covariance @ slope, 0.0)))
