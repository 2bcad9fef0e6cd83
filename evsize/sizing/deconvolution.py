"""Smooth distribution of sizes that explains the likelihoods of all tracks.

A mixture over a grid of diameters whose logarithm is a spline in ln(diameter), with a penalty on
its third derivative: where the data are silent the distribution becomes log-normal, of any width.
Silverman, Ann. Stat. 10, 795 (1982); Walker, Meas. Sci. Technol. 23, 065605 (2012); Silmore et
al., ACS Nano 13, 3940 (2019). The strength of the penalty is chosen by cross-validation: the
smoothest distribution that predicts tracks left out as well as the best one, within its error.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from evsize.results import NoiseUncertainty
from evsize.sizing import grouping

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KNOT_SPACING = 0.09
"""Distance of the spline's knots in ln(diameter)."""
NARROWEST = 0.02
"""Relative width (standard deviation) below which no population is resolved."""
STRENGTHS = (1e4, 1e3, 1e2, 1e1, 1e0, 1e-1, 1e-2, 1e-3)
RIDGE = 1e-9
CURVATURE = 1e-4
"""Weak penalty on the second derivative: without it a perfectly uniform standard would be fitted
by an ever narrower peak, and never converge. It costs 0.3 units of log-likelihood at a relative
width of 3 % and nothing above."""
ENOUGH = 5e-3
"""Gain in log-likelihood below which a fit has converged. What is still to be gained is of this
size, and displaces no figure by more than sqrt(2 ENOUGH), 1/10, of its standard error."""
N_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted distribution.

    Attributes
    ----------
    shares : ndarray, (sizes,)
        Shares of what is seen, summing to 1.
    coefficients : ndarray, (splines,)
        Of the logarithm of the shares of what is there, before the narrowest width is applied.
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
    noise : NoiseUncertainty, optional
        What `with_noise` needs; its slopes in the order of `diameter_nm`.
    log_seen : ndarray, (sizes,), optional
        ln of how much of each size is seen: the distribution that is smooth is that of what is
        there, and what is seen is less by this. By default all sizes are seen alike.
    """

    def __init__(
        self,
        log_likelihood: Floats,
        diameter_nm: Floats,
        noise: NoiseUncertainty | None = None,
        log_seen: Floats | None = None,
    ) -> None:
        self.log_d = log_d = np.log(diameter_nm)
        self.log_seen = np.zeros(len(log_d)) if log_seen is None else log_seen
        relative = log_likelihood - log_likelihood.max(axis=1, keepdims=True)
        self.group = grouping.alike(relative, log_d)
        self.log_likelihood = grouping.means(relative, self.group)
        self.noise = noise
        self.slopes = (
            []
            if noise is None
            else [grouping.means(noise.slope * part[:, None], self.group) for part in noise.shape.T]
        )
        self.kernel = _kernel(log_d, NARROWEST)
        self.basis = _splines(log_d, KNOT_SPACING)
        identity = np.eye(self.basis.shape[1])
        self.third = np.diff(identity, n=3, axis=0)
        self.second = np.sqrt(CURVATURE) * np.diff(identity, n=2, axis=0)
        self.penalty = self.third.T @ self.third
        self.always = self.second.T @ self.second + RIDGE * identity
        self.likelihood = self._likelihood(self.log_likelihood)

    def _likelihood(self, log_likelihood: Floats) -> Floats:
        top = log_likelihood.max(axis=1, keepdims=True)
        return np.asarray(np.exp(log_likelihood - top) @ self.kernel)

    def noise_shift(self, weights: Floats, rng: np.random.Generator) -> Floats:
        """Change of the noise parameters when the tracks count `weights` times."""
        if self.noise is None:
            return np.zeros(0)
        expected = rng.standard_normal(self.noise.prior_sd.shape[1])
        return np.asarray((weights - 1) @ self.noise.influence + self.noise.prior_sd @ expected)

    def with_noise(self, shift: Floats) -> Deconvolution:
        """Return the same tracks with other parameters of the localisation noise.

        Parameters
        ----------
        shift : ndarray, (parameters,)
            Change of each parameter.
        """
        if not self.slopes:
            return self
        other = copy(self)
        moved = sum(change * slope for change, slope in zip(shift, self.slopes, strict=True))
        other.likelihood = self._likelihood(self.log_likelihood + moved)
        return other

    def with_seen(self, log_seen: Floats) -> Deconvolution:
        """Return the same tracks where sizes are seen otherwise."""
        other = copy(self)
        other.log_seen = log_seen
        return other

    def fit(
        self,
        weights: Floats,
        strength: float,
        start: Fit | None = None,
        rng: np.random.Generator | None = None,
    ) -> Fit:
        """Fit the distribution with a given strength of the penalty.

        Parameters
        ----------
        weights : ndarray, (tracks,)
            How often each track counts.
        strength : float
            Strength of the smoothness penalty.
        start : Fit, optional
            Where to start.
        rng : Generator, optional
            Draw what the penalty pulls towards from the distribution that the penalty stands for,
            in place of its mean. Refits to resampled tracks then scatter by the smoothing bias
            to be expected as well (Wahba, J. R. Stat. Soc. B 45, 133 (1983); Nychka, J. Am.
            Stat. Assoc. 83, 1134 (1988)).
        """
        counts = self._grouped(weights)
        theta = self._first(counts) if start is None else start.coefficients
        pull = np.zeros(len(theta))
        if rng is not None:
            pull = np.sqrt(strength) * rng.standard_normal(len(self.third)) @ self.third
            pull += rng.standard_normal(len(self.second)) @ self.second
        return self._fit(counts, strength, theta, pull)

    def path(self, weights: Floats, unit: Ints) -> tuple[list[Fit], int, int]:
        """Fit with all strengths, and say which of them predict well.

        Parameters
        ----------
        weights : ndarray, (tracks,)
            How often each track counts.
        unit : ndarray of int, (tracks,)
            Independent unit of each track, from 0; units are left out whole.

        Returns
        -------
        fits : list of Fit
            From the smoothest on.
        smoothest, best : int
            The fit that predicts units left out best, and the smoothest one that does as well
            within the error of the difference.
        """
        fits: list[Fit] = []
        for strength in STRENGTHS:
            fits.append(self.fit(weights, strength, fits[-1] if fits else None))
        predicted = self._predicted(weights, unit)
        total = predicted.sum(axis=1)
        best = int(np.argmax(total))
        error = np.sqrt(((predicted[best] - predicted) ** 2).sum(axis=1))
        return fits, int(np.argmax(total[best] - total <= error)), best

    def _predicted(self, weights: Floats, unit: Ints) -> Floats:
        """Log-likelihood (strengths, units) of each unit under fits to the others."""
        n_units = int(unit.max()) + 1
        counts = np.zeros((n_units, len(self.likelihood)))
        np.add.at(counts, (unit, self.group), weights)
        predicted = np.zeros((len(STRENGTHS), n_units))
        total = counts.sum(axis=0)
        first = self._first(total)
        for fold in range(min(N_FOLDS, n_units) if n_units > 1 else 0):
            out = np.arange(n_units) % N_FOLDS == fold
            theta = first
            for row, strength in enumerate(STRENGTHS):
                fitted = self._fit(total - counts[out].sum(axis=0), strength, theta, 0 * theta)
                theta = fitted.coefficients
                mixed = self.likelihood @ self._shares(theta)
                predicted[row, out] = counts[out] @ np.log(np.maximum(mixed, 1e-300))
        return predicted

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
        posterior = inner * (self.likelihood.T @ (self._grouped(weights) / mixed))
        return np.asarray(self.kernel @ (posterior / posterior.sum()))

    def posterior(self, fit: Fit) -> Floats:
        """Shares (groups, sizes) of each size for the tracks of each group, summing to 1."""
        posterior = self.likelihood * self._shares(fit.coefficients)
        return np.asarray(posterior / posterior.sum(axis=1, keepdims=True) @ self.kernel.T)

    def _grouped(self, weights: Floats) -> Floats:
        counts = np.bincount(self.group, weights, minlength=len(self.likelihood))
        return counts.astype(np.float64)

    def _shares(self, theta: Floats) -> Floats:
        """Shares of what is seen."""
        return _softmax(self.basis @ theta + self.log_seen)

    def _first(self, counts: Floats) -> Floats:
        n_sizes = self.likelihood.shape[1]
        shares = np.full(n_sizes, 1 / n_sizes)
        for _ in range(10):
            shares = shares * (self.likelihood.T @ (counts / (self.likelihood @ shares)))
            shares /= shares.sum()
        target = np.log(shares + 1e-4 / n_sizes) - self.log_seen
        smooth = self.basis.T @ self.basis + 1e-2 * self.penalty
        return np.asarray(np.linalg.solve(smooth, self.basis.T @ target))

    def _objective(self, counts: Floats, prior: Floats, theta: Floats, pull: Floats) -> float:
        mixed = self.likelihood @ self._shares(theta)
        data = counts @ np.log(np.maximum(mixed, 1e-300))
        return float(data - 0.5 * theta @ prior @ theta + pull @ theta)

    def _fit(self, counts: Floats, strength: float, theta: Floats, pull: Floats) -> Fit:
        prior = strength * self.penalty + self.always
        value = self._objective(counts, prior, theta, pull)
        damping = 1e-3
        for _ in range(100):
            shares = self._shares(theta)
            mixed = np.maximum(self.likelihood @ shares, 1e-300)
            # posterior mean of each spline for each track, less the mean over the population
            score = (self.likelihood * shares) @ self.basis / mixed[:, None] - shares @ self.basis
            gradient = counts @ score - prior @ theta + pull
            information = (score * counts[:, None]).T @ score
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
                tried = self._objective(counts, prior, theta + step, pull)
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


def _softmax(eta: Floats) -> Floats:
    p = np.exp(eta - eta.max())
    return np.asarray(p / p.sum())


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
