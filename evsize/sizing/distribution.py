"""The distribution of all tracks together: fitted, resampled, and asked for figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from evsize.results import Estimate
from evsize.sizing import intervals, modality, resampling, summary
from evsize.sizing.deconvolution import Deconvolution, Fit
from evsize.sizing.view import Depths

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EVIDENCE = 2.0
"""Gain in log-likelihood that a peak needs. Of single log-normal populations 15 to 20 % wide,
fewer than one in fifty gain as much (see docs/validation/accuracy.md)."""
MIN_UNITS = 1.5
"""Equal units below which nothing can be said of the spread."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A size distribution and its resamples.

    Attributes
    ----------
    shares : ndarray, (sizes,)
        Share of each size.
    resampled : ndarray, (resamples, sizes)
        The same from resampled particles; no row where there are too few to resample.
    number, resampled_number : float, ndarray, (resamples,)
        Positions over depth, summed over all sizes, 1/um; in the resamples the number of
        particles there are scatters as well.
    posterior : ndarray, (groups, sizes)
        What a track of each group adds to each size.
    group, unit : ndarray of int, (tracks,)
        Group, and particle, of each track.
    weights : ndarray, (tracks,)
        Weight of each track: its positions.
    strength : float
        Strength of the smoothness penalty.
    tops : list of int
        Places of the peaks that the data support.
    """

    shares: Floats
    resampled: Floats
    number: float
    resampled_number: Floats
    posterior: Floats
    group: Ints
    unit: Ints
    weights: Floats
    strength: float
    tops: list[int]

    def estimate(
        self,
        figure: Callable[[Floats], float],
        of_size: Floats | None = None,
        bounds: tuple[float, float] = (-np.inf, np.inf),
    ) -> Estimate:
        """Work out a figure with its 95 % interval.

        Parameters
        ----------
        figure : callable
            Takes shares.
        of_size : ndarray, (sizes,), optional
            What a particle of each size adds to the figure, to any scale; None where that cannot
            be said.
        bounds : (float, float)
            Range of what the figure can be.
        """
        value = figure(self.shares)
        if not len(self.resampled):
            return Estimate(value=value)
        resampled = np.array([figure(row) for row in self.resampled])
        skewed, freedom = 0.0, resampling.effective_number(self.unit, self.weights) - 1
        if of_size is not None:
            centred = (self.posterior @ (of_size - float(self.shares @ of_size)))[self.group]
            skewed, even = intervals.skewness_and_freedom(self.weights * centred, self.unit)
            freedom = min(freedom, even)
        low, high = intervals.interval(value, resampled, skewed, freedom)
        return Estimate(value=value, low=max(low, bounds[0]), high=min(high, bounds[1]))

    def amount(self, part: Floats) -> Estimate:
        """Positions over depth of a part of the sizes, 1/um, with its 95 % interval.

        Parameters
        ----------
        part : ndarray, (sizes,)
            Share of each size that belongs to it.
        """
        value = self.number * float(self.shares @ part)
        if not len(self.resampled):
            return Estimate(value=value)
        resampled = self.resampled_number * (self.resampled @ part)
        skewed, freedom = intervals.skewness_and_freedom(
            self.weights * (self.posterior @ part)[self.group], self.unit
        )
        low, high = intervals.interval(value, resampled, skewed, max(freedom, 1.0))
        return Estimate(value=value, low=max(low, 0.0), high=high)


def fit(
    mixture: Deconvolution,
    weights: Floats,
    unit: Ints,
    diameter_nm: Floats,
    depths: Depths,
    n_resamples: int,
    rng: np.random.Generator,
    common_se: float = 0.0,
) -> Distribution:
    """Fit the distribution and refit it to resampled particles.

    Parameters
    ----------
    mixture : Deconvolution
        The tracks' likelihoods.
    weights : ndarray, (tracks,)
        Positions of each track.
    unit : ndarray of int, (tracks,)
        Particle of each track, from 0.
    diameter_nm : ndarray, (sizes,)
        Grid.
    depths : Depths
        How deep each size is seen.
    n_resamples : int
        Number of resamples.
    rng : Generator
        Draws the particles, and with them the localisation noise, the smoothing bias, the depths
        and what is common to all sizes.
    common_se : float
        Relative standard error that all diameters share.
    """
    once = np.ones(len(weights))
    chosen, tops = _choose(mixture, once, unit, diameter_nm, depths)
    shares, number = _counted(mixture.reweighted(chosen, weights) * weights.sum(), depths)
    rows, numbers = [], []
    enough = resampling.effective_number(unit, weights) > MIN_UNITS
    n_units = int(unit.max()) + 1
    chance, common = rng.spawn(2)
    edges = summary.bin_edges(diameter_nm)
    for counts in resampling.weights(unit, n_resamples if enough else 0, rng):
        drawn = mixture.with_noise(mixture.noise_shift(counts, rng))
        deep = depths.drawn(chance)
        drawn = drawn.with_seen(deep.log_depth)
        refitted = drawn.fit(counts, chosen.strength, chosen, rng)
        seen = drawn.reweighted(refitted, counts * weights) * float(counts @ weights)
        row, total = _counted(seen, deep)
        rows.append(summary.scaled(row, edges, np.exp(common_se * common.standard_normal())))
        # how many particles there were is chance, too: resampling keeps their number
        numbers.append(total * chance.poisson(n_units) / n_units)
    return Distribution(
        shares,
        np.array(rows).reshape(-1, len(diameter_nm)),
        number,
        np.array(numbers),
        depths.per_volume(mixture.posterior(chosen)),
        mixture.group,
        unit,
        weights,
        chosen.strength,
        tops,
    )


def _counted(seen: Floats, depths: Depths) -> tuple[Floats, float]:
    """Shares per volume, and positions over depth; of what counts, if anything does."""
    amount = depths.per_volume(seen)
    total = float(amount.sum())
    return (amount / total, total) if total > 0 else (seen / seen.sum(), 0.0)


def _choose(
    mixture: Deconvolution, once: Floats, unit: Ints, diameter_nm: Floats, depths: Depths
) -> tuple[Fit, list[int]]:
    """Choose the smoothest fit that predicts well and shows as many peaks as the data support."""
    fits, smoothest, best = mixture.path(once, unit)
    candidates = fits[smoothest : best + 1]
    places = [
        _supported(mixture, once, unit, depths.per_volume(fitted.shares), diameter_nm)
        for fitted in candidates
    ]
    most = max(range(len(places)), key=lambda row: len(places[row]))  # the first such
    return candidates[most], places[most]


def _supported(
    mixture: Deconvolution, once: Floats, unit: Ints, shares: Floats, diameter_nm: Floats
) -> list[int]:
    """Places of the peaks of a fit, those joined whose valley the data do not demand."""
    found = summary.tops(shares, diameter_nm)
    density = summary.smoothed(shares, diameter_nm)
    while len(found) > 1:
        gains = [
            _evidence(mixture, once, unit, first, second, found[:row] + found[row + 2 :])
            for row, (first, second) in enumerate(pairwise(found))
        ]
        weakest = int(np.argmin(gains))
        if gains[weakest] >= EVIDENCE:
            break
        found = summary.joined(found, weakest, density)
    return found


def _evidence(
    mixture: Deconvolution, once: Floats, unit: Ints, first: int, second: int, others: list[int]
) -> float:
    """Gain of a second peak as if every particle had left one track.

    Several tracks of one particle repeat what it says: the gain is divided by the design effect,
    the variance of the particles' gains over that of as many independent tracks.
    """
    counts = np.bincount(mixture.group, once).astype(float)
    total, each = modality.gain(mixture.likelihood, counts, first, second, others)
    spread = (each - total / len(once))[mixture.group]
    apart = float((spread**2).sum())
    together = float((np.bincount(unit, spread) ** 2).sum())
    return total / max(together / apart, 1.0) if apart > 0 else 0.0
