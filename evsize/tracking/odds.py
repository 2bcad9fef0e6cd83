"""Odds that two spots are the same particle, against an end and a beginning.

A link from a spot a to a spot b over m frames is as likely as a particle like a goes on as one
like b, times the density of its step; without it, a track like a ends and one like b, which may
be noise, begins somewhere. What particles of each strength do is learnt from links made before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evsize.tracking.steps import longer

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CLASSES = 8
"""Classes of strength, each with as many spots."""
LEAST_LINKS = 200
"""With fewer links made before, nothing is learnt from them."""
BORROWED = 5.0
"""Links' worth of what all spots do that is added to what the spots of a class do."""
LENIENCE = 1.0
"""Log-odds by which a link may be unlikely and is made. The steps learnt from are those found: the
longest are not among them. Of drawn films of 60 nm at an SNR of 6, D changes from -4 to 0 % with
it where the shutter is open for 75 % of the frame and from 0 to 3 % at 20 %, at 0.005 of
precision."""
WIDEST = 1.5
"""Mean squared step of weak spots in that of all, at most."""
FINENESS = 256
"""Distances at which the density of a step is worked out."""


@dataclass(frozen=True, slots=True)
class Odds:
    """Log-odds of a link.

    Attributes
    ----------
    spot_class : ndarray of int, (spots,)
        Class of strength of each spot.
    going_on : ndarray, (spans, classes, classes)
        Log-odds of a pair but for its distance, with `LENIENCE`, 1/um^2: frames spanned, class of
        the first and of the second spot.
    step : ndarray, (spans, classes, FINENESS)
        Logarithm of the density of a step, 1/um^2, by the class of the weaker of its two spots,
        over the square of its length.
    radius_um : ndarray, (spans,)
        Length at the end of each row of `step`: none is longer.
    """

    spot_class: Ints
    going_on: Floats
    step: Floats
    radius_um: Floats

    def of(self, sources: Ints, span: int, targets: Ints, square_um2: Floats) -> Floats:
        """Log-odds of pairs, all over as many frames; minus infinity beyond the radius."""
        a, b = self.spot_class[sources], self.spot_class[targets]
        place = square_um2 / self.radius_um[span - 1] ** 2
        column = np.minimum(place * FINENESS, FINENESS - 1).astype(np.int64)
        odds = self.going_on[span - 1, a, b] + self.step[span - 1, np.minimum(a, b), column]
        return np.where(place < 1, odds, -np.inf)


def learn(
    frame: Ints,
    strength: Floats,
    track: Ints,
    square_um2: Floats,
    variances: tuple[Floats, Ints],
    film: tuple[float, int, float],
    radius_um: float,
    max_gap: int,
) -> Odds | None:
    """Odds from the tracks of an earlier round.

    Parameters
    ----------
    frame, track : ndarray of int, (spots,)
        Frame, ascending, and track of each spot.
    strength : ndarray, (spots,)
        Signal-to-noise ratio or brightness of each.
    square_um2 : ndarray, (spots,)
        Squared step, flow removed, an axis, from each spot to the next of its track.
    variances : (ndarray, ndarray of int)
        Variance of the step over one frame (um^2, an axis) of some tracks, and their steps.
    film : (float, int, float)
        Area of the image (um^2), number of frames, and R of Berglund.
    radius_um : float
        Largest step, um.
    max_gap : int
        Frames that a track may miss.

    Returns
    -------
    Odds or None
        None where there are too few links to learn from.
    """
    order = np.lexsort((frame, track))
    same = track[order][1:] == track[order][:-1]
    if same.sum() < LEAST_LINKS:
        return None
    source, target = order[:-1][same], order[1:][same]
    span = frame[target] - frame[source]
    spot_class = np.searchsorted(_edges(strength), strength, side="right")
    n = int(spot_class.max()) + 1
    area_um2, n_frames, blur = film
    first = np.ones(len(frame), bool)
    first[target] = False
    usual = BORROWED * (np.bincount(spot_class, minlength=n) + 1) / (len(frame) + n)
    births = np.bincount(spot_class[first], minlength=n) + usual
    log_births = np.log(births / (n_frames * area_um2))
    waiting = np.bincount(spot_class, minlength=n).astype(float)
    going_on = np.empty((max_gap + 1, n, n))
    for m in range(1, max_gap + 2):
        made = np.zeros((n, n))
        np.add.at(made, (spot_class[source[span == m]], spot_class[target[span == m]]), 1)
        taken = (made.sum(axis=0) + 1) / (waiting.sum() + n)
        share = (made + BORROWED * taken) / (waiting + BORROWED)[:, None]
        ends = np.maximum(1 - share.sum(axis=1), 1e-3)
        going_on[m - 1] = np.log(share) - np.log(ends)[:, None] - log_births + LENIENCE
        waiting = waiting - made.sum(axis=1)
    ratios = longer(max_gap + 1, blur)
    reach = radius_um * np.sqrt(ratios)
    usual_um2 = float(variances[0] @ variances[1]) / float(variances[1].sum())
    relative = square_um2[source] / (usual_um2 * ratios[span - 1])
    wider = _wider(relative, np.minimum(spot_class[source], spot_class[target]), n)
    return Odds(spot_class, going_on, _densities(variances, ratios, wider, reach), reach)


def _wider(relative: Floats, weaker: Ints, n: int) -> Floats:
    """Mean squared step by the class of the weaker spot, in that of all.

    A particle that moved far while the shutter was open smeared and shows a weak spot: drawn ones
    of 60 nm, the shutter always open, have 1.5 times the mean square where that is weakest, 0.7
    times where it is strongest. What is more is wrong links, and would make more of them.
    """
    total = np.bincount(weaker, relative, n) + BORROWED
    return np.minimum(total / (np.bincount(weaker, minlength=n) + BORROWED), WIDEST)


def _edges(strength: Floats) -> Floats:
    return np.unique(np.quantile(strength, np.arange(1, CLASSES) / CLASSES))


def _densities(
    variances: tuple[Floats, Ints], ratios: Floats, wider: Floats, reach_um: Floats
) -> Floats:
    """Log density of plane steps over 1, 2, ... frames: all tracks' Gaussians together."""
    variance, weight = variances[0], variances[1] / variances[1].sum()
    middle = (np.arange(FINENESS)[:, None] + 0.5) / FINENESS
    result = np.empty((len(ratios), len(wider), FINENESS))
    for m, (times, reach) in enumerate(zip(ratios, reach_um, strict=True)):
        square = middle * reach**2
        for k, more in enumerate(wider):
            v = variance * times * more
            density = (weight / (2 * np.pi * v) * np.exp(-square / (2 * v))).sum(axis=1)
            result[m, k] = np.log(density)
    return result
