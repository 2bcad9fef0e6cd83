"""The fit of a brightness law and of the sizes of its tracks to both together."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from evsize.completeness.look import SHALLOWEST, Look

Floats = NDArray[np.float64]

RAYLEIGH = 6.0
"""Exponent for particles much smaller than the wavelength."""
EXPONENT_SD = 0.7
"""Prior: vesicles are shells, large particles leave Rayleigh's law, some instruments compress."""
ASTRAY = 0.03
"""Density of tracks that may be anything: two particles taken for one, pieces of bright ones."""
CONVERGED: Any = {"xatol": 1e-3, "fatol": 1e-2}
SIZE_ROUNDS = 60
LAW_ROUNDS, SHARE_ROUNDS = 12, 15
LEAST_SCATTER = 0.05
MOST_SCATTER = 1.5


class Expected(NamedTuple):
    """What is expected of the exponent: about how much, how surely, and within which range.

    Beyond the range it is the measurement that is off.
    """

    exponent: float
    sd: float
    low: float
    high: float = 7.0


SCATTERED = Expected(RAYLEIGH, EXPONENT_SD, 3.0)
ONE_SIZE = Expected(RAYLEIGH, 1e-3, 3.0)
ANY = Expected(2.0, np.inf, 0.0)
"""Of fluorescent light: d^2 from dyed membranes, d^3 from what vesicles hold; 0 in simulations."""
SAME = Expected(0.0, 1e-3, 0.0)


def rough_shares(likelihood: Floats, weight: Floats) -> Floats:
    """Share (sizes,) of each size among tracks of which only likelihoods (tracks, sizes) are known.

    Rough: so many rounds of expectation maximisation that it is not yet broken into spikes.
    """
    n_sizes = likelihood.shape[1]
    return _more_likely(np.full(n_sizes, 1 / n_sizes), likelihood, weight, SIZE_ROUNDS)


def _more_likely(p: Floats, likelihood: Floats, weight: Floats, rounds: int) -> Floats:
    """Shares after so many rounds of expectation maximisation."""
    for _ in range(rounds):
        p = p * (likelihood.T @ (weight / np.maximum(likelihood @ p, 1e-300))) / weight.sum()
    return p


def relative(log_likelihood: Floats) -> Floats:
    """Likelihoods (tracks, sizes), that of the likeliest size of each track being 1."""
    return np.asarray(np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True)))


class Fit(NamedTuple):
    """A fit, with what was expected of it.

    Attributes
    ----------
    theta : ndarray, (3,)
        Level, exponent and ln(scatter).
    shares : ndarray, (sizes,)
    cost : float
        -ln(likelihood), and what is expected taken into account.
    covariance : ndarray, (2, 2)
        Of level and exponent.
    place : float
        Mean of ln(d / 100 nm).
    expected : Expected
    """

    theta: Floats
    shares: Floats
    cost: float
    covariance: Floats
    place: float
    expected: Expected

    def known_at_one_size(self, exponent_sd: float) -> Fit:
        """The same, the exponent being assumed."""
        away = np.array([-self.place, 1.0])
        covariance = self.covariance[0, 0] * np.diag([1.0, 0.0])
        covariance += exponent_sd**2 * np.outer(away, away)
        return self._replace(covariance=covariance + 1e-8 * np.eye(2))


class Observed(NamedTuple):
    """Tracks, and what is known of each.

    Attributes
    ----------
    likelihood : ndarray, (tracks, sizes)
    rough : ndarray, (sizes,)
        Shares by motion alone.
    x : ndarray, (sizes,)
        ln(d / 100 nm).
    seen, there : ndarray, (tracks,)
        ln(brightness) as measured, and what it looks like.
    error, weight : ndarray, (tracks,)
        As of `evsize.completeness.brightness.fit_law`.
    look : Look
    """

    likelihood: Floats
    rough: Floats
    x: Floats
    seen: Floats
    there: Floats
    error: Floats
    weight: Floats
    look: Look

    def densities(self, theta: Floats) -> Floats:
        """Of the brightness of each track (tracks, sizes), were it of each size."""
        level, exponent, log_scatter = theta
        mean, slope, spread = self.look.of(level + exponent * self.x)
        variance = (slope * np.exp(log_scatter)) ** 2 + spread**2 + self.error[:, None] ** 2
        rest = self.seen[:, None] - mean
        return np.asarray(np.exp(-0.5 * rest**2 / variance) / np.sqrt(variance) + ASTRAY)

    def fit(self, expected: Expected) -> Fit:
        """Fit law and sizes."""
        # sizes first, by themselves: along the ridge of larger sizes and less light the fit of both
        # together creeps, and would stay about where it begins
        sizes = self.likelihood * self.rough
        sizes /= np.maximum(sizes.sum(axis=1, keepdims=True), 1e-300)
        first = self.there - expected.exponent * (sizes @ self.x)
        level = weighted_quantile(first, self.weight, 0.5)
        begin = np.array([level, expected.exponent, np.log(0.3)])
        theta, p, cost = _with_sizes(self, begin, expected)
        both = self.likelihood * self.densities(theta) * p
        posterior = both / np.maximum(both.sum(axis=1, keepdims=True), 1e-300)
        x = self.x
        spread_x = posterior @ x**2 - (posterior @ x) ** 2
        _, slope, spread = self.look.of(self.there)
        unsure = np.hypot(self.error, spread) / np.maximum(slope, SHALLOWEST)
        unsure = np.sqrt(unsure**2 + theta[1] ** 2 * np.maximum(spread_x, 0.0))
        sd = max(expected.sd, EXPONENT_SD)
        covariance = _covariance(posterior, x, self.weight, np.exp(theta[2]), unsure, sd)
        place = float((self.weight @ posterior @ x) / self.weight.sum())
        return Fit(theta, p, cost, covariance, place, expected)


def _with_sizes(data: Observed, theta: Floats, expected: Expected) -> tuple[Floats, Floats, float]:
    """Level, exponent and ln(scatter) of the maximum, the shares (sizes,), -ln(likelihood)."""
    likelihood, weight, p = data.likelihood, data.weight, data.rough

    def cost(theta: Floats) -> float:
        value = -float(
            weight @ np.log(np.maximum((likelihood * data.densities(theta)) @ p, 1e-300))
        )
        prior = 0.5 * ((theta[1] - expected.exponent) / expected.sd) ** 2
        outside = max(np.log(LEAST_SCATTER) - theta[2], theta[2] - np.log(MOST_SCATTER), 0.0)
        outside += max(expected.low - theta[1], theta[1] - expected.high, 0.0)
        return float(value + prior + 1e3 * outside**2)

    for _ in range(LAW_ROUNDS):
        p = _more_likely(p, likelihood * data.densities(theta), weight, SHARE_ROUNDS)
        before = theta
        theta = minimize(cost, theta, method="Nelder-Mead", options=CONVERGED).x
        if np.abs(theta - before).max() < 3e-3:
            break
    return theta, p, cost(theta)


def weighted_quantile(values: Floats, weight: Floats, share: float) -> float:
    """Value below which so large a share of the weight lies."""
    order = np.argsort(values)
    reached = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(reached, reached[-1] * share)])


def _covariance(
    posterior: Floats, x: Floats, weight: Floats, scatter: float, error: Floats, exponent_sd: float
) -> Floats:
    """Covariance of level and exponent, as of a straight line through the expected sizes."""
    mean = posterior @ x
    precision = weight / (scatter**2 + error**2)
    design = np.column_stack([np.ones_like(mean), mean])
    information = (design * precision[:, None]).T @ design
    information[1, 1] += 1 / exponent_sd**2
    return np.asarray(np.linalg.inv(information))
