"""How far to search for a particle in the next frame."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import polygamma

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EXCEEDED = 1e-4
"""Share of steps that may exceed the radius: 1e-3 already lowers D by 0.7 %."""
REACH = math.sqrt(2 * math.log(1 / EXCEEDED))
"""Radius, in standard deviations of one axis's step, that a plane step exceeds with `EXCEEDED`."""
CROWDED = "crowding: the mean distance to the nearest neighbour"


def step_sd_um(d_um2_s: float, interval_s: float, blur: float, loc_var_um2: float) -> float:
    """Standard deviation of one axis's step between neighbouring frames, um."""
    return math.sqrt(2 * d_um2_s * interval_s * (1 - 2 * blur) + 2 * loc_var_um2)


def crowding_limit_um(spots_per_frame: float, area_um2: float) -> float:
    """Largest sensible radius: the mean distance to the nearest neighbour, um.

    The mean distance to the nearest of randomly placed neighbours is 0.5/sqrt(density).
    """
    if spots_per_frame <= 0:
        return math.inf
    return 0.5 * math.sqrt(area_um2 / spots_per_frame)


def step_variances(mean_square_um2: Floats, n_steps: Ints) -> Floats:
    """Step variance of each track, with the noise of few steps taken out.

    The logarithm of a variance estimated from n plane steps scatters by trigamma(n); what scatter
    remains between tracks is real and is kept (empirical Bayes shrinkage).
    """
    log_v = np.log(np.maximum(mean_square_um2, 1e-12))
    noise = polygamma(1, n_steps)
    weight = n_steps / n_steps.sum()
    bias = np.log(n_steps) - polygamma(0, n_steps)  # E[log of the estimate] is below log v
    log_v = log_v + bias
    centre = float(weight @ log_v)
    real = max(float(weight @ ((log_v - centre) ** 2 - noise)), 0.0)
    return np.asarray(np.exp(centre + (log_v - centre) * real / (real + noise)))


def from_tracks(variance_um2: Floats, n_steps: Ints) -> float:
    """Radius (um) for the fastest one in two hundred of the positions followed."""
    order = np.argsort(variance_um2)
    total = np.cumsum(n_steps[order]) / n_steps.sum()
    fast = variance_um2[order][min(int(np.searchsorted(total, 0.995)), len(order) - 1)]
    return REACH * math.sqrt(1.1 * float(fast))


def truncated_share(variance_um2: Floats, n_steps: Ints, radius_um: float) -> float:
    """Share of steps that a radius cuts off, for the step variances found."""
    weight = n_steps / n_steps.sum()
    return float(weight @ np.exp(-(radius_um**2) / (2 * variance_um2)))
