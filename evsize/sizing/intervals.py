"""Intervals from resampled figures: bias-corrected, accelerated, and widened for few units."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEVELS = (0.025, 0.975)


def skewness_and_freedom(influence: Floats, unit: Ints) -> tuple[float, float]:
    """How uneven the units' influence on a figure is.

    Parameters
    ----------
    influence : ndarray, (tracks,)
        Influence of each track, to any scale.
    unit : ndarray of int, (tracks,)
        Independent unit of each track, from 0.

    Returns
    -------
    acceleration : float
        Skewness of the influences over six (Efron, J. Am. Stat. Assoc. 82, 171 (1987)).
    freedom : float
        Degrees of freedom with which the spread is known: 2 n/(kurtosis - 1), at most n - 1
        (Satterthwaite, Biometrics Bull. 2, 110 (1946)).

    Notes
    -----
    A few large particles that stay long in view carry the upper tail. Where chance gave fewer of
    them, the resampled spread is too small as well: the acceleration lengthens the interval on
    that side, the freedom on both.
    """
    total = np.bincount(unit, influence).astype(np.float64)
    most = max(len(total) - 1.0, 0.0)
    largest = float(np.abs(total).max(initial=0.0))
    if largest == 0:
        return 0.0, most
    total = total / largest
    square = float((total**2).sum())
    skewness = float((total**3).sum()) / square**1.5
    uneven = float((total**4).sum()) / square**2 - 1 / len(total)
    return skewness / 6, min(2 / uneven, most) if uneven > 0 else most


def interval(
    value: float, resampled: Floats, acceleration: float, freedom: float
) -> tuple[float, float]:
    """95 % interval of a figure.

    Parameters
    ----------
    value : float
        The figure itself.
    resampled : ndarray, (resamples,)
        The figure in each resample of the units.
    acceleration, freedom : float
        From `skewness_and_freedom`.

    Returns
    -------
    low, high : float
        Ends of the interval; the figure lies within.

    Notes
    -----
    Percentiles of the resamples as in Efron 1987. The resampled spread is too small by
    sqrt(1 + 1/freedom), and known with that many degrees of freedom only: Student's t in place of
    the normal quantile. What is wanted beyond the resamples is extrapolated in proportion.
    """
    n = len(resampled)
    below = (np.count_nonzero(resampled < value) + 0.5 * np.count_nonzero(resampled == value)) / n
    shift = float(norm.ppf(np.clip(below, 0.5 / n, 1 - 0.5 / n)))
    most = float(norm.ppf(1 - 1 / n))
    ends = []
    for level in LEVELS:
        wanted = float(student.ppf(level, freedom)) * np.sqrt(1 + 1 / freedom)
        moved = shift + wanted
        score = shift + moved / max(1 - acceleration * moved, 0.25)
        within = min(max(score, -most), most)
        reached = float(np.quantile(resampled, norm.cdf(within)))
        ends.append(value + (reached - value) * (score / within if within else 1.0))
    return min(ends[0], value), max(ends[1], value)
