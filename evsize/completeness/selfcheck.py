"""Sizes of the injected particles against the sizes found: a check of the whole chain."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LARGEST_SHIFT = 0.35
FEWEST = 8
REMAINING_SE = 0.013
"""Relative error that detection and linking leave on all diameters of a film alike: missed and
wrong links, noise that is not white. Standard deviation beyond chance of the median of simulated
films of one size, 60 to 500 nm, seeds below 1000 (see docs/validation/accuracy.md)."""


def common_error(diagnostics: Mapping[str, float | None]) -> float:
    """Relative standard error that the diameters of a film share.

    Parameters
    ----------
    diagnostics : dict of str to float
        Of `evsize.results.Completeness`. Sizes are not corrected for what simulated particles of
        known size, put into the film, read too much: what of it is more than chance (twice its
        standard error) counts as uncertainty.
    """
    bias = diagnostics.get("self_check_bias_percent")
    error = diagnostics.get("self_check_bias_percent_se")
    if bias is None or error is None:
        return REMAINING_SE
    return float(np.hypot(REMAINING_SE, max(abs(bias) - 2 * error, 0.0) / 100))


def shift(
    log_likelihood: Floats, grid_log_d: Floats, true_log_d: Floats, unit: Ints, weight: Floats
) -> tuple[float, float]:
    """Logarithm of the ratio of found and true diameter that all tracks together make most likely.

    Parameters
    ----------
    log_likelihood : ndarray, (tracks, sizes)
        Of each diameter.
    grid_log_d : ndarray, (sizes,)
        ln(diameter), evenly spaced, ascending.
    true_log_d : ndarray, (tracks,)
        ln of the diameter that each particle has.
    unit : ndarray of int, (tracks,)
        Particle of each track.
    weight : ndarray, (tracks,)
        How much each track counts.

    Returns
    -------
    float, float
        The shift and its standard error, from the scatter over particles; NaN for fewer than
        `FEWEST` particles.
    """
    if len(np.unique(unit[weight > 0.05])) < FEWEST:
        return np.nan, np.nan
    step = grid_log_d[1] - grid_log_d[0]
    offsets = np.arange(-LARGEST_SHIFT, LARGEST_SHIFT + step / 2, step / 2)
    place = (true_log_d[:, None] + offsets - grid_log_d[0]) / step
    left = np.clip(place.astype(np.int64), 0, len(grid_log_d) - 2)
    share = np.clip(place - left, 0, 1)
    rows = np.arange(len(true_log_d))[:, None]
    each = (1 - share) * log_likelihood[rows, left] + share * log_likelihood[rows, left + 1]
    total = weight @ each
    top = int(np.clip(np.argmax(total), 2, len(offsets) - 3))
    # the likelihoods are parabolas near their tops: fitted over a few points
    a, b, _ = np.polyfit(offsets[top - 2 : top + 3], total[top - 2 : top + 3], 2)
    if a >= 0:
        return np.nan, np.nan
    best = -b / (2 * a)
    slope = (each[:, top + 2] - each[:, top - 2]) / (offsets[top + 2] - offsets[top - 2])
    scores = np.bincount(np.unique(unit, return_inverse=True)[1], weight * slope)
    error = np.sqrt(np.sum((scores - scores.mean()) ** 2)) / abs(2 * a)
    return float(best), float(error)
