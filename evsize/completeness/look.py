"""How bright particles of known brightness look: what the injected ones show."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WIDTH = 0.5
"""Standard deviation of the weight in ln(brightness) by which neighbours count."""
PLACES = 41
SHALLOWEST, STEEPEST = 0.2, 1.2
"""Growth of what is seen with what is there: less where spots saturate, hardly ever more than 1."""
CLIP = 3.0


class Look(NamedTuple):
    """Measured ln(brightness) of tracks, given the true one in focus.

    Attributes
    ----------
    true : ndarray, (m,)
        ln(brightness), ascending.
    seen, spread : ndarray, (m,)
        Mean and standard deviation of what is measured of it.
    """

    true: Floats
    seen: Floats
    spread: Floats

    def of(self, true: Floats) -> tuple[Floats, Floats, Floats]:
        """Mean, slope and spread of what is seen of each; beyond the ends straight on."""
        slopes = np.gradient(self.seen, self.true)
        slope = np.interp(true, self.true, slopes)
        inside = np.clip(true, self.true[0], self.true[-1])
        mean = np.interp(inside, self.true, self.seen) + slope * (true - inside)
        return mean, slope, np.interp(true, self.true, self.spread)

    def true_of(self, seen: Floats) -> Floats:
        """Brightness that looks like this in the mean."""
        rising = np.maximum.accumulate(self.seen) + 1e-9 * np.arange(len(self.seen))
        inside = np.clip(seen, rising[0], rising[-1])
        return np.asarray(np.interp(inside, rising, self.true) + seen - inside)


def as_it_is() -> Look:
    """What is seen is what is there."""
    ends = np.array([0.0, 1.0])
    return Look(ends, ends, np.zeros(2))


def learn(true: Floats, seen: Floats, weight: Floats) -> Look:
    """Fit how brightness looks to tracks (n,) of which both are known.

    Notes
    -----
    A local straight line (Cleveland, J. Am. Stat. Assoc. 74, 829 (1979)) of what is seen against
    what is there, not the other way round: what is there, given what is seen, depends on how many
    particles of each brightness there are, and those injected are others than the recording's.
    """
    low, high = np.quantile(true, [0.01, 0.99])
    at = np.linspace(float(low), float(high), PLACES)
    near = np.exp(-0.5 * ((at[:, None] - true) / WIDTH) ** 2) * weight
    near /= near.sum(axis=1, keepdims=True)
    middle, height = near @ true, near @ seen
    width = np.maximum(near @ true**2 - middle**2, 1e-9)
    slope = np.clip((near @ (true * seen) - middle * height) / width, SHALLOWEST, STEEPEST)
    mean = height + slope * (at - middle)
    rest = seen - np.interp(true, at, mean)
    rest = np.clip(rest, -CLIP * rest.std(), CLIP * rest.std())
    return Look(at, mean, np.sqrt(near @ rest**2))
