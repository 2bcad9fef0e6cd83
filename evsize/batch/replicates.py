"""Figures of several replicates: their mean and its error, and the contrast of two groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

Z95 = float(stats.norm.ppf(0.975))


@dataclass(frozen=True)
class Mean:
    """Mean of replicates.

    Attributes
    ----------
    value, low, high : float
        Mean and its 95 % interval; NaN where there is none.
    sd : float
        Standard deviation between replicates; NaN for one.
    within_sd : float
        The standard deviation that the errors of the replicates alone would give.
    """

    value: float
    low: float
    high: float
    sd: float
    within_sd: float


def mean(values: Floats, errors: Floats) -> Mean:
    """Mean of replicates with the error that shows between them.

    Parameters
    ----------
    values : ndarray, (replicates,)
        The figure in each replicate, on the scale on which it is averaged.
    errors : ndarray, (replicates,)
        Standard error within each, NaN where it is not known.

    Returns
    -------
    Mean

    Notes
    -----
    The replicate is the unit: every one counts alike, whatever its number of particles, and the
    interval is Student's, value +- t(n - 1) sd/sqrt(n). Errors within replicates are part of
    that spread. The interval is never narrower than those alone allow, and it is theirs where
    there is one replicate: it then says nothing of how far another would lie.
    """
    n = len(values)
    if n == 0:
        return Mean(*(float("nan"),) * 5)
    known = errors[np.isfinite(errors)]
    within = float(np.sqrt(np.mean(known**2))) if len(known) else float("nan")
    sd = float(np.std(values, ddof=1)) if n > 1 else float("nan")
    halves = [Z95 * within / np.sqrt(n)]
    if n > 1:
        halves.append(float(stats.t.ppf(0.975, n - 1)) * sd / np.sqrt(n))
    half = float(np.nan if np.isnan(halves).all() else np.nanmax(halves))
    value = float(values.mean())
    return Mean(value, value - half, value + half, sd, within)


@dataclass(frozen=True)
class Contrast:
    """Difference of two groups, second minus first.

    Attributes
    ----------
    value, low, high : float
        Difference and its 95 % interval; NaN where there is none.
    hedges_g : float
        The difference in standard deviations, its bias for few values taken off.
    """

    value: float
    low: float
    high: float
    hedges_g: float


def contrast(
    first: Floats, second: Floats, within: tuple[Floats, Floats] | None = None
) -> Contrast:
    """Difference of the means of two independent groups, (n,) and (m,).

    Parameters
    ----------
    first, second : ndarray, (n,), (m,)
        The figure in each unit.
    within : tuple of ndarray, (n,), (m,), optional
        Standard error within each unit, NaN where it is not known.

    Notes
    -----
    Welch's interval, which lets the groups vary differently: Welch, Biometrika 34, 28 (1947).
    As in `mean`, it is never narrower than the errors within the units alone allow: units that
    happen to agree are no proof. Hedges' g with the pooled standard deviation and
    J = 1 - 3/(4 df - 1): Hedges, J. Educ. Stat. 6, 107 (1981).
    """
    value = float(second.mean() - first.mean())
    freedom = len(first) + len(second) - 2
    if min(len(first), len(second)) < 2:
        return Contrast(value, float("nan"), float("nan"), float("nan"))
    least = _of_errors(*within) if within else float("nan")
    squares = np.array([((group - group.mean()) ** 2).sum() for group in (first, second)])
    if squares.sum() <= _rounding(first, second):
        return Contrast(value, value - least, value + least, float("nan"))
    each = np.array([len(first), len(second)])
    errors = squares / (each - 1) / each  # squared, of the two means
    welch = 1 / ((errors / errors.sum()) ** 2 / (each - 1)).sum()
    half = float(np.fmax(stats.t.ppf(0.975, welch) * np.sqrt(errors.sum()), least))
    g = value / np.sqrt(squares.sum() / freedom) * (1 - 3 / (4 * freedom - 1))
    return Contrast(value, value - half, value + half, float(g))


def paired_contrast(
    first: Floats, second: Floats, within: tuple[Floats, Floats] | None = None
) -> Contrast:
    """Mean difference of pairs, (n,) each: the same samples before and after.

    Notes
    -----
    Student's interval of the differences, and never narrower than the errors within, as in
    `contrast`; `hedges_g` is in standard deviations of the differences.
    """
    apart = second - first
    value, n = float(apart.mean()), len(apart)
    if n < 2:
        return Contrast(value, float("nan"), float("nan"), float("nan"))
    least = _of_errors(*within) if within else float("nan")
    sd = float(apart.std(ddof=1))
    if sd**2 * (n - 1) <= _rounding(first, second):
        return Contrast(value, value - least, value + least, float("nan"))
    half = float(np.fmax(stats.t.ppf(0.975, n - 1) * sd / np.sqrt(n), least))
    return Contrast(value, value - half, value + half, value / sd * (1 - 3 / (4 * (n - 1) - 1)))


def _of_errors(first: Floats, second: Floats) -> float:
    """Half width of the interval of a difference of means by the units' own errors alone."""
    known = [errors[np.isfinite(errors)] for errors in (first, second)]
    if not all(len(errors) for errors in known):
        return float("nan")
    squares = [
        np.mean(own**2) / len(errors) for own, errors in zip(known, (first, second), strict=True)
    ]
    return float(Z95 * np.sqrt(np.sum(squares)))


def _rounding(first: Floats, second: Floats) -> float:
    """Sum of squares that equal values may show through rounding."""
    both = np.concatenate([first, second])
    return float(len(both) * (8 * np.finfo(float).eps * np.abs(both).max(initial=0.0)) ** 2)
