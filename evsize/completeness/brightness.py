"""How bright a particle of a given size is in this recording: a power law with scatter."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evsize.completeness.law_fit import (
    ANY,
    ONE_SIZE,
    SAME,
    SCATTERED,
    Fit,
    Observed,
    relative,
    rough_shares,
    weighted_quantile,
)
from evsize.completeness.look import Look
from evsize.completeness.several import several_sizes

Floats = NDArray[np.float64]

REFERENCE_NM = 100.0
ODDS_AGAINST = 5.0
"""Logarithm of the likelihood by which any exponent has to be better than one near Rayleigh's: that
of light scattered is expected. It was by 3 to 13 in simulated films where brightness goes as d^2.5,
by 9 to 91 where it does not grow, by 4 at the most where it goes as d^6 (48 films in all)."""
LEAST_GROWTH = 0.5
"""Exponent above which brightness has to be for certain (95 %) to grow with size at all."""
Z_95 = 1.96
NOT_GROWING = "brightness does not surely grow with size in this recording"
LEAST_SHARE = 1e-4
"""Of the most frequent size: sizes on either side that are rarer are left out."""
MOST_TRACKS = 1500
"""Of more, every second or third is taken: the law is then known far better than needed."""
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

    @property
    def grows(self) -> bool:
        """Whether brightness grows with size."""
        return self.exponent > LEAST_GROWTH

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
        Independent particles that each track is worth.
    look : Look
        How a brightness looks.

    Returns
    -------
    Law or None
        None with fewer than `FEWEST_TRACKS`.

    Notes
    -----
    Both the sizes and the brightnesses are uncertain. The sizes of all tracks are a free mixture
    over the grid, fitted together with the law (maximum likelihood). Rayleigh's exponent is
    expected, and stands in where there is one size only; any other from 0 on is believed where
    there are surely several sizes, and the tracks are surely likelier with it: an expectation with
    a heavy tail. The grid has to be finer than the spread of `look` over the exponent: particles of
    one size fall on one of its sizes.
    """
    good = np.flatnonzero(np.isfinite(log_seen))
    if len(good) < FEWEST_TRACKS:
        return None
    every = -(-len(good) // MOST_TRACKS)
    good = good[::every]
    weight = every * weight[good]
    seen, error = log_seen[good], error[good]
    likelihood = relative(log_likelihood[good])
    p = rough_shares(likelihood, weight)
    often = np.flatnonzero(p > LEAST_SHARE * p.max())
    held = slice(max(often[0] - 1, 0), often[-1] + 2)
    likelihood, p = likelihood[:, held], p[held]
    x = np.log(diameter_nm[held] / REFERENCE_NM)
    there = look.true_of(seen)
    # by positions: of one size, too, some tracks are short, far from the focal plane, and faint
    low, high = (weighted_quantile(there, weight, share) for share in (0.16, 0.84))
    one_size = (high - low) / 2 < ONE_SIZE_SD
    data = Observed(likelihood, p, x, seen, there, error, weight, look)
    fit, source = _believed(data, one_size, several_sizes(likelihood, x, weight, p))
    level, exponent, log_scatter = fit.theta
    shares = np.zeros(len(diameter_nm))
    shares[held] = fit.shares
    middle = float(np.exp(fit.place) * REFERENCE_NM)
    return Law(level, exponent, float(np.exp(log_scatter)), fit.covariance, middle, source, shares)


def _believed(data: Observed, one_size: bool, several: bool) -> tuple[Fit, str]:
    """The fit that is believed, and where its exponent comes from.

    Parameters
    ----------
    data : Observed
        The tracks.
    one_size : bool
        Whether they are of much the same brightness.
    several : bool
        Whether they are surely of several sizes.
    """
    fit = data.fit(ONE_SIZE if one_size else SCATTERED)
    others = [SCATTERED, ANY] if one_size else [ANY]
    for expected in others if several else []:
        other = data.fit(expected)
        fit = other if fit.cost - other.cost > ODDS_AGAINST else fit
    if fit.expected is ONE_SIZE:
        # known at one size only: errors grow away from it
        alike = "brightness tells no other" if several else "the particles are nearly of one size"
        return fit.known_at_one_size(ASSUMED_SD), f"assumed, after Rayleigh: {alike}"
    exponent, error = float(fit.theta[1]), float(np.sqrt(fit.covariance[1, 1]))
    if fit.expected is SCATTERED or exponent - Z_95 * error > LEAST_GROWTH:
        return fit, "fitted to the tracks"
    same = data.fit(SAME).known_at_one_size(float(np.hypot(exponent, error)))
    same = same._replace(theta=same.theta * np.array([1.0, 0.0, 1.0]))
    return same, f"{NOT_GROWING} (fitted: {exponent:.1f}, standard error {error:.2f})"
