"""How bright a particle of a given size is in this recording: a power law with scatter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from evsize.completeness.look import SHALLOWEST, Look

Floats = NDArray[np.float64]

REFERENCE_NM = 100.0
RAYLEIGH = 6.0
"""Exponent for particles much smaller than the wavelength."""
EXPONENTS = (3.0, 7.0)
"""Beyond these it is the measurement that is off."""
EXPONENT_SD = 0.7
"""Prior: vesicles are shells, large particles leave Rayleigh's law, some instruments compress."""
ASTRAY = 0.03
"""Density of tracks that may be anything: two particles taken for one, pieces of bright ones."""
CONVERGED: Any = {"xatol": 1e-3, "fatol": 1e-2}
SIZE_ROUNDS = 60
LAW_ROUNDS, SHARE_ROUNDS = 12, 15
LEAST_SHARE = 1e-4
"""Of the most frequent size: sizes on either side that are rarer are left out."""
MOST_TRACKS = 1500
"""Of more, every second or third is taken: the law is then known far better than needed."""
LEAST_SCATTER = 0.05
MOST_SCATTER = 1.5
FEWEST_TRACKS = 8
"""What one track tells of ln(brightness) at a size is off by its size error times the exponent,
some 1.2: eight leave 0.4, hence a fifth of the depth, less than the chance in so few particles."""
ONE_SIZE_SD = 0.8
"""Standard deviation of ln(brightness) over the positions below which they tell no exponent: that
of sizes within 13 % of one another."""
ASSUMED_SD = 1.0
"""Standard error of the exponent where it is assumed."""


class Law(NamedTuple):
    """ln(brightness in focus) = level + exponent ln(d / 100 nm), with scatter.

    Attributes
    ----------
    level : float
        ln of the grey levels of a 100 nm particle.
    exponent : float
    scatter : float
        Standard deviation of ln(brightness) among particles of one size.
    covariance : ndarray, (2, 2)
        Of level and exponent.
    middle_nm : float
        Diameter around which the recording tells most.
    source : str
        Where the exponent comes from.
    shares : ndarray, (sizes,)
        Share of each diameter of the fit among the tracks, by their brightness as well.
    """

    level: float
    exponent: float
    scatter: float
    covariance: Floats
    middle_nm: float
    source: str
    shares: Floats

    def at(self, diameter_nm: Floats) -> Floats:
        """ln(brightness in focus) of each diameter."""
        return np.asarray(self.level + self.exponent * np.log(diameter_nm / REFERENCE_NM))


def focus_brightness(
    owner: NDArray[np.int64],
    n_tracks: int,
    log_brightness: Floats,
    variance_px2: Floats,
    focus_px2: float,
    fading_per_px2: float,
    widest_px2: float,
) -> tuple[Floats, Floats]:
    """ln(brightness) that each track would have in focus, and its error; NaN where unknown.

    Parameters
    ----------
    owner : ndarray of int, (n,)
        Track of each good position, from 0.
    log_brightness, variance_px2 : ndarray, (n,)
        Of each position.
    focus_px2, fading_per_px2, widest_px2 : float
        From `evsize.completeness.widths`.

    Notes
    -----
    What the width of a spot says of its depth is added to its brightness; the mean over a track.
    """
    use = variance_px2 < widest_px2
    corrected = log_brightness + fading_per_px2 * (variance_px2 - focus_px2)
    count = np.bincount(owner[use], minlength=n_tracks).astype(float)
    known = np.maximum(count, 1)
    mean = np.bincount(owner[use], corrected[use], minlength=n_tracks) / known
    rest = (corrected - mean[owner])[use]
    spread = np.sqrt(np.bincount(owner[use], rest**2, minlength=n_tracks).sum() / count.sum())
    error = spread * np.sqrt(2 / known)
    mean[count < 3] = np.nan
    return mean, error


def size_shares(log_likelihood: Floats, weight: Floats) -> Floats:
    """Share (sizes,) of each size among tracks of which only likelihoods (tracks, sizes) are known.

    Rough: so many rounds of expectation maximisation that it is not yet broken into spikes.
    """
    return _rough_shares(_relative(log_likelihood), weight)


def _rough_shares(likelihood: Floats, weight: Floats) -> Floats:
    n_sizes = likelihood.shape[1]
    return _more_likely(np.full(n_sizes, 1 / n_sizes), likelihood, weight, SIZE_ROUNDS)


def _more_likely(p: Floats, likelihood: Floats, weight: Floats, rounds: int) -> Floats:
    """Shares after so many rounds of expectation maximisation."""
    for _ in range(rounds):
        p = p * (likelihood.T @ (weight / np.maximum(likelihood @ p, 1e-300))) / weight.sum()
    return p


def _relative(log_likelihood: Floats) -> Floats:
    return np.asarray(np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True)))


def fit_law(
    log_likelihood: Floats,
    diameter_nm: Floats,
    log_seen: Floats,
    error: Floats,
    weight: Floats,
    look: Look,
) -> Law | None:
    """Fit the law to tracks whose sizes are known by their likelihoods only.

    Parameters
    ----------
    log_likelihood : ndarray, (tracks, sizes)
        Of each diameter, up to a constant a track.
    diameter_nm : ndarray, (sizes,)
        Ascending.
    log_seen, error : ndarray, (tracks,)
        From `focus_brightness`; the error beyond the spread of `look`.
    weight : ndarray, (tracks,)
        How much each track counts.
    look : Look
        How a brightness looks.

    Returns
    -------
    Law or None
        None with fewer than `FEWEST_TRACKS`.

    Notes
    -----
    Both the sizes and the brightnesses are uncertain. The sizes of all tracks are a free mixture
    over the grid, fitted together with the law (maximum likelihood; a normal expectation about
    Rayleigh's exponent stands in where there is one size only). The grid has to be finer than
    the spread of `look` over the exponent: particles of one size fall on one of its sizes.
    """
    good = np.flatnonzero(np.isfinite(log_seen))
    if len(good) < FEWEST_TRACKS:
        return None
    good = good[:: -(-len(good) // MOST_TRACKS)]
    weight = weight[good] / weight[good].mean()
    seen, error = log_seen[good], error[good]
    likelihood = _relative(log_likelihood[good])
    p = _rough_shares(likelihood, weight)
    often = np.flatnonzero(p > LEAST_SHARE * p.max())
    held = slice(max(often[0] - 1, 0), often[-1] + 2)
    likelihood, p = likelihood[:, held], p[held]
    x = np.log(diameter_nm[held] / REFERENCE_NM)
    there = look.true_of(seen)
    # by positions: of one size, too, some tracks are short, far from the focal plane, and faint
    low, high = (_weighted_quantile(there, weight, share) for share in (0.16, 0.84))
    one_size = (high - low) / 2 < ONE_SIZE_SD

    def densities(theta: Floats) -> Floats:
        level, exponent, log_scatter = theta
        mean, slope, spread = look.of(level + exponent * x)
        variance = (slope * np.exp(log_scatter)) ** 2 + spread**2 + error[:, None] ** 2
        rest = seen[:, None] - mean
        return np.asarray(np.exp(-0.5 * rest**2 / variance) / np.sqrt(variance) + ASTRAY)

    # sizes first, by themselves: along the ridge of larger sizes and less light the fit of both
    # together creeps, and would stay about where it begins
    expected = likelihood * p
    expected /= np.maximum(expected.sum(axis=1, keepdims=True), 1e-300)
    rough = _weighted_quantile(there - RAYLEIGH * (expected @ x), weight, 0.5)
    begin = np.array([rough, RAYLEIGH, np.log(0.3)])
    theta, p = _with_sizes(densities, likelihood, weight, begin, p, one_size)
    both = likelihood * densities(theta) * p
    posterior = both / np.maximum(both.sum(axis=1, keepdims=True), 1e-300)
    spread_x = posterior @ x**2 - (posterior @ x) ** 2
    _, slope, spread = look.of(there)
    unsure = np.hypot(error, spread) / np.maximum(slope, SHALLOWEST)
    unsure = np.sqrt(unsure**2 + theta[1] ** 2 * np.maximum(spread_x, 0.0))
    covariance = _covariance(posterior, x, weight, np.exp(theta[2]), unsure)
    place = float((weight @ posterior @ x) / weight.sum())
    source = "fitted to the tracks"
    if one_size:
        # known at one size only: errors grow away from it
        away = np.array([-place, 1.0])
        covariance = covariance[0, 0] * np.diag([1.0, 0.0]) + ASSUMED_SD**2 * np.outer(away, away)
        covariance += 1e-8 * np.eye(2)
        source = "assumed, after Rayleigh: the particles are nearly of one size"
    middle = float(np.exp(place) * REFERENCE_NM)
    shares = np.zeros(len(diameter_nm))
    shares[held] = p
    return Law(theta[0], theta[1], float(np.exp(theta[2])), covariance, middle, source, shares)


def _with_sizes(
    densities: Callable[[Floats], Floats],
    likelihood: Floats,
    weight: Floats,
    theta: Floats,
    p: Floats,
    one_size: bool,
) -> tuple[Floats, Floats]:
    """Level, exponent and ln(scatter) of the maximum, and the shares (sizes,) of all sizes."""
    exponent_sd = 1e-3 if one_size else EXPONENT_SD

    def cost(theta: Floats) -> float:
        value = -float(weight @ np.log(np.maximum((likelihood * densities(theta)) @ p, 1e-300)))
        prior = 0.5 * ((theta[1] - RAYLEIGH) / exponent_sd) ** 2
        outside = max(np.log(LEAST_SCATTER) - theta[2], theta[2] - np.log(MOST_SCATTER), 0.0)
        outside += max(EXPONENTS[0] - theta[1], theta[1] - EXPONENTS[1], 0.0)
        return float(value + prior + 1e3 * outside**2)

    for _ in range(LAW_ROUNDS):
        p = _more_likely(p, likelihood * densities(theta), weight, SHARE_ROUNDS)
        before = theta
        theta = minimize(cost, theta, method="Nelder-Mead", options=CONVERGED).x
        if np.abs(theta - before).max() < 3e-3:
            break
    return theta, p


def _weighted_quantile(values: Floats, weight: Floats, share: float) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(reached, reached[-1] * share)])


def _covariance(
    posterior: Floats, x: Floats, weight: Floats, scatter: float, error: Floats
) -> Floats:
    """Covariance of level and exponent, as of a straight line through the expected sizes."""
    mean = posterior @ x
    precision = weight / (scatter**2 + error**2)
    design = np.column_stack([np.ones_like(mean), mean])
    information = (design * precision[:, None]).T @ design
    information[1, 1] += 1 / EXPONENT_SD**2
    return np.asarray(np.linalg.inv(information))
