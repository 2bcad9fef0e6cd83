"""For how long a particle is followed in all: what its tracks amount to.

A particle diffuses out of the layer in which it is seen and comes back, so it leaves many tracks,
and those of small, fast particles cannot be joined again one by one. How much of a recording
belongs to one particle can be told without that: of the particles in view, the share that is
still, or again, in view a little later, near enough to have diffused there, less what chance puts
there (the second-order statistic of Ripley, J. R. Stat. Soc. B 39, 172 (1977)). Its decline gives
the thickness of the layer, and diffusion gives the rest, up to the length of the recording.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import erf

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REACH = 3.0
"""How far a particle may have moved, in standard deviations of one axis."""
SURELY = 5.0
"""How far it moves in one of 300,000 cases at most."""
FOUND = 1 - np.exp(-(REACH**2) / 2)
"""Share of the particles that are within reach."""
CLASSES = 4
"""Ranges of the diffusion coefficient, of as many tracks each, looked at by themselves."""
LAGS = 9
LOOKS = 150
"""Times at which the particles in view are compared with those a lag later."""
CROWDED = 1.5
"""Particles that chance may put within reach: beyond the lag for which it is more, nothing is
learnt."""
LEAST = 0.02
"""Variance of one look where chance puts nobody."""
MOST_COVERED = 0.8
"""Share of the field within reach, at most: in a smaller field nobody could be told from chance."""
EDGE = 0.02
"""Share of the tracks on either side that may lie outside the field, their ends badly placed."""


@dataclass(frozen=True)
class Tracks:
    """Tracks.

    Attributes
    ----------
    start_um, end_um : ndarray, (tracks, 2)
        First and last position, in a frame of reference that moves with the flow, um.
    in_image_um : ndarray, (tracks, 2)
        Mean position in the image, um.
    start_s, end_s : ndarray, (tracks,)
        Their times, s.
    d_um2_s : ndarray, (tracks,)
        Diffusion coefficient to expect of each, um^2/s.
    """

    start_um: Floats
    end_um: Floats
    in_image_um: Floats
    start_s: Floats
    end_s: Floats
    d_um2_s: Floats

    def at(self, time_s: float) -> tuple[Ints, Floats]:
        """Tracks in view at a time, and about where they are, um."""
        here = np.flatnonzero((self.start_s <= time_s) & (time_s <= self.end_s))
        part = (time_s - self.start_s[here]) / np.maximum(self.end_s - self.start_s, 1e-9)[here]
        return here, self.start_um[here] + part[:, None] * (self.end_um - self.start_um)[here]


@dataclass(frozen=True)
class _Field:
    """The field of view, and the liquid that moves through it.

    Attributes
    ----------
    low_um, size_um : ndarray, (2,)
        Corner at time 0 in the frame that moves with the flow, and sides.
    velocity_um_s : ndarray, (2,)
        Of the liquid.
    """

    low_um: Floats
    size_um: Floats
    velocity_um_s: Floats

    @classmethod
    def of(cls, tracks: Tracks) -> _Field:
        """Find it from where the tracks are."""
        t = (tracks.start_s + tracks.end_s) / 2
        moved = tracks.in_image_um - (tracks.start_um + tracks.end_um) / 2
        velocity = (t - t.mean()) @ moved / max(float(np.square(t - t.mean()).sum()), 1e-9)
        low, high = np.quantile(tracks.in_image_um, [EDGE, 1 - EDGE], axis=0)
        size = np.maximum((high - low) / (1 - 2 * EDGE), 1e-3)
        begun = moved.mean(axis=0) - velocity * t.mean()
        return cls(low - EDGE * size - begun, size, velocity)

    def covers(self, xy_um: Floats, time_s: float, reach_um: Floats) -> Floats:
        """Area around each place that lies in the field at a time, over that of the field."""
        here = xy_um + time_s * self.velocity_um_s - self.low_um
        reach = reach_um[:, None]
        side = np.minimum(here + reach, self.size_um) - np.maximum(here - reach, 0)
        square = np.clip(side, 0.1 * reach, None).prod(axis=1)
        return np.asarray(np.minimum(np.pi / 4 * square / self.size_um.prod(), MOST_COVERED))


def seconds_in_view(tracks: Tracks, interval_s: float, of_um2_s: Floats) -> Floats:
    """Time for which the particle of each track is followed in the whole recording.

    Parameters
    ----------
    tracks : Tracks
    interval_s : float
        Time between two frames, s.
    of_um2_s : ndarray, (tracks,)
        Diffusion coefficient for which to say it of each, um^2/s.

    Returns
    -------
    ndarray, (tracks,)
        Mean over the positions of particles that diffuse so fast, s; at least the duration of the
        track itself.
    """
    length = tracks.end_s - tracks.start_s + interval_s
    duration_s = float(tracks.end_s.max() - tracks.start_s.min()) + interval_s
    if _could_be_one(tracks):
        return np.full(len(length), duration_s)
    field = _Field.of(tracks)
    log_d = np.log(tracks.d_um2_s)
    limits = np.quantile(log_d, np.arange(1, CLASSES) / CLASSES)
    place = np.searchsorted(limits, log_d)
    lag_s = _lags(tracks, field, duration_s, interval_s)
    share, error = _still_there(tracks, place, field, duration_s, lag_s)
    filled = np.unique(place)
    centre = np.array([log_d[place == k].mean() for k in filled])
    middle = float(log_d.mean())

    def misfit(layer: Floats) -> Floats:
        off = (_expected(layer, centre, middle, lag_s, field) - share[filled]) / error[filled]
        # unless the tracks tell: some 4 um to either side, and as deep for all sizes
        return np.append(off[np.isfinite(off)], [(layer[1] - 1.5) / 3, layer[2] / 0.5])

    ends = ([0.2, -3, -2], [1.1, 7, 2])
    layer = np.asarray(least_squares(misfit, [0.9, 1.5, 0.0], bounds=ends).x)
    # twice the integral over all lags, each as often as the recording has it
    edges = np.concatenate([[0.0], np.geomspace(interval_s / 2, duration_s, 200)])
    lags = (edges[1:] + edges[:-1]) / 2
    often = 2 * (1 - lags / duration_s) * np.diff(edges)
    wanted = np.log(of_um2_s)
    grid = np.linspace(wanted.min(), wanted.max() + 1e-9, 30)
    whole = _expected(layer, grid, middle, lags, field) @ often
    return np.asarray(np.maximum(np.interp(wanted, grid, whole), length))


def _could_be_one(tracks: Tracks) -> bool:
    """Whether all tracks could be of a single particle: never two at once, each near the last."""
    order = np.argsort(tracks.start_s, kind="stable")
    before, after = order[:-1], order[1:]
    gap_s = tracks.start_s[after] - tracks.end_s[before]
    square = np.square(tracks.start_um[after] - tracks.end_um[before]).sum(axis=1)
    reach = SURELY**2 * (tracks.d_um2_s[after] + tracks.d_um2_s[before]) * gap_s
    return bool(((gap_s > 0) & (square < reach)).all())


def _expected(layer: Floats, log_d: Floats, middle: float, lag_s: Floats, field: _Field) -> Floats:
    """Share (coefficients, lags) in view after each lag.

    `layer` is the share of the frames in which a particle in the layer is followed, the logarithm
    of half the thickness (um) at the diffusion coefficient `middle`, and its slope.
    """
    half = np.exp(layer[1] + layer[2] * (log_d - middle))[:, None]
    inside = overlap(half**2 / (np.exp(log_d)[:, None] * lag_s))
    moved = np.abs(field.velocity_um_s)[:, None] * lag_s / field.size_um[:, None]
    return np.asarray(layer[0] * inside * np.clip(1 - moved, 0, None).prod(axis=0))


def overlap(ratio: Floats) -> Floats:
    """Share of what was spread evenly over a layer, and diffused, that is in it.

    Parameters
    ----------
    ratio : ndarray
        Square of half the thickness, over the diffusion coefficient and the time.
    """
    return np.asarray(erf(np.sqrt(ratio)) - (1 - np.exp(-ratio)) / np.sqrt(np.pi * ratio))


def _lags(tracks: Tracks, field: _Field, duration_s: float, interval_s: float) -> Floats:
    """Lags at which to look, s."""
    in_view = float((tracks.end_s - tracks.start_s + interval_s).sum()) / duration_s
    density = max(in_view - 1, 0.05) / float(field.size_um.prod())  # of others
    square_um2_s = REACH**2 * 2 * float(np.median(tracks.d_um2_s))
    longest = CROWDED / (density * np.pi * square_um2_s)
    longest = min(max(longest, 4 * interval_s), duration_s / 3)
    return np.geomspace(min(2 * interval_s, longest / 2), longest, LAGS)


def _still_there(
    tracks: Tracks, place: Ints, field: _Field, duration_s: float, lag_s: Floats
) -> tuple[Floats, Floats]:
    """Share (classes, lags) in view after each lag, and its error; NaN where nobody was."""
    near, chance, covered, looks = np.zeros((4, CLASSES, len(lag_s)))
    begin = float(tracks.start_s.min())
    for k, lag in enumerate(lag_s):
        for time in np.linspace(begin, begin + duration_s - lag, LOOKS):
            first, xy = tracks.at(time)
            second, other = tracks.at(time + lag)
            reach = REACH * np.sqrt(2 * tracks.d_um2_s[first] * lag)
            apart = np.square(xy[:, None] - other[None]).sum(axis=2)
            there = (apart < reach[:, None] ** 2).sum(axis=1)
            around = field.covers(xy, time + lag, reach)
            of_class = place[first]
            near[:, k] += np.bincount(of_class, there, CLASSES)
            chance[:, k] += np.bincount(of_class, len(second) * around, CLASSES)
            covered[:, k] += np.bincount(of_class, around, CLASSES)
            looks[:, k] += np.bincount(of_class, minlength=CLASSES)
    with np.errstate(invalid="ignore", divide="ignore"):
        # who is neighbour to whom lasts for about the lag: so many looks are independent
        independent = looks * np.minimum(duration_s / lag_s / LOOKS, 1)
        # who is still there is not there by chance: of n in view, n less that share are
        share = (near - chance) / (looks - covered)
        others = np.maximum(chance - share * covered, 0) / looks
        error = np.sqrt((others + LEAST) / independent) * looks / (looks - covered)
        return share / FOUND, error
