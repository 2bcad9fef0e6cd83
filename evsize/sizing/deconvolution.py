"""Smooth distribution of sizes that explains the likelihoods of all tracks.

A mixture over a grid of diameters whose logarithm is a spline in ln(diameter), with a penalty on
its third derivative: where the data are silent the distribution becomes log-normal, of any width.
Silverman, Ann. Stat. 10, 795 (1982); Walker, Meas. Sci. Technol. 23, 065605 (2012); Silmore et
al., ACS Nano 13, 3940 (2019). The strength of the penalty is chosen by cross-validation: the
smoothest distribution that predicts tracks left out as well as the best one, within its error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.linalg import LinAlgError, cho_factor, cho_solve

Floats = NDArray[np.float64]

KNOT_SPACING = 0.09
"""Distance of the spline's knots in ln(diameter)."""
NARROWEST = 0.02
"""Relative width (standard deviation) below which no population is resolved."""
STRENGTHS = (1e4, 1e3, 1e2, 1e1, 1e0, 1e-1, 1e-2)
RIDGE = 1e-9
CURVATURE = 1e-4
"""Weak penalty on the second derivative: without it a perfectly uniform standard would be fitted
by an ever narrower peak, and never converge. It costs 0.3 units of log-likelihood at a relative
width of 3 % and nothing above."""
ENOUGH = 0.01
"""Gain in log-likelihood below which a fit has converged: far below what data can tell apart."""
N_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted distribution.

    Attributes
    ----------
    shares : ndarray, (sizes,)
        Shares of the population, summing to 1.
    coefficients : ndarray, (splines,)
        Of the logarithm of the shares before the narrowest width is applied.
    strength : float
        Strength of the smoothness penalty.
    """

    shares: Floats
    coefficients: Floats
    strength: float


class Deconvolution:
    """The likelihoods of a set of tracks, ready to be fitted with any weights.

    Parameters
    ----------
    log_likelihood : ndarray, (tracks, sizes)
        Up to a constant a track.
    diameter_nm : ndarray, (sizes,)
        Logarithmic grid, ascending.
    """

    def __init__(self, log_likelihood: Floats, diameter_nm: Floats) -> None:
        log_d = np.log(diameter_nm)
        likelihood = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
        self.kernel = _kernel(log_d, NARROWEST)
        self.likelihood = likelihood @ self.kernel
        self.basis = _splines(log_d, KNOT_SPACING)
        difference = np.diff(np.eye(self.basis.shape[1]), n=3, axis=0)
        self.penalty = difference.T @ difference
        second = np.diff(np.eye(self.basis.shape[1]), n=2, axis=0)
        self.always = CURVATURE * second.T @ second + RIDGE * np.eye(self.basis.shape[1])

    def fit(self, weights: Floats, strength: float, start: Fit | None = None) -> Fit:
        """Fit the distribution with a given strength of the penalty.

        Parameters
        ----------
        weights : ndarray, (tracks,)
            Weight of each track; only their ratios and the number of tracks that they amount to,
            (sum w)^2 / sum w^2, matter.
        strength : float
            Strength of the smoothness penalty.
        start : Fit, optional
            Where to start.
        """
        theta = self._first(weights) if start is None else start.coefficients
        return self._fit(weights * effective_share(weights), strength, theta)

    def choose(self, weights: Floats, unit: NDArray[np.int64]) -> Fit:
        """Fit with the strength that cross-validation chooses.

        Parameters
        ----------
        weights : ndarray, (tracks,)
            Weight of each track.
        unit : ndarray of int, (tracks,)
            Independent unit (block of space and time) of each track; units are left out whole.
        """
        scaled = weights * effective_share(weights)
        fold = unit % N_FOLDS
        predicted = np.zeros((len(STRENGTHS), len(weights)))
        first = self._first(weights)
        for left_out in range(N_FOLDS):
            out = fold == left_out
            if not out.any() or out.all():
                continue
            theta = first
            for row, strength in enumerate(STRENGTHS):
                fitted = self._fit(np.where(out, 0.0, scaled), strength, theta)
                theta = fitted.coefficients
                mixed = self.likelihood[out] @ self._shares(theta)
                predicted[row, out] = scaled[out] * np.log(np.maximum(mixed, 1e-300))
        total = predicted.sum(axis=1)
        best = int(np.argmax(total))
        chosen = best
        for row in range(best):  # from the smoothest on
            difference = np.bincount(unit, predicted[best] - predicted[row])
            error = float(np.sqrt((difference**2).sum()))
            if total[best] - total[row] <= error:
                chosen = row
                break
        start = None
        for strength in STRENGTHS[: chosen + 1]:
            start = self.fit(weights, strength, start)
        assert start is not None
        return start

    def reweighted(self, fit: Fit, weights: Floats) -> Floats:
        """Shares in which each track counts by its weight, whatever it told about its size.

        A long track tells more about its size and stands for more positions. Weighted in the
        likelihood it would count by both, and a few long tracks would decide; so all tracks are
        fitted alike, and each track's posterior is weighted afterwards.

        Parameters
        ----------
        fit : Fit
            Fitted to the same tracks.
        weights : ndarray, (tracks,)
            Positions of each track, times how often it was drawn.

        Returns
        -------
        ndarray, (sizes,)
            Summing to 1.
        """
        inner = self._shares(fit.coefficients)
        mixed = np.maximum(self.likelihood @ inner, 1e-300)
        posterior = inner * (self.likelihood.T @ (weights / mixed))
        return np.asarray(self.kernel @ (posterior / posterior.sum()))

    def _shares(self, theta: Floats) -> Floats:
        eta = self.basis @ theta
        p = np.exp(eta - eta.max())
        return np.asarray(p / p.sum())

    def _first(self, weights: Floats) -> Floats:
        n_sizes = self.likelihood.shape[1]
        shares = np.full(n_sizes, 1 / n_sizes)
        for _ in range(10):
            shares = shares * (self.likelihood.T @ (weights / (self.likelihood @ shares)))
            shares /= shares.sum()
        target = np.log(shares + 1e-4 / n_sizes)
        smooth = self.basis.T @ self.basis + 1e-2 * self.penalty
        return np.asarray(np.linalg.solve(smooth, self.basis.T @ target))

    def _objective(self, weights: Floats, strength: float, theta: Floats) -> float:
        mixed = self.likelihood @ self._shares(theta)
        penalty = theta @ (strength * self.penalty + self.always) @ theta
        return float(weights @ np.log(np.maximum(mixed, 1e-300)) - 0.5 * penalty)

    def _fit(self, weights: Floats, strength: float, theta: Floats) -> Fit:
        prior = strength * self.penalty + self.always
        value = self._objective(weights, strength, theta)
        damping = 1e-3
        for _ in range(100):
            shares = self._shares(theta)
            mixed = np.maximum(self.likelihood @ shares, 1e-300)
            # posterior mean of each spline for each track, less the mean over the population
            score = (self.likelihood * shares) @ self.basis / mixed[:, None] - shares @ self.basis
            gradient = weights @ score - prior @ theta
            information = (score * weights[:, None]).T @ score
            # damping in proportion to what the data say: the penalty is far stiffer, and would
            # hold back the directions that it leaves free
            scale = np.diag(np.diag(information) + 1e-4)
            gained = 0.0
            while damping < 1e8:
                lifted = information + prior + damping * scale
                try:
                    step = cho_solve(cho_factor(lifted), gradient)
                except LinAlgError:  # a stiff penalty next to nothing: not positive in rounding
                    damping *= 4
                    continue
                tried = self._objective(weights, strength, theta + step)
                if tried > value:
                    gained, value, theta = tried - value, tried, theta + step
                    damping = max(damping / 10, 1e-9)
                    break
                damping *= 4
            if gained < ENOUGH and damping < 1:
                break
            if gained == 0:
                break
        return Fit(self.kernel @ self._shares(theta), theta, strength)


def effective_share(weights: Floats) -> float:
    """Factor that makes weights add up to the number of tracks that they amount to."""
    return float(weights.sum() / (weights**2).sum())


def _kernel(log_d: Floats, sd: float) -> Floats:
    """Columns: a population of relative width `sd` at each diameter, normalised on the grid."""
    kernel = np.exp(-0.5 * ((log_d[:, None] - log_d[None, :]) / sd) ** 2)
    return np.asarray(kernel / kernel.sum(axis=0))


def _splines(log_d: Floats, spacing: float) -> Floats:
    n = int(np.ceil((log_d[-1] - log_d[0]) / spacing))
    step = (log_d[-1] - log_d[0]) / n
    knots = log_d[0] + step * np.arange(-3, n + 4)
    inside = np.clip(log_d, log_d[0], log_d[-1] - 1e-9)
    return np.asarray(BSpline.design_matrix(inside, knots, 3).toarray())
