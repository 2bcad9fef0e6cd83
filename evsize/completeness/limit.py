"""The detection limit: the diameter of which half of the particles at best focus are found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEWEST_AT_FOCUS = 15
NEAR = 0.3
"""Standard deviation of the weight in ln(diameter): farther from the limit a particle that is
missed was hidden by another, or left the field."""
ROUNDS = 5
ALIKE = 0.1
"""Correlation of being found between frames of one particle: a hundred tell as much as nine."""
LEAST_RECOVERED, MOST_RECOVERED = 0.04, 0.97
"""Shares beyond which the diameters laid on do not reach to both sides of the limit."""


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
        Logistic regression, in which particles near the limit count; None where what was injected
        does not reach down to the limit.
    """
    use = looked > 0
    if use.sum() < FEWEST_AT_FOCUS:
        return None
    x, n = log_d[use], looked[use] / (1 + ALIKE * (looked[use] - 1))
    k = n * recovered[use] / looked[use]
    if k.sum() < LEAST_RECOVERED * n.sum() or (k / n).mean() > MOST_RECOVERED:
        return None
    found = _half(x, k, n)
    for _ in range(ROUNDS - 1):
        if found is None:
            return None
        # a curve that hardly rises has its half far from all that was laid on
        centre = np.clip(found[0], x.min(), x.max())
        near = np.exp(-0.5 * ((x - centre) / NEAR) ** 2)
        found = _half(x, k * near, n * near)
    return found


def _half(x: Floats, k: Floats, n: Floats) -> tuple[float, float] | None:
    """Where a logistic curve of k out of n is a half, and its standard error; None if it falls."""
    middle = float(np.average(x, weights=n))
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
    if theta[1] <= 0:
        return None
    p = 1 / (1 + np.exp(-np.clip(design @ theta, -30, 30)))
    scores = design * (k - n * p)[:, None]
    bread = np.linalg.inv(information)
    covariance = bread @ (scores.T @ scores) @ bread
    at = middle - theta[0] / theta[1]
    slope = np.array([-1 / theta[1], theta[0] / theta[1] ** 2])
    return at, float(np.sqrt(max(slope @ covariance @ slope, 0.0)))
